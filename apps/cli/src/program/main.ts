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
import type { WatchedOutput } from './output.ts'

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const
/** For tidying up after an interruption. */
const LAST_MOMENT_MS = 500

/** @param output tells when what is printed goes nowhere; left out where nobody looks. @returns the exit code. */
export async function main(words: readonly string[], version: string, output?: WatchedOutput): Promise<number> {
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
    isColored: globals.hasNoColor || environment['NO_COLOR'] || environment['TERM'] === 'dumb' ? false : undefined,
    isAnimated: environment['TERM'] !== 'dumb' && !globals.hasNoInput,
  })
  const interruption = new Interruption()
  if (output !== undefined) output.onClosed = () => interruption.abort(new Error('nobody reads what is printed'))
  const shell: Shell = {
    terminal,
    environment,
    openState: async () => {
      const { openState, statePath } = await import('../state/state.ts')
      return openState(statePath(environment))
    },
    secrets: { environment, ...(isInteractive && { askPassphrase: askPassphraseOf }) },
    run: (words) => runInside(shell, words, version),
    signal: interruption.signal,
    leaveSignals: () => interruption.forget(),
    tidyUp: (work) => interruption.delayedBy(work),
    isInteractive,
    firstLine: () => firstLineOf(process.stdin),
  }
  try {
    const program = buildProgram(shell, version)
    await program.parseAsync(words, { from: 'user' })
    await output?.flushed()
    return interruption.exitCode ?? Number(process.exitCode ?? 0)
  } catch (error) {
    if (interruption.exitCode !== undefined) return interruption.exitCode
    // Whoever read has what they wanted.
    if (output?.isClosed === true) return 0
    if (error instanceof CommanderError) return afterParser(error, terminal)
    const problem = explain(error)
    terminal.fail(problem)
    if (globals.isVerbose) terminal.detail(stackOf(error))
    return problem.exitCode
  } finally {
    interruption.forget()
  }
}

/**
 * Ends a command that the user, or the system, interrupts: what is under way is told, and the process ends soon whether it listens or not, but for what
 * has to be tidied up. A second signal does not wait for that either.
 */
class Interruption {
  readonly #controller = new AbortController()
  readonly #listeners = SIGNALS.map(([name, code]) => [name, () => this.#interrupt(code)] as const)
  readonly #tidying = new Set<Promise<unknown>>()
  exitCode: number | undefined

  constructor() {
    for (const [name, listener] of this.#listeners) process.on(name, listener)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  forget(): void {
    for (const [name, listener] of this.#listeners) process.off(name, listener)
  }

  abort(reason: Error): void {
    this.#controller.abort(reason)
  }

  /** The process does not end for a signal before this is done. */
  async delayedBy<T>(work: () => Promise<T>): Promise<T> {
    const done = work()
    this.#tidying.add(done)
    try {
      return await done
    } finally {
      this.#tidying.delete(done)
    }
  }

  #interrupt(code: number): void {
    if (this.exitCode !== undefined) process.exit(code)
    this.exitCode = code
    this.#controller.abort(new Error('interrupted'))
    const end = (): void => void Promise.allSettled(this.#tidying).then(() => process.exit(code))
    setTimeout(end, LAST_MOMENT_MS).unref()
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
    isJson: output === 'json' || has('--json') || (output === undefined && has('--compact-output')),
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
