/**
 * The deadline of one connection for being read: bytes wait to be sent, and the operating system takes none of them.
 *
 * Any progress, however slow, restarts it; none is asked of a connection on which nothing waits. Time is counted in looks, so that a process which was
 * asleep itself has made one look and not many, and the last look is made only after what the operating system would take by then was given to it. A
 * timer runs only while bytes wait, and is not set anew for every write.
 */

import type { Socket } from 'node:net'
import type { Clock, Timer, Turns } from '@ockam/core'

/** How often is looked within `stallTimeoutMs`: a stall is found this part of it late, at most. */
const LOOKS = 4

export class WriteWatch {
  readonly #clock: Clock
  readonly #turns: Turns
  readonly #stallTimeoutMs: number
  readonly #socket: Socket
  readonly #onStall: (problem: string) => void
  #timer: Timer | undefined
  #isOver: boolean
  /** What had been taken at the last look, and how many looks in a row found it so. */
  #taken = 0
  #looks = 0

  /** @param stallTimeoutMs 0: never. */
  constructor(
    services: { readonly clock: Clock; readonly turns: Turns },
    stallTimeoutMs: number,
    socket: Socket,
    onStall: (problem: string) => void,
  ) {
    this.#clock = services.clock
    this.#turns = services.turns
    this.#stallTimeoutMs = stallTimeoutMs
    this.#socket = socket
    this.#onStall = onStall
    this.#isOver = stallTimeoutMs === 0
  }

  /** To be called behind every write. */
  wrote(): void {
    if (this.#timer !== undefined || this.#socket.writableLength === 0 || this.#isOver) return
    this.#taken = takenBytes(this.#socket)
    this.#looks = 0
    this.#schedule()
  }

  /** For good. */
  stop(): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(): void {
    this.#timer = this.#clock.schedule(Math.ceil(this.#stallTimeoutMs / LOOKS), this.#look)
  }

  readonly #look = (): void => {
    if (this.#looks === LOOKS - 1) this.#turns.afterIo(this.#judge)
    else this.#judge()
  }

  readonly #judge = (): void => {
    if (this.#isOver) return
    this.#timer = undefined
    if (this.#socket.writableLength === 0) return
    const taken = takenBytes(this.#socket)
    // Not a number where the runtime does not tell: then nobody is judged.
    this.#looks = taken === this.#taken ? this.#looks + 1 : 0
    this.#taken = taken
    if (this.#looks < LOOKS) this.#schedule()
    else this.#onStall(`Bytes wait to be sent, and for ${this.#stallTimeoutMs} ms the other side has taken none of them.`)
  }
}

/**
 * How many bytes the operating system has taken from a socket since it was opened. Public counters of Node know whole writes only, and one write may
 * hold 16 MiB; the handle knows what libuv got and what of it still waits, and Node's own `setTimeout` of sockets looks there for the same reason.
 */
function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & {
    readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null
  }
  return (handle?.bytesWritten ?? Number.NaN) - (handle?.writeQueueSize ?? Number.NaN)
}
