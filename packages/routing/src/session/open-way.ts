/**
 * One way of a session: opens it when asked, within a time limit, and proves with a first answer that it leads somewhere. What is given up half-way
 * is closed, also when it opens later; a new attempt waits until the former has let go.
 */
import { dropPressure, type Establish, type ProducerListening, type ResolvedRoute, type Router } from '@ockam/core'
import { Deadline } from '../deadline.ts'
import { routingError } from '../error.ts'
import type { CheckedSessionOptions } from './checked-session-options.ts'
import { Pulse } from './pulse.ts'

export interface WayServices {
  readonly router: Router & Partial<ProducerListening>
  readonly options: CheckedSessionOptions
}

/** An open route that is watched. */
export interface OpenWay {
  readonly index: number
  readonly route: ResolvedRoute
  /** Resolves with the reason when the route is gone or silent. Never rejects. */
  readonly lost: Promise<unknown>
  /** Resolves when so many pings in a row were answered; at once when none are sent. Never rejects. */
  hasAnswered(times: number): Promise<void>
  /** Stops watching and closes the route. Idempotent, never rejects. */
  close(): Promise<void>
}

export class Way {
  readonly #services: WayServices
  readonly #index: number
  readonly #establish: Establish
  /** Settles when the attempt before has let go. */
  #former: Promise<unknown> = Promise.resolve()
  /** What an attempt may take: a message lost on the way must not cost the whole limit, and a slow peer gets it all in the end. */
  #limitMs: number

  constructor(services: WayServices, index: number, establish: Establish) {
    this.#services = services
    this.#index = index
    this.#establish = establish
    this.#limitMs = services.options.backoff.firstAttemptMs
  }

  /** @throws {OckamError} `routing/timeout`, `routing/path-silent`, `routing/path-lost`, and what opening throws; `signal.reason` when aborted. */
  async open(signal: AbortSignal): Promise<OpenWay> {
    const { router, options } = this.#services
    const limitMs = this.#limitMs
    const controller = new AbortController()
    const abort = (reason: unknown): void => controller.abort(reason)
    const late = (): void => {
      this.#limitMs = Math.min(2 * limitMs, options.backoff.attemptMs)
      abort(tooSlow(options.name, this.#index, limitMs))
    }
    const deadline = new Deadline(router.services.clock, { timeoutMs: limitMs, signal }, limitMs, late, abort)
    try {
      await unlessAborted(this.#former, controller.signal)
      const open = new WatchedRoute(this.#services, this.#index, await this.#begin(controller.signal))
      try {
        await unlessAborted(open.proven, controller.signal)
        this.#limitMs = options.backoff.firstAttemptMs
        return open
      } catch (error) {
        await open.close()
        throw error
      }
    } finally {
      deadline.cancel()
    }
  }

  /** A route along this way that was opened otherwise, and has proven itself. @throws {OckamError} `routing/stopped`; then the route is closed. */
  watch(route: ResolvedRoute): OpenWay {
    const open = new WatchedRoute(this.#services, this.#index, route)
    // Nobody waits for that: `lost` tells the same.
    open.proven.catch(() => undefined)
    return open
  }

  #begin(signal: AbortSignal): Promise<ResolvedRoute> {
    // Also a function that throws instead of rejecting is an attempt that failed.
    const opening = new Promise<ResolvedRoute>((resolve) => resolve(this.#establish(signal)))
    this.#former = opening.then(
      (route) => (signal.aborted ? closeQuietly(route) : undefined),
      () => undefined,
    )
    return unlessAborted(opening, signal)
  }
}

class WatchedRoute implements OpenWay {
  readonly index: number
  readonly route: ResolvedRoute
  readonly lost: Promise<unknown>
  /** Resolves when the way counts as open; rejects when it turns out not to be. */
  readonly proven: Promise<void>
  readonly #pulse: Pulse | undefined
  readonly #waiting: { readonly times: number; readonly resolve: () => void }[] = []
  #closing: Promise<void> | undefined

  /** Owns the route from now on, and closes it when it cannot be watched. */
  constructor({ router, options }: WayServices, index: number, route: ResolvedRoute) {
    this.index = index
    this.route = route
    let lose: (reason: unknown) => void = () => undefined
    this.lost = new Promise((resolve) => {
      lose = resolve
    })
    const { name, ping } = options
    const gone = (): void => lose(pathLost(name, index))
    route.closed.then(gone, gone)
    if (ping === undefined) {
      this.proven = Promise.resolve()
      return
    }
    const events = {
      onAnswer: (): void => this.#answered(),
      onSilent: (): void => lose(pathSilent(name, index, ping.losses, ping.service)),
      onUnanswered: (): void =>
        router.services.diagnostics.event('routing/session-unanswered', { session: name, way: index, service: ping.service }),
    }
    try {
      this.#pulse = new Pulse(router, route, ping, events)
    } catch (error) {
      dropPressure(closeQuietly(route))
      throw error
    }
    const isLost = this.lost.then((reason) => {
      throw reason
    })
    isLost.catch(() => undefined)
    this.proven = ping.isRequired ? Promise.race([this.hasAnswered(1), isLost]) : Promise.resolve()
    this.#pulse.start()
  }

  hasAnswered(times: number): Promise<void> {
    const pulse = this.#pulse
    if (pulse === undefined || pulse.answersInRow >= times) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ times, resolve }))
  }

  close(): Promise<void> {
    this.#pulse?.end()
    this.#closing ??= closeQuietly(this.route)
    return this.#closing
  }

  #answered(): void {
    const times = this.#pulse?.answersInRow ?? 0
    for (const waiting of this.#waiting) if (times >= waiting.times) waiting.resolve()
  }
}

/** The promise's outcome, or the signal's reason when that comes first. */
export function unlessAborted<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    const end = (): void => signal.removeEventListener('abort', stop)
    promise.then(
      (result) => {
        end()
        resolve(result)
      },
      (error: unknown) => {
        end()
        reject(error)
      },
    )
  })
}

/** Whether it could be closed in order changes nothing for a session: it is not used any more. */
async function closeQuietly(route: ResolvedRoute): Promise<void> {
  try {
    await route.close()
  } catch {
    // Who opened it says what went wrong, in its own events.
  }
}

function tooSlow(name: string, index: number, limitMs: number): Error {
  return routingError(
    'routing/timeout',
    `Way ${index} of the session "${name}" was not open, or not answered by the node at its end, after ${limitMs} ms: the limit of this attempt.`,
  )
}

function pathLost(name: string, index: number): Error {
  return routingError('routing/path-lost', `Way ${index} of the session "${name}" is gone: a connection or channel of it has ended.`)
}

function pathSilent(name: string, index: number, losses: number, service: string): Error {
  return routingError(
    'routing/path-silent',
    `Nothing came along way ${index} of the session "${name}" while ${losses} pings to "${service}" went unanswered. Is that service offered to this side, is the network up?`,
  )
}
