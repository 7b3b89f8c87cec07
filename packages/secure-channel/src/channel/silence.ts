/**
 * For how long nothing authentic has come through a channel. A count is compared whenever somebody asks, so that a message itself costs no look at the
 * clock; what came between two looks counts as having come at the second.
 */
export class Silence {
  #count = 0
  #sinceMs: number

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  /** @param count of authentic messages so far. @param nowMs monotonic. */
  lastsMs(count: number, nowMs: number): number {
    if (count !== this.#count) {
      this.#count = count
      this.#sinceMs = nowMs
    }
    return nowMs - this.#sinceMs
  }
}
