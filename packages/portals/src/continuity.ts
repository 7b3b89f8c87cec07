/**
 * Carries an inlet's connections over an interruption of its session, when that keeps its secure channel and moves it to another way.
 *
 * - While the session is known to be down nothing is read from the clients: what they send waits for the way, instead of getting lost.
 * - When it is up again along the same channel, both ends of each connection compare what was sent with what was received (Mark, `docs/wire.md`).
 *   Lost Credit and lost Ends are made good. Lost bytes end the connection: nobody has them any more.
 * - Before the session moves from one good way to another, both ends of each connection pause, so that nothing is under way then and nothing gets lost.
 * - Connections that ended meanwhile or shortly before are ended again: the other side may not have heard of it.
 * - Those of a channel that is gone have ended with it at this side. The other side may still wait for that channel, and is told along the next one.
 */

import { type Address, dropPressure, type Producer, type ResolvedRoute, Route, type Router } from '@ockam/core'
import { isExtendedRoute } from './extension.ts'
import { DISCONNECT } from './portal-message.ts'
import type { KeptWay } from './way.ts'

/** A connection of the inlet. */
export interface Interruptible {
  readonly producer: Producer | undefined
  /** To its other end, once that is known. */
  readonly peerRoute: Route | undefined
  /** The way is lost. @param until resolves when there is one again, or there will be none. */
  interrupt(until: Promise<void>): void
  /** The way is there again. */
  resume(): void
  /** The way is about to be changed. @param until resolves when that is over. @returns resolves when nothing is under way; rejects when nobody can tell. */
  pause(until: Promise<void>): Promise<void>
}

interface Ended {
  readonly producer: Producer
  readonly route: Route
  readonly atMs: number
}

/** Longer than a session takes to find out that a way has fallen silent. */
const RECENT_MS = 60_000
/** Connections remembered after their end. */
const MAX_ENDED = 1024

export class Continuity {
  readonly #router: Router
  /** Behind the session. */
  readonly #outlet: Route
  readonly #connections = new Set<Interruptible>()
  readonly #ended: Ended[] = []
  readonly #forget: readonly (() => void)[]
  /** In use, or in use before the interruption. */
  #way: ResolvedRoute | undefined
  #interruption: { readonly over: Promise<void>; readonly end: () => void } | undefined
  /** The end of the move that is going on: no connection begins before. */
  moving: Promise<void> | undefined

  constructor(router: Router, { session, outlet }: KeptWay) {
    this.#router = router
    this.#outlet = outlet
    this.#way = session.route
    this.#forget = [
      session.on('down', () => this.#interrupt()),
      session.on('moving', (move) => move.waitUntil(this.#pause(move.over))),
      session.on('up', ({ route }) => {
        this.#way = route
        this.#resume(route.producer)
      }),
    ]
    dropPressure(session.closed.then(() => this.end()))
  }

  add(connection: Interruptible): void {
    this.#connections.add(connection)
  }

  /** @param isRouteLost whether it has ended because its channel has. */
  remove(connection: Interruptible, isRouteLost: boolean): void {
    this.#connections.delete(connection)
    const { producer, peerRoute } = connection
    if (producer === undefined || peerRoute === undefined) return
    const ended = { producer, route: peerRoute, atMs: this.#nowMs }
    // The next channel may be in use before the former has ended.
    if (isRouteLost && this.#interruption === undefined && this.#producer !== producer) this.#tellEnd(ended)
    else this.#ended.push(ended)
    if (this.#ended.length > MAX_ENDED) this.#ended.shift()
  }

  end(): void {
    for (const forget of this.#forget) forget()
    this.#interruption?.end()
    this.#ended.length = 0
  }

  get #producer(): Producer | undefined {
    return this.#way?.producer
  }

  get #nowMs(): number {
    return this.#router.services.clock.monotonic()
  }

  #pause(over: Promise<void>): Promise<unknown> {
    this.moving = over
    const moved = (): void => {
      this.moving = undefined
    }
    dropPressure(over.then(moved))
    const carried = [...this.#connections].filter(({ producer }) => producer === this.#producer)
    return Promise.all(carried.map((connection) => connection.pause(over)))
  }

  #interrupt(): void {
    // Attempts in vain are told too.
    if (this.#interruption !== undefined) return
    let end: () => void = () => undefined
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#interruption = { over, end }
    // Those of a fallback that drains have a way of their own.
    for (const connection of this.#connections) if (connection.producer === this.#producer) connection.interrupt(over)
  }

  #resume(producer: Producer | undefined): void {
    const interruption = this.#interruption
    this.#interruption = undefined
    if (interruption !== undefined && producer !== undefined) {
      for (const connection of this.#connections) if (connection.producer === producer) connection.resume()
      const sinceMs = this.#nowMs - RECENT_MS
      for (const ended of this.#ended) if (ended.atMs >= sinceMs) this.#tellEnd(ended)
      this.#ended.length = 0
    }
    interruption?.end()
  }

  /** Tells the other side, along the way in use. */
  #tellEnd({ producer, route }: Ended): void {
    if (producer === this.#producer) this.#disconnect(route)
    // An outlet of another make knows no address behind its own.
    else if (isExtendedRoute(route)) this.#disconnect(this.#outletRoute.concat(Route.of(route.recipient as Address)))
  }

  get #outletRoute(): Route {
    return (this.#way?.route ?? Route.empty).concat(this.#outlet)
  }

  #disconnect(route: Route): void {
    try {
      dropPressure(this.#router.context.dispatch({ onwardRoute: route, returnRoute: Route.empty, payload: DISCONNECT }))
    } catch {
      // The channel has just ended, and all of its connections with it.
    }
  }
}
