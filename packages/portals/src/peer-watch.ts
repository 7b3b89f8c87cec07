/**
 * Notices that the other end of a connection is gone although nothing said so: behind a relay nobody tells an outlet that its inlet's machine has lost
 * power. When nothing was heard for an interval the other end is asked; when nothing comes in the next one either, it is gone.
 */

import type { Clock, Timer } from '@ockam/core'

export interface PeerWatchOptions {
  readonly clock: Clock
  readonly intervalMs: number
  /** Asks the other end for a sign of life. */
  ask(this: void): void
  /** Called once. */
  onGone(this: void): void
}

export class PeerWatch {
  readonly #options: PeerWatchOptions
  #hasHeard = false
  #isAsked = false
  #timer: Timer

  constructor(options: PeerWatchOptions) {
    this.#options = options
    this.#timer = this.#schedule()
  }

  /** Something came. */
  heard(): void {
    this.#hasHeard = true
  }

  end(): void {
    this.#timer.cancel()
  }

  #schedule(): Timer {
    const { clock, intervalMs } = this.#options
    return clock.schedule(intervalMs, () => this.#look(), { isBackground: true })
  }

  #look(): void {
    const { ask, onGone } = this.#options
    if (!this.#hasHeard && this.#isAsked) {
      onGone()
      return
    }
    this.#isAsked = !this.#hasHeard
    this.#hasHeard = false
    // Asking may end the connection, and with it this.
    this.#timer = this.#schedule()
    if (this.#isAsked) ask()
  }
}
