/** No command is without transcripts: its help, its success, its failure, its JSON, and each of its options. */

import { describe, expect, test } from 'vitest'
import { EXIT_CODES } from '../src/error.ts'
import { type CommandDefinition, isGroup } from '../src/program/command.ts'
import { COMMANDS } from '../src/program/registry.ts'
import { readTranscripts, type Step } from './terminal/transcript.ts'

interface NamedCommand {
  /** `node create`. */
  readonly words: string
  readonly definition: CommandDefinition
}

interface Call {
  /** What stands behind `ockam`. */
  readonly line: string
  readonly step: Step
}

const commands: readonly NamedCommand[] = COMMANDS.flatMap((entry) =>
  isGroup(entry)
    ? entry.commands.map((definition) => ({ words: `${entry.name} ${definition.name}`, definition }))
    : [{ words: entry.name, definition: entry }],
)
const groups = COMMANDS.filter(isGroup).map(({ name }) => name)
const steps = readTranscripts().flatMap((transcript) => transcript.steps)
const calls: readonly Call[] = steps.flatMap((step) =>
  // A call ends where the shell's next word begins; quoted text has none of these characters in transcripts but for the configuration's.
  [...step.input.matchAll(/(?:^|[\s(])ockam ((?:'[^']*'|[^|;&'\n])*)/g)].map(([, line = '']) => ({ line: line.trim(), step })),
)
const callsOf = (words: string): readonly Call[] => calls.filter(({ line }) => line === words || line.startsWith(`${words} `))
const isHelp = ({ line }: Call): boolean => line.endsWith('--help')
const isJson = ({ line }: Call): boolean => /--output[ =]json|--json/.test(line)

test.each(commands)('ockam $words has transcripts of its help, success, failure, JSON and every option', ({ words, definition }) => {
  const own = callsOf(words)
  const successes = own.filter((call) => !isHelp(call) && call.step.code === 0)
  const failures = own.filter(({ step }) => step.code !== 0 && step.stderr.includes('error: '))
  const options = (definition.options ?? []).filter(({ isHidden }) => isHidden !== true)
  const unused = options.filter(({ flags }) => {
    const names = flags.split(/[ ,]+/).filter((word) => word.startsWith('-'))
    return !own.some(({ line }) => names.some((name) => new RegExp(`(^|\\s)${name}(?=[\\s=]|$)`).test(line)))
  })
  expect
    .soft(
      own.some((call) => isHelp(call) && call.step.stdout.startsWith(`Usage: ockam ${words}`)),
      'help',
    )
    .toBe(true)
  expect.soft(successes.length, 'successes').toBeGreaterThan(0)
  expect.soft(successes.filter(isJson).length, 'successes with JSON').toBeGreaterThan(0)
  expect.soft(failures.length, 'failures').toBeGreaterThan(0)
  expect.soft(failures.map(({ step }) => step.code).filter((code) => !Object.values(EXIT_CODES).includes(code))).toEqual([])
  expect
    .soft(
      unused.map(({ flags }) => flags),
      'options in no transcript',
    )
    .toEqual([])
})

describe('the transcripts', () => {
  test.each(groups)('show the help of ockam %s', (name) => {
    expect(calls.some((call) => call.line === `${name} --help`)).toBe(true)
  })

  test('call no command that does not exist, but to show what happens then', () => {
    const known = commands.map(({ words }) => words)
    const others = calls.filter(({ line }) => !known.some((words) => line === words || line.startsWith(`${words} `)))
    const odd = others.filter(({ line, step }) => !/^(-|help|$)/.test(line) && !line.endsWith('--help') && step.code === 0)
    expect(odd.map(({ step }) => step.input)).toEqual([])
  })

  test('show every exit code that a single command can end with', () => {
    // A node of another version takes two versions: `control.test.ts` plays the other one.
    const shown = new Set(steps.map(({ code }) => code))
    const missing = Object.values(EXIT_CODES).filter((code) => !shown.has(code))
    expect(missing).toEqual([EXIT_CODES['cli/version-mismatch']])
  })

  test('have JSON where they ask for it', () => {
    const asked = calls.filter((call) => isJson(call) && call.step.code === 0 && call.line === call.step.input.replace('ockam ', ''))
    expect(asked.length).toBeGreaterThan(commands.length / 2)
    for (const { step } of asked) {
      const text = step.stdout.replaceAll(/"\{[a-z:0-9-]+\}"/g, '""').replaceAll(/: ?\{(?:pid|ms|count|port)(?::[a-z0-9-]+)?\}/g, ': 0')
      expect(() => JSON.parse(text), step.input).not.toThrow()
    }
  })
})
