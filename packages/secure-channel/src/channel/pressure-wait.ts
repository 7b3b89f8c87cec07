/** Waiting for a pressure that may never end, such as that of a peer which does not read: until it resolves, or until nobody wants to wait any more. */

import { dropPressure } from '@ockam/core'

export class PressureWait {
  /** True from {@link end} on. */
  hasEnded = false
  #release: (() => void) | undefined

  /** Resolves with `pressure`, which never rejects, or as soon as the wait is cut short. One at a time. */
  until(pressure: Promise<void>): Promise<void> {
    if (this.hasEnded) return Promise.resolve()
    return new Promise((resolve) => {
      this.#release = resolve
      dropPressure(pressure.then(resolve))
    })
  }

  /** Ends the wait under way; the next one waits again. */
  release(): void {
    this.#release?.()
    this.#release = undefined
  }

  /** Ends the wait under way, and all that follow at once. */
  end(): void {
    this.hasEnded = true
    this.release()
  }
}
