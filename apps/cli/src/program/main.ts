/**
 * One run of the command: from the words of a command line to an exit code. Errors end here, as one line that says what and which, and one that says
 * what to do next.
 */

import { CommanderError } from 'commander'
import { usageError } from '../error.ts'
import { askPassphraseOf } from '../terminal/question.ts'
import { Terminal } from '../terminal/terminal.ts'
import { buildProgram } from './build-program.ts'
import { explain } from './explain.ts'
import type { Shell } from './shell.ts'
import { firstLineOf } from './standard-input.ts'

const INTERRUPTED = 130

export async function main(words: readonly string[], version: string): Promise<number> {
  const environment = process.env
  const globals = globalOptions(words)
  const isInteractive = process.stdin.isTTY === true && process.stderr.isTTY === true && !globals.isQuiet && !globals.hasNoInput
  const terminal = new Terminal({
    stdout: process.stdout,
    stderr: process.stderr,
    isJson: globals.isJson,
    isCompact: globals.isCompact,
    isQuiet: globals.isQuiet,
    isVerbose: globals.isVerbose,
    isColored: globals.hasNoColor || environment['NO_COLOR'] ? false : undefined,
    isAnimated: environment['TERM'] !== 'dumb' && !globals.hasNoInput,
  })
  const interruption = new AbortController()
  const shell: Shell = {
    terminal,
    environment,
    openState: async () => {
      const { openState, statePath } = await import('../state/state.ts')
      return openState(statePath(environment), environment)
    },
    secrets: { environment, ...(isInteractive && { askPassphrase: askPassphraseOf }) },
    run: (words) => runInside(shell, words, version),
    signal: interruption.signal,
    isInteractive,
    firstLine: () => firstLineOf(process.stdin),
  }
  try {
    const program = buildProgram(shell, version)
    await program.parseAsync(words, { from: 'user' })
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (interruption.signal.aborted) return INTERRUPTED
    if (error instanceof CommanderError) return afterParser(error, terminal)
    const problem = explain(error)
    terminal.fail(problem)
    if (globals.isVerbose) terminal.detail(stackOf(error))
    return problem.exitCode
  }
}

/** Help and version end the parser like an error does; its own complaints become ours. */
function afterParser(error: CommanderError, terminal: Terminal): number {
  if (error.exitCode === 0) return 0
  if (error.code === 'commander.help') return 2
  const problem = usageError(error.message.replace(/^error: /, ''), 'Add --help to see how the command is written.')
  terminal.fail(problem)
  return problem.exitCode
}

async function runInside(shell: Shell, words: readonly string[], version: string): Promise<void> {
  const terminal = new Terminal({ ...shell.terminal.options, isJson: false, stdout: { write: () => undefined } })
  try {
    await buildProgram({ ...shell, terminal }, version).parseAsync(words, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) throw usageError(`${words.slice(0, 2).join(' ')}: ${error.message.replace(/^error: /, '')}`)
    throw error
  }
}

/** Needed before parsing, because parsing can fail too. */
function globalOptions(words: readonly string[]): {
  readonly isJson: boolean
  readonly isCompact: boolean
  readonly isQuiet: boolean
  readonly isVerbose: boolean
  readonly hasNoColor: boolean
  readonly hasNoInput: boolean
} {
  const end = words.indexOf('--')
  const known = end === -1 ? words : words.slice(0, end)
  const has = (...names: readonly string[]): boolean => names.some((name) => known.includes(name))
  const outputAt = known.findIndex((word) => word === '--output' || word.startsWith('--output='))
  const output = outputAt === -1 ? undefined : (known[outputAt]?.split('=')[1] ?? known[outputAt + 1])
  return {
    isJson: output === 'json' || has('--json'),
    isCompact: has('--compact-output'),
    isQuiet: has('--quiet', '-q'),
    isVerbose: known.some((word) => word === '--verbose' || /^-v+$/.test(word)),
    hasNoColor: has('--no-color'),
    hasNoInput: has('--no-input'),
  }
}

function stackOf(error: unknown): string {
  const parts: string[] = []
  for (let at = error; at instanceof Error && parts.length < 8; at = at.cause) parts.push(at.stack ?? at.message)
  return parts.join('\ncaused by: ')
}
