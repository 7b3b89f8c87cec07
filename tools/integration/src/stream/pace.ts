/** How fast a receiver takes its messages; changed by the test while messages come. */

import type { Pressure } from '@ockam/core'

/** `stuck` takes nothing more; `slow` pauses between bursts; `open` never waits. */
export type PaceName = 'stuck' | 'slow' | 'open'

const BURST = 32
const PAUSE_MS = 4

export class Pace {
  #name: PaceName
  #count = 0
  #release: (() => void) | undefined

  constructor(name: PaceName) {
    this.#name = name
  }

  set(name: PaceName): void {
    this.#name = name
    this.#release?.()
    this.#release = undefined
  }

  /** What a handler returns: a promise to get nothing more for now. */
  wait(): Pressure {
    this.#count++
    if (this.#name === 'open' || (this.#name === 'slow' && this.#count % BURST !== 0)) return undefined
    return new Promise((resolve) => {
      this.#release = resolve
      if (this.#name === 'slow') setTimeout(resolve, PAUSE_MS)
    })
  }
}
