/** What surrounds a command while it runs: terminal, environment, standard input. Handed in, so that commands can be tried without a process. */

import type { Terminal } from '../terminal/terminal.ts'

export interface Shell {
  readonly terminal: Terminal
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborts when the user interrupts the command. */
  readonly signal: AbortSignal
  /** The first line of standard input that is not empty, for `-` in a route. Undefined when there is none. */
  firstLine(): Promise<string | undefined>
  /** Whether questions may be asked: a terminal on both sides, and neither `--no-input` nor `--quiet`. */
  readonly isInteractive: boolean
}
