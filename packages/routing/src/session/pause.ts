/** A wait that can be ended early, and then leaves no timer behind. */
import type { Clock, Timer } from '@ockam/core'

export class Pause {
  /** Resolves when the time has passed; never after {@link end}, unless it had passed before. */
  readonly over: Promise<void>
  #timer: Timer | undefined

  /** @param isBackground whether this wait alone must not keep the process alive. */
  constructor(clock: Clock, ms: number, isBackground: boolean) {
    this.over = new Promise((resolve) => {
      this.#timer = clock.schedule(ms, resolve, { isBackground })
    })
  }

  end(): void {
    this.#timer?.cancel()
  }
}
