/** A move to the primary way, from being told to its end: waits for those who have something under way along the former one. */
import type { Clock, SessionMove } from '@ockam/core'
import { Pause } from './pause.ts'

/** What was sent before has come by then, on all but the slowest ways; those are drained instead. */
const READY_MS = 10_000

export class PendingMove implements SessionMove {
  readonly over: Promise<void>
  readonly #ready: Promise<unknown>[] = []
  #pause: Pause | undefined
  #resolveOver: () => void = () => undefined

  constructor() {
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve
    })
  }

  waitUntil(ready: Promise<unknown>): void {
    this.#ready.push(ready)
  }

  /** Whether all who were told have nothing under way, in time. Settles before {@link end}, or never. */
  isReady(clock: Clock): Promise<boolean> {
    if (this.#ready.length === 0) return Promise.resolve(true)
    const pause = new Pause(clock, READY_MS, false)
    this.#pause = pause
    const all = Promise.all(this.#ready).then(
      () => true,
      () => false,
    )
    return Promise.race([all, pause.over.then(() => false)])
  }

  /** Tells them that it is over. */
  end(): void {
    this.#pause?.end()
    this.#resolveOver()
  }
}
