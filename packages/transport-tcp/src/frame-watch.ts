/**
 * Deadlines of one connection: the version byte, the progress of an unfinished frame, the end.
 *
 * Progress is a rate, not a deadline: a slow honest sender of 16 MiB passes, a sender of one byte per second does not. Nothing is judged while we do
 * not read ourselves, and only after what the operating system already holds was read: a process that was busy or asleep must not blame the other
 * side. A timer runs only while something is awaited, and is not set anew for every frame.
 */

import type { Clock, Timer, Turns } from '@ockam/core'
import type { FrameReader } from './frame-reader.ts'

export interface FrameWatchOptions {
  readonly versionTimeoutMs: number
  readonly minProgressBytes: number
  readonly progressIntervalMs: number
  readonly closeTimeoutMs: number
}

export class FrameWatch {
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #options: FrameWatchOptions
  readonly #reader: FrameReader
  readonly #onFailure: (problem: string) => void
  #timer: Timer | undefined
  /** Where the reader stood when the interval began; -1 when we stopped reading since. */
  #frames = 0
  #bytes = 0

  constructor(
    services: { readonly clock: Clock; readonly turns: Turns },
    options: FrameWatchOptions,
    reader: FrameReader,
    onFailure: (problem: string) => void,
  ) {
    this.#clock = services.clock
    this.#turns = services.turns
    this.#options = options
    this.#reader = reader
    this.#onFailure = onFailure
  }

  awaitVersion(): void {
    const { versionTimeoutMs } = this.#options
    const timer = this.#clock.schedule(versionTimeoutMs, () => {
      this.#turns.afterIo(() => {
        if (this.#timer === timer) this.#onFailure(`The other side did not say its version within ${versionTimeoutMs} ms.`)
      })
    })
    this.#timer = timer
  }

  versionCame(): void {
    this.stop()
  }

  /** An unfinished frame waits for more. */
  awaitProgress(): void {
    if (this.#timer !== undefined) return
    this.#frames = this.#reader.frames
    this.#bytes = this.#reader.partialBytes
    this.#timer = this.#clock.schedule(this.#options.progressIntervalMs, this.#onInterval)
  }

  /** We stop reading: the interval that runs says nothing about the other side. */
  pause(): void {
    this.#frames = -1
  }

  awaitClose(onLate: () => void): void {
    this.stop()
    this.#timer = this.#clock.schedule(this.#options.closeTimeoutMs, onLate)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #onInterval = (): void => {
    if (this.#isStuck()) this.#turns.afterIo(this.#judge)
    else this.#judge()
  }

  readonly #judge = (): void => {
    if (this.#timer === undefined) return
    this.#timer = undefined
    if (this.#isStuck()) {
      const { minProgressBytes, progressIntervalMs } = this.#options
      this.#onFailure(`An unfinished frame grew by less than ${minProgressBytes} bytes in ${progressIntervalMs} ms.`)
    } else if (this.#reader.partialBytes > 0) {
      this.awaitProgress()
    }
  }

  #isStuck(): boolean {
    const { frames, partialBytes } = this.#reader
    return frames === this.#frames && partialBytes - this.#bytes < this.#options.minProgressBytes
  }
}
