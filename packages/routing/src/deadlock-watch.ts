/**
 * Notices a connection that waits for itself, and ends that wait (docs/decisions/0022).
 *
 * A worker that waits until its answers have room stops the connection its questions come from. Where the other side does the same, neither reads,
 * and neither gets anything sent: for ever. So while a connection is held up, it is looked now and then whether the wait leads, from worker to worker,
 * back to what the same connection has to send, and whether anything of that has left. When nothing has for the time allowed, the worker at which
 * the way turns round waits no longer: what it sends along this way and finds no room is dropped, until there is room again.
 *
 * A wait that leads elsewhere is nobody's deadlock, and is left alone however long it lasts.
 */
import { type Clock, dropPressure, type Timer } from '@ockam/core'
import { MAX_TIMER_MS } from './deadline.ts'
import type { Receiver, Sender } from './sender.ts'

/** Looks within the time allowed; and who has been in a deadlock within that time waits only one of them the next time. */
const LOOKS = 30

/** A sender and what it waits for. */
interface Turn {
  readonly sender: Sender
  readonly worker: Receiver
}

export class DeadlockWatch {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #intervalMs: number
  readonly #worker: Receiver
  /** What the connection waits for before it reads on. */
  #pressure: Promise<void> | undefined
  #timer: Timer | undefined
  /** What the connection had sent when it was last seen to send, and when that was. */
  #sent = 0
  #stillSinceMs = 0
  /** When senders were last found in a deadlock with this connection. */
  readonly #found = new WeakMap<Sender, number>()
  #isOver = false

  /** @param worker the connection's own: it sends what the connection has to send, and in its name the connection delivers. */
  constructor(clock: Clock, timeoutMs: number, worker: Receiver) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#intervalMs = Math.min(Math.max(1, Math.floor(timeoutMs / LOOKS)), MAX_TIMER_MS)
    this.#worker = worker
  }

  /** What the connection delivered was answered with `pressure`. */
  heldUp(pressure: Promise<void>): void {
    if (pressure === this.#pressure || this.#isOver) return
    this.#pressure = pressure
    this.#seesNoDeadlock()
    dropPressure(
      pressure.then(() => {
        if (this.#pressure === pressure) this.#pressure = undefined
      }),
    )
    if (this.#timer === undefined) this.#lookLater()
  }

  end(): void {
    this.#isOver = true
    this.#timer?.cancel()
  }

  #lookLater(): void {
    this.#timer = this.#clock.schedule(this.#intervalMs, () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    if (this.#pressure === undefined) return
    if (this.#worker.queue.handled !== this.#sent) this.#seesNoDeadlock()
    else this.#endDeadlock()
    this.#lookLater()
  }

  #seesNoDeadlock(): void {
    this.#sent = this.#worker.queue.handled
    this.#stillSinceMs = this.#clock.monotonic()
  }

  #endDeadlock(): void {
    const nowMs = this.#clock.monotonic()
    const stillMs = nowMs - this.#stillSinceMs
    if (stillMs < this.#intervalMs) return
    const turn = turnOf(this.#worker)
    if (turn === undefined) return
    const foundMs = this.#found.get(turn.sender)
    if (stillMs < this.#timeoutMs && (foundMs === undefined || nowMs - foundMs >= this.#timeoutMs)) return
    this.#found.set(turn.sender, nowMs)
    turn.worker.queue.stopWaitingOf(turn.sender)
  }
}

/**
 * Follows what a connection waits for, and what that waits for in turn, back to the connection's own worker.
 * @returns where the way turns round: who waits for the first of the workers behind which there is nothing but the way out, channels and the connection.
 * Behind it nothing may be lost, because a channel breaks where ciphertexts are missing. Undefined when no way leads back.
 */
function turnOf(connection: Receiver): Turn | undefined {
  const seen = new Set<Receiver>()
  const ways: { readonly sender: Sender; readonly turn: Turn | undefined }[] = [{ sender: connection.sender, turn: undefined }]
  for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
    const { sender } = way
    for (const worker of sender.waitsFor) {
      const turn = worker.producer === undefined ? undefined : (way.turn ?? { sender, worker })
      if (worker === connection) return turn
      if (seen.has(worker) || !worker.isBusy) continue
      seen.add(worker)
      ways.push({ sender: worker.sender, turn })
    }
  }
  return undefined
}
