/**
 * A client of an inlet from the moment it was accepted: waits for the way to the outlet, sends the Ping, and waits for the Pong. Until then nothing is
 * read from the client; when there is no Pong in time, or the outlet refuses, the client's connection is cut.
 */

import { type AccessControl, dropPressure, type LocalMessage, OckamError, type Producer, type Route, type Timer } from '@ockam/core'
import type { Continuity, Interruptible } from './continuity.ts'
import type { EndReason } from './end-reason.ts'
import { PeerBinding } from './peer-binding.ts'
import type { Carried, Portal, Refusal } from './portal.ts'
import { PortalConnection } from './portal-connection.ts'
import { DISCONNECT, PING, type PortalMessage } from './portal-message.ts'
import { cut, type PortalSocket } from './portal-socket.ts'
import type { OpenWay, Way } from './way.ts'

export interface InletClientOptions {
  readonly portal: Portal
  readonly way: Way
  /** Asked about the Pong: whether the outlet may serve this inlet. */
  readonly allow: AccessControl | undefined
  /** For all of it, the Pong included. */
  readonly openTimeoutMs: number
  /** For ways that come back after they were lost. */
  readonly continuity: Continuity | undefined
}

export class InletClient implements Carried, Interruptible {
  readonly #options: InletClientOptions
  readonly #socket: PortalSocket
  readonly #controller = new AbortController()
  readonly #timer: Timer
  #connection: PortalConnection | undefined
  #isDecided = false
  /** Called when the Pong has come, or will not. */
  readonly #onDecided: (() => void)[] = []

  constructor(options: InletClientOptions, socket: PortalSocket) {
    const { portal, openTimeoutMs } = options
    this.#options = options
    this.#socket = socket
    // What becomes of the socket shows when it is used: the outlet may have connected already, and has to be told.
    socket.socket.on('error', () => undefined)
    this.#timer = portal.router.services.clock.schedule(openTimeoutMs, () => this.#late())
    portal.add(this)
  }

  async run(): Promise<void> {
    const { portal, way, openTimeoutMs, continuity } = this.#options
    try {
      let open = await way.open({ timeoutMs: openTimeoutMs, signal: this.#controller.signal })
      // What an outlet says first could come along two ways at once.
      for (let moving = continuity?.moving; moving !== undefined; moving = continuity?.moving) {
        await moving
        open = await way.open({ timeoutMs: openTimeoutMs, signal: this.#controller.signal })
      }
      this.#ping(open)
    } catch (error) {
      this.#timer.cancel()
      cut(this.#socket)
      if (!this.#controller.signal.aborted) {
        portal.refuse('no-route', { code: OckamError.is(error) ? error.code : 'unknown', remote: this.#socket.remote })
      }
    } finally {
      portal.remove(this)
    }
  }

  /** The inlet closes before the way was open. */
  async close(reason: EndReason): Promise<void> {
    this.#controller.abort(reason)
    cut(this.#socket)
  }

  get producer(): Producer | undefined {
    return this.#connection?.producer
  }

  get peerRoute(): Route | undefined {
    return this.#connection?.peerRoute
  }

  interrupt(until: Promise<void>): void {
    if (this.#isDecided) this.#connection?.interrupt(until)
  }

  async pause(until: Promise<void>): Promise<void> {
    if (this.#connection !== undefined && !this.#isDecided) await new Promise<void>((resolve) => this.#onDecided.push(resolve))
    await this.#connection?.pause(until)
  }

  /** Ping or Pong may have been lost; a client that is cut tries again sooner than one that waits in vain. */
  resume(): void {
    if (this.#isDecided) this.#connection?.resume()
    else this.#refused('no-answer')
  }

  #ping(way: OpenWay): void {
    const { portal, continuity } = this.#options
    if (portal.isClosed || this.#socket.socket.destroyed) {
      this.#timer.cancel()
      cut(this.#socket)
      return
    }
    this.#connection = new PortalConnection({
      portal,
      socket: this.#socket,
      producer: way.producer,
      isExtended: portal.settings.isExtended,
      opening: (message, decoded) => this.#opening(way, message, decoded),
      onStarted: (connection) => {
        try {
          connection.send(way.route, PING)
        } catch (error) {
          this.#refused('no-route', OckamError.is(error) ? error.code : 'unknown')
        }
      },
      onOver: (reason) => {
        this.#timer.cancel()
        this.#decided()
        continuity?.remove(this, reason === 'route-lost')
      },
    })
    continuity?.add(this)
  }

  #opening(way: OpenWay, message: LocalMessage, decoded: PortalMessage): Promise<void> | undefined {
    const { portal, allow } = this.#options
    if (this.#isDecided) return undefined
    if (message.origin !== way.producer) portal.drop('not-the-peer')
    else if (decoded.kind === 'disconnect') this.#refused('target-unreachable')
    else if (decoded.kind !== 'pong' || message.returnRoute.isEmpty) portal.drop('unexpected')
    else {
      const answer = ask(allow, message)
      if (typeof answer === 'boolean') this.#answered(message, answer)
      else {
        return answer.then(
          (isAllowed) => this.#answered(message, isAllowed === true),
          () => this.#answered(message, false),
        )
      }
    }
    return undefined
  }

  #answered(pong: LocalMessage, isAllowed: boolean): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (isAllowed && !this.#socket.socket.destroyed) {
      this.#isDecided = true
      this.#timer.cancel()
      connection.open(pong, new PeerBinding(pong))
      this.#decided()
      return
    }
    // The outlet has connected to its target, for nobody.
    try {
      connection.send(pong.returnRoute, DISCONNECT)
    } catch {
      // Nor is there a way to tell it.
    }
    if (isAllowed) this.#end('socket-closed')
    else this.#refused('not-allowed')
  }

  #late(): void {
    if (this.#connection !== undefined) {
      this.#refused('no-answer')
      return
    }
    this.#options.portal.refuse('no-route', { code: 'timeout', remote: this.#socket.remote })
    dropPressure(this.close('timeout'))
  }

  #refused(reason: Refusal, code?: string): void {
    this.#options.portal.refuse(reason, { code, remote: this.#socket.remote })
    this.#end('refused')
  }

  #decided(): void {
    this.#isDecided = true
    for (const tell of this.#onDecided.splice(0)) tell()
  }

  #end(reason: EndReason): void {
    this.#decided()
    if (this.#connection !== undefined) dropPressure(this.#connection.close(reason))
  }
}

function ask(allow: AccessControl | undefined, message: LocalMessage): boolean | Promise<boolean> {
  if (allow === undefined) return true
  try {
    const answer = allow.isAllowed(message)
    return typeof answer === 'boolean' ? answer : Promise.resolve(answer)
  } catch {
    return false
  }
}
