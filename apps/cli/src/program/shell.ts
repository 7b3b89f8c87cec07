/** What surrounds a command while it runs: terminal, environment, standard input. Handed in, so that commands can be tried without a process. */

import type { State } from '../state/state.ts'
import type { SecretSources } from '../state/vault-secret.ts'
import type { Terminal } from '../terminal/terminal.ts'

export interface Shell {
  readonly terminal: Terminal
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The state folder: `OCKAM_HOME`, or `~/.ockam-ts`; made when there is none. */
  readonly openState: () => Promise<State>
  /** What opens vaults that are locked. */
  readonly secrets: SecretSources
  /**
   * Runs another command of this program: its talk is heard, its data is not.
   * @throws {CommandError} what it fails with.
   */
  readonly run: (words: readonly string[]) => Promise<void>
  /** Aborts when the user interrupts the command. */
  readonly signal: AbortSignal
  /** For commands that run a node here: signals are the node's from now on. */
  readonly leaveSignals: () => void
  /** Takes back what a command has made: an interruption waits for it. */
  readonly tidyUp: <T>(work: () => Promise<T>) => Promise<T>
  /** The first line of standard input that is not empty, for `-` in a route. Undefined when there is none. */
  readonly firstLine: () => Promise<string | undefined>
  /** Whether questions may be asked: a terminal on both sides, and neither `--no-input` nor `--quiet`. */
  readonly isInteractive: boolean
}
