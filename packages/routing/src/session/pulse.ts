/**
 * Watches one open route: sends random numbers to the `echo` service of the node at its end and looks whether they come back. Wire: routing
 * specification of the published Rust nodes, section 6.4; the body is the number as a CBOR unsigned integer and nothing around it.
 *
 * - Whatever comes from the route's producer is a sign of life, not answers alone.
 * - Nothing is judged while a worker of this node keeps the producer waiting: the silence is then our own doing.
 * - Nothing is judged across a time in which this process did not run (stopped, asleep, too busy): everything starts anew, with a ping at once.
 *
 * Not here: what happens when a route is silent. An answer is compared byte by byte with what was sent; nothing of it is decoded.
 */
import {
  dropPressure,
  type LocalMessage,
  type Pressure,
  type ProducerActivity,
  type ProducerListening,
  type ResolvedRoute,
  Route,
  type Router,
  type Timer,
  type WorkerHandle,
} from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import type { CheckedPing } from './checked-session-options.ts'

/** A tick that is late by more than this many intervals was not late: the process did not run. */
const SUSPENDED_INTERVALS = 2
/** Until the first answer, pings go out this often at least: who opened the route waits for it, and one may get lost. */
const PROVING_MS = 1000
/** Numbers remembered until the first answer. */
const MAX_PROVING = 32

export interface PulseEvents {
  /** A ping was answered. */
  onAnswer(): void
  /** Too many pings in a row were not answered, and nothing else came. */
  onSilent(): void
  /** So many pings were not answered that the route would be given up, if its node had ever answered one. Told once. */
  onUnanswered(): void
}

export class Pulse {
  /** Pings that were answered. */
  answers = 0
  /** Those since one was not answered by the time of the next. */
  answersInRow = 0
  readonly #router: Router
  readonly #ping: CheckedPing
  readonly #events: PulseEvents
  readonly #onward: Route
  readonly #collector: WorkerHandle
  readonly #activity: ProducerActivity | undefined
  /** What was sent and not answered, the oldest first. */
  readonly #unanswered: Uint8Array[] = []
  #timer: Timer | undefined
  /** The route has no room for another ping. */
  #isBlocked = false
  #heard = 0
  #tickAtMs = 0
  #wallClockMs = 0
  #hasToldUnanswered = false
  #isOver = false

  /** @throws {OckamError} `routing/stopped` */
  constructor(router: Router & Partial<ProducerListening>, open: ResolvedRoute, ping: CheckedPing, events: PulseEvents) {
    this.#router = router
    this.#ping = ping
    this.#events = events
    this.#onward = ping.along(open.route).concat(Route.of(ping.service))
    this.#collector = router.startWorker(undefined, (message) => this.#answered(message), {
      from: 'local',
      overflow: 'drop',
      isTransit: true,
    })
    if (open.producer === undefined) return
    router.flowControls.addConsumer(this.#collector.address, open.producer.flowControlId)
    this.#activity = router.listenTo?.(open.producer)
  }

  /** Sends the first ping. Until one is answered, where that is required, they go out quickly, and nothing is judged: whoever waits has a limit. */
  start(): void {
    this.#remember()
    this.#send()
    this.#schedule()
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#activity?.end()
    dropPressure(this.#collector.close())
  }

  get #isProving(): boolean {
    return this.#ping.isRequired && this.answers === 0
  }

  #schedule(): void {
    const { intervalMs } = this.#ping
    this.#timer = this.#router.services.clock.schedule(this.#isProving ? Math.min(intervalMs, PROVING_MS) : intervalMs, () => this.#tick())
  }

  #tick(): void {
    const wasSuspended = this.#wasSuspended()
    const wasHeard = this.#activity !== undefined && this.#activity.messages !== this.#heard
    this.#remember()
    if (this.#unanswered.length > 0) this.answersInRow = 0
    if (wasSuspended || (!this.#isProving && (wasHeard || this.#activity?.isHeldUp === true))) this.#unanswered.length = 0
    if (this.#isProving) this.#unanswered.splice(0, this.#unanswered.length - MAX_PROVING)
    else if (this.#unanswered.length >= this.#ping.losses && this.#judge()) return
    this.#send()
    this.#schedule()
  }

  /** @returns whether the route is given up. */
  #judge(): boolean {
    if (this.answers > 0) {
      this.end()
      this.#events.onSilent()
      return true
    }
    this.#unanswered.shift()
    if (this.#hasToldUnanswered) return false
    this.#hasToldUnanswered = true
    this.#events.onUnanswered()
    return false
  }

  /** One of the two clocks stands still while the machine sleeps, on some systems; neither does while only the process is stopped. */
  #wasSuspended(): boolean {
    const { clock } = this.#router.services
    const elapsedMs = Math.max(clock.monotonic() - this.#tickAtMs, clock.now() - this.#wallClockMs)
    return elapsedMs > SUSPENDED_INTERVALS * this.#ping.intervalMs
  }

  #remember(): void {
    const { clock } = this.#router.services
    this.#tickAtMs = clock.monotonic()
    this.#wallClockMs = clock.now()
    this.#heard = this.#activity?.messages ?? 0
  }

  #send(): void {
    const payload = new CborWriter().uint(randomNumber(this.#router.services.random.bytes(8))).finish()
    this.#unanswered.push(payload)
    // One ping waits at most: a route without room is as silent as one without an end.
    if (this.#isBlocked) return
    try {
      this.#wait(this.#router.context.dispatch({ onwardRoute: this.#onward, returnRoute: Route.of(this.#collector.address), payload }))
    } catch {
      // The way out is gone: that ping will not be answered, and the end of the connection is told apart from this.
    }
  }

  #wait(pressure: Pressure): void {
    if (pressure === undefined) return
    this.#isBlocked = true
    dropPressure(
      pressure.then(() => {
        this.#isBlocked = false
      }),
    )
  }

  #answered({ payload }: LocalMessage): void {
    if (this.#isOver || !this.#unanswered.some((sent) => isEqual(sent, payload))) return
    const wasProving = this.#isProving
    this.#unanswered.length = 0
    this.answers++
    this.answersInRow++
    if (wasProving) {
      this.#timer?.cancel()
      this.#schedule()
    }
    this.#events.onAnswer()
  }
}

function randomNumber(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0)
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
