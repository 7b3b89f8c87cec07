/** Command lines written for the Rust command are understood: every option of a command that both have is known, or has a reason why it is not. */

import { describe, expect, test, vi, beforeEach, afterEach } from 'vitest'
import { Option } from 'commander'
import { main } from '../src/program/main.ts'
import { type CommandDefinition, isGroup, type OptionDefinition } from '../src/program/command.ts'
import { GLOBAL_OPTIONS } from '../src/program/global-option.ts'
import { COMMANDS } from '../src/program/registry.ts'
import rust from './rust-command.json' with { type: 'json' }

interface RustCommand {
  readonly arguments: number
  readonly options: readonly string[]
  readonly without?: Readonly<Record<string, string>>
}

const own = new Map<string, CommandDefinition>(
  COMMANDS.flatMap((entry) =>
    isGroup(entry) ? entry.commands.map((one) => [`${entry.name} ${one.name}`, one] as const) : [[entry.name, entry] as const],
  ),
)
const both = Object.entries(rust.commands as Readonly<Record<string, RustCommand>>)

/** Every way to write an option: `--authorized`, `-a`, and its other names. */
const spellings = ({ flags, aliases = [] }: OptionDefinition): readonly string[] => {
  const { long, short } = new Option(flags)
  return [long, short, ...aliases.map((alias) => `--${alias}`)].filter((name) => name !== undefined && name !== null)
}
const known = (options: readonly OptionDefinition[] = []): ReadonlySet<string> => new Set(options.flatMap(spellings))
/** Those the parser itself has. */
const BUILT_IN = ['--help', '-h']

describe('the Rust command', () => {
  test.each(both)('%s has no option that is unknown here, or its reason is written down', (words, { options, without = {} }) => {
    const names = known(own.get(words)?.options)
    expect(options.filter((name) => !names.has(name))).toEqual([])
    expect(Object.keys(without).filter((name) => names.has(name))).toEqual([])
    for (const reason of Object.values(without)) expect(reason.length).toBeGreaterThan(20)
  })

  test.each(both)('%s takes no more arguments than are taken here', (words, { arguments: count }) => {
    expect(own.get(words)?.parameters?.length ?? 0).toBeGreaterThanOrEqual(count)
  })

  test('has no option for all commands that is unknown here, or its reason is written down', () => {
    const names = new Set([...known(GLOBAL_OPTIONS), ...BUILT_IN])
    expect(rust.global.options.filter((name) => !names.has(name))).toEqual([])
    expect(Object.keys(rust.global.without).filter((name) => names.has(name))).toEqual([])
  })

  test('has no commands that are neither here nor have a reason why not', () => {
    const groups = new Set(COMMANDS.map(({ name }) => name))
    for (const [name, reason] of Object.entries(rust.absent)) {
      expect(groups.has(name), name).toBe(false)
      expect(reason.length, name).toBeGreaterThan(20)
    }
    expect(both.map(([words]) => words).filter((words) => !own.has(words))).toEqual([])
  })
})

describe('an option without effect', () => {
  const withoutEffect = [...own].flatMap(([words, { options = [] }]) =>
    options.flatMap((option) =>
      option.ignoredBecause !== undefined || option.refusedBecause !== undefined
        ? spellings(option).map((spelling) => ({ words, spelling, option }))
        : [],
    ),
  )
  let printed = ''

  beforeEach(() => {
    printed = ''
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((printed += String(text)), true))
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    for (const { words } of withoutEffect) {
      vi.spyOn(own.get(words) as CommandDefinition, 'run').mockImplementation(async () => void (printed += 'It ran.\n'))
    }
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test.each(withoutEffect)('of ockam $words, $spelling, says so once when it is used', async ({ words, spelling, option }) => {
    const required = (own.get(words)?.options ?? []).filter(({ isRequired }) => isRequired)
    const parameters = (own.get(words)?.parameters ?? []).filter(({ isRequired }) => isRequired).map(() => 'x')
    const line = [...words.split(' '), ...parameters, ...required.flatMap(({ flags }) => [new Option(flags).long as string, 'x'])]
    const code = await main([...line, spelling, ...(option.flags.includes('<') ? ['x'] : [])], '0.0.0')
    const name = spelling.startsWith('--') ? spelling : (new Option(option.flags).long as string)
    if (option.refusedBecause === undefined) {
      expect([code, printed]).toEqual([0, `${name} is ignored: ${option.ignoredBecause}.\nIt ran.\n`])
    } else {
      const problem = `error: ${name} is not possible here: ${option.refusedBecause}.\nhint: Leave it out.\n`
      expect([code, printed]).toEqual([2, problem])
    }
  })
})
