/**
 * Watches the resident memory of its own process: the highest value since it was last marked. Samples come from a timer; back-pressure that starved
 * timers would show as missing samples, so those are counted too.
 */

const INTERVAL_MS = 10

export interface MemoryReport {
  /** Resident bytes when it was marked, and the most since. */
  readonly markedBytes: number
  readonly peakBytes: number
  readonly samples: number
}

export class MemoryWatch {
  #marked = process.memoryUsage.rss()
  #peak = this.#marked
  #samples = 0

  constructor() {
    setInterval(() => this.#sample(), INTERVAL_MS).unref()
  }

  /** Growth counts from here. */
  mark(): void {
    this.#marked = process.memoryUsage.rss()
    this.#peak = this.#marked
    this.#samples = 0
  }

  report(): MemoryReport {
    this.#sample()
    return { markedBytes: this.#marked, peakBytes: this.#peak, samples: this.#samples }
  }

  #sample(): void {
    this.#samples++
    const bytes = process.memoryUsage.rss()
    if (bytes > this.#peak) this.#peak = bytes
  }
}
