/**
 * Keeps routes open over a router: `createSessions(router)`. Sessions end with the router at the latest.
 */
import {
  dropPressure,
  type ProducerListening,
  type Router,
  type Session,
  type SessionOptions,
  type Sessions,
  type WorkerHandle,
} from '@ockam/core'
import { routingError } from '../error.ts'
import { checkSessionOptions } from './checked-session-options.ts'
import { LiveSession } from './live-session.ts'

export interface SessionSet extends Sessions, AsyncDisposable {
  /** Those that are not closed. */
  readonly sessions: readonly Session[]
  /** Closes all of them, and opens no more. Idempotent. */
  close(): Promise<void>
}

/** @param router when it is a {@link ProducerListening}, all that comes along a route is a sign of life; otherwise answers to pings alone are. */
export function createSessions(router: Router & Partial<ProducerListening>): SessionSet {
  return new RouterSessions(router)
}

class RouterSessions implements SessionSet {
  readonly #router: Router & Partial<ProducerListening>
  readonly #open = new Set<LiveSession>()
  /** Stops with the router, and so tells when that is closed. */
  #anchor: WorkerHandle | undefined
  #closing: Promise<void> | undefined

  constructor(router: Router & Partial<ProducerListening>) {
    this.#router = router
  }

  get sessions(): readonly Session[] {
    return [...this.#open]
  }

  open(options: SessionOptions): Session {
    if (this.#closing !== undefined) throw routingError('routing/stopped', 'No session can be opened any more: the node was closed.')
    const checked = checkSessionOptions(options)
    this.#anchor ??= this.#startAnchor()
    const session = new LiveSession({ router: this.#router, options: checked })
    this.#open.add(session)
    dropPressure(session.closed.then(() => void this.#open.delete(session)))
    return session
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #startAnchor(): WorkerHandle {
    const stop = (): void => dropPressure(this.close())
    return this.#router.startWorker(undefined, { handleMessage: () => undefined, stop }, { from: 'local', overflow: 'drop' })
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#open].map((session) => session.close()))
    await this.#anchor?.close()
  }
}
