/**
 * A session: opens its ways in order until one is up, stays there until that is lost, waits, and begins again.
 *
 * ```
 * connecting ── a way is open and was heard ──▶ up ── lost ──▶ down ── the wait is over ──▶ connecting
 * connecting ── no way opens ──▶ down                 close() leads from everywhere to closed
 * ```
 *
 * Attempts never overlap, but for one: beside a fallback in use the primary way may be tried (`PrimaryReturn`). When it has proven itself, what stands
 * on the route is carried over to it where that is possible, and otherwise stays on the fallback for a while. A way that fell silent is tried after
 * the others, because it would use up the whole time of an attempt again; one whose connection ended is not, because it says so at once.
 */
import {
  dropPressure,
  OckamError,
  type RequestOptions,
  type ResolvedRoute,
  type Session,
  type SessionEvents,
  type SessionState,
} from '@ockam/core'
import { routingError } from '../error.ts'
import { Backoff } from './backoff.ts'
import { type OpenWay, unlessAborted, Way, type WayServices } from './open-way.ts'
import { Pause } from './pause.ts'
import { PendingMove } from './pending-move.ts'
import { PrimaryReturn } from './primary-return.ts'
import { SessionListeners } from './session-listeners.ts'
import { UpWaiters } from './up-waiters.ts'

/** A route that was up for so long begins the waits anew, where no pings say how long is long. */
const STEADY_MS = 10_000

export class LiveSession implements Session {
  readonly name: string
  readonly closed: Promise<void>
  readonly #services: WayServices
  readonly #ways: readonly Way[]
  readonly #backoff: Backoff
  readonly #listeners: SessionListeners
  readonly #waiters = new UpWaiters()
  readonly #abort = new AbortController()
  /** Routes that are being closed. */
  readonly #ending = new Set<Promise<void>>()
  #state: SessionState = 'connecting'
  #open: OpenWay | undefined
  /** Fallbacks beside the primary in use, for what was begun there. */
  readonly #draining = new Set<OpenWay>()
  #resolveClosed: () => void = () => undefined
  #closing: Promise<void> | undefined
  readonly #life: Promise<void>

  constructor(services: WayServices) {
    const { options, router } = services
    this.#services = services
    this.name = options.name
    this.#ways = options.ways.map((establish, index) => new Way(services, index, establish))
    this.#backoff = new Backoff(router.services.random, options.backoff)
    this.#listeners = new SessionListeners(options.name, router.services.diagnostics)
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#life = this.#live()
  }

  get state(): SessionState {
    return this.#state
  }

  get route(): ResolvedRoute | undefined {
    return this.#open?.route
  }

  get way(): number | undefined {
    return this.#open?.index
  }

  async whenUp(options: RequestOptions = {}): Promise<ResolvedRoute> {
    options.signal?.throwIfAborted()
    if (this.#state === 'closed') throw this.#abort.signal.reason
    return this.#open?.route ?? this.#waiters.wait(this.name, this.#services.router.services.clock, options)
  }

  on<Name extends keyof SessionEvents>(event: Name, listener: (event: SessionEvents[Name]) => void): () => void {
    return this.#listeners.add(event, listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    const reason = routingError('routing/stopped', `The session "${this.name}" was closed.`)
    this.#abort.abort(reason)
    this.#leave(this.#open)
    for (const draining of this.#draining) this.#leave(draining)
    this.#open = undefined
    this.#waiters.reject(reason)
    this.#listeners.clear()
    await this.#life
    await Promise.all(this.#ending)
    this.#services.router.services.diagnostics.event('routing/session-closed', { session: this.name })
    this.#resolveClosed()
  }

  async #live(): Promise<void> {
    const { signal } = this.#abort
    const { clock } = this.#services.router.services
    let silent: number | undefined
    // Whoever opens a session first adds listeners.
    await Promise.resolve()
    while (!signal.aborted) {
      this.#state = 'connecting'
      const beganAtMs = clock.monotonic()
      let triedMs = 0
      let error: unknown
      try {
        const last = await this.#stayUp(await this.#connect(silent, signal), signal)
        error = last.error
        silent = OckamError.is(error, 'routing/path-silent') ? last.way : undefined
      } catch (failure) {
        error = failure
        silent = undefined
        triedMs = clock.monotonic() - beganAtMs
      }
      if (!signal.aborted) await this.#rest(error, triedMs, signal)
    }
  }

  /** The first way that opens. @throws what the last one tried has thrown, or the signal's reason. */
  async #connect(silent: number | undefined, signal: AbortSignal): Promise<OpenWay> {
    const { diagnostics } = this.#services.router.services
    const indices = this.#ways.map((_, index) => index)
    const order = silent === undefined ? indices : [...indices.filter((index) => index !== silent), silent]
    let failure: unknown
    for (const index of order) {
      try {
        const open = await (this.#ways[index] as Way).open(signal)
        if (!signal.aborted) return open
        await open.close()
      } catch (error) {
        failure = error
        if (!signal.aborted) diagnostics.event('routing/session-way-failed', { session: this.name, way: index, code: codeOf(error) })
      }
      signal.throwIfAborted()
    }
    throw failure
  }

  /** Resolves with the way that was lost and why, also when the session is closed. What was opened is being closed then. */
  async #stayUp(first: OpenWay, signal: AbortSignal): Promise<{ readonly way: number; readonly error: unknown }> {
    const { options, router } = this.#services
    const { clock } = router.services
    const steadyMs = options.ping?.intervalMs ?? STEADY_MS
    let open = first
    this.#enter(open)
    for (;;) {
      const sinceMs = clock.monotonic()
      const wayBack = this.#wayBack(open)
      const next = await unlessAborted(Promise.race([open.lost.then((error) => ({ error })), wayBack.returned]), signal).catch(
        (error: unknown) => ({ error }),
      )
      if (clock.monotonic() - sinceMs >= steadyMs) this.#backoff.reset()
      if ('open' in next && !signal.aborted) {
        const former = open
        open = await this.#goBack(former, next.open, signal)
        if (!signal.aborted) {
          if (open !== former) this.#enter(open)
          continue
        }
      }
      this.#open = undefined
      this.#leave(open)
      this.#leave(await wayBack.stop())
      return { way: open.index, error: 'error' in next ? next.error : signal.reason }
    }
  }

  #enter(open: OpenWay): void {
    this.#open = open
    this.#state = 'up'
    this.#services.router.services.diagnostics.event('routing/session-up', { session: this.name, way: open.index })
    this.#waiters.resolve(open.route)
    this.#listeners.emit('up', { route: open.route, way: open.index })
  }

  #wayBack(open: OpenWay): PrimaryReturn {
    const { router, options } = this.#services
    const primary = open.index === 0 ? undefined : options.primary
    return new PrimaryReturn(router.services, this.#ways[0] as Way, primary, (error) =>
      router.services.diagnostics.event('routing/session-way-failed', { session: this.name, way: 0, code: codeOf(error) }),
    )
  }

  /**
   * From a fallback to the primary way, both open: with what stands on the route, where that can be carried over and nothing of it is under way.
   * @returns the way that is used from now on; the other one is being closed, or drained.
   */
  async #goBack(former: OpenWay, primary: OpenWay, signal: AbortSignal): Promise<OpenWay> {
    const { options, router } = this.#services
    const { clock, diagnostics } = router.services
    const { handOver } = options
    if (handOver === undefined) {
      this.#drain(former)
      return primary
    }
    const move = new PendingMove()
    this.#listeners.emit('moving', move)
    try {
      const ready = move.isReady(clock).then((isReady) => ({ isReady, isLost: false }))
      const lost = former.lost.then(() => ({ isReady: true, isLost: true }))
      const state = await unlessAborted(Promise.race([lost, ready]), signal)
      const route = await handOver(former.route, primary.route, { ...state, signal })
      if (route === primary.route) {
        this.#drain(former)
        return primary
      }
      const moved = (this.#ways[primary.index] as Way).watch(route)
      this.#leave(former)
      this.#leave(primary)
      return moved
    } catch (error) {
      this.#leave(primary)
      if (!signal.aborted) {
        diagnostics.event('routing/session-way-failed', { session: this.name, way: primary.index, code: codeOf(error) })
      }
      return former
    } finally {
      move.end()
    }
  }

  /** What was begun along the fallback may end there; it does not stay open for ever. */
  #drain(former: OpenWay): void {
    this.#draining.add(former)
    const { router, options } = this.#services
    const pause = new Pause(router.services.clock, options.primary?.drainMs ?? 0, true)
    const end = (): void => {
      pause.end()
      this.#draining.delete(former)
      this.#leave(former)
    }
    unlessAborted(Promise.race([pause.over, former.lost]), this.#abort.signal).then(end, end)
  }

  /** @param triedMs how long the attempt in vain took: nobody was asked more often meanwhile, so that is part of the wait. */
  async #rest(error: unknown, triedMs: number, signal: AbortSignal): Promise<void> {
    const { options, router } = this.#services
    const { clock, diagnostics } = router.services
    const waitMs = this.#backoff.next()
    const retryInMs = Math.max(waitMs - triedMs, Math.min(waitMs, options.backoff.initialMs))
    this.#state = 'down'
    diagnostics.event('routing/session-down', { session: this.name, code: codeOf(error), retryInMs: Math.round(retryInMs) })
    this.#listeners.emit('down', { error, retryInMs })
    // Who asked for a session wants it back: this timer keeps the process alive.
    const pause = new Pause(clock, retryInMs, false)
    await unlessAborted(pause.over, signal).catch(() => undefined)
    pause.end()
  }

  /** Closing a route whose connection is stuck takes a while; nothing waits for it but the end of the session. */
  #leave(open: OpenWay | undefined): void {
    if (open === undefined) return
    const ending = open.close().then(() => void this.#ending.delete(ending))
    this.#ending.add(ending)
    dropPressure(ending)
  }
}

/** For diagnostics: the stable code alone, never a message that may quote what a peer sent. */
function codeOf(error: unknown): string {
  return OckamError.is(error) ? error.code : 'unknown'
}
