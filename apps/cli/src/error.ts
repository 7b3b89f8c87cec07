/**
 * What a command can fail with, and the exit code each failure ends the process with. Everything thrown inside a command that is not one of these
 * is turned into one by `program/explain.ts`.
 */

import { OckamError } from '@ockam/core'

export type CliErrorCode =
  /** It failed for a reason no other code describes. */
  | 'cli/failed'
  /** The command line, a configuration file or an answer makes no sense. */
  | 'cli/usage'
  /** The node, identity, vault, address or other thing that was named does not exist. */
  | 'cli/not-found'
  /** The name, address or port is taken, or the thing is in use. */
  | 'cli/conflict'
  /** The other side, the system or a rule does not allow it. */
  | 'cli/refused'
  /** Nothing answered in time. */
  | 'cli/timeout'
  /** The background node is not running. */
  | 'cli/node-down'
  /** The background node speaks another version of the private interface. */
  | 'cli/version-mismatch'

/** Exit codes, as `ockam --help` documents them. 130 and 143 are those of SIGINT and SIGTERM. */
export const EXIT_CODES: Readonly<Record<CliErrorCode, number>> = {
  'cli/failed': 1,
  'cli/usage': 2,
  'cli/not-found': 3,
  'cli/conflict': 4,
  'cli/refused': 5,
  'cli/timeout': 6,
  'cli/node-down': 7,
  'cli/version-mismatch': 8,
}

export interface CommandErrorOptions {
  /** What to do next: one sentence, a command if there is one. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** A failure a person reads: `error:` is its message, `hint:` its hint. */
export class CommandError extends OckamError<CliErrorCode> {
  readonly hint: string | undefined

  constructor(code: CliErrorCode, message: string, options: CommandErrorOptions = {}) {
    super(code, message, 'cause' in options ? { cause: options.cause } : undefined)
    this.hint = options.hint
  }

  get exitCode(): number {
    return EXIT_CODES[this.code]
  }

  static isCommandError(value: unknown): value is CommandError {
    return value instanceof CommandError
  }
}

export const usageError = (message: string, hint?: string): CommandError => new CommandError('cli/usage', message, { hint })
export const notFoundError = (message: string, hint?: string): CommandError => new CommandError('cli/not-found', message, { hint })
export const conflictError = (message: string, hint?: string): CommandError => new CommandError('cli/conflict', message, { hint })
