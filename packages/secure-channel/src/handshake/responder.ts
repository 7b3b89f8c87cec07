/**
 * The side that accepts a channel: one of these for every message 1 that was admitted. It answers with its identity, waits for message 3 until its
 * deadline, and is silent about everything that does not fit.
 *
 * What does not authenticate changes nothing. Whoever sends a message 3 that does authenticate is the one who sent message 1, so if that identity is
 * refused, the handshake is over at once.
 */

import {
  type Address,
  type Context,
  dropPressure,
  type Identifier,
  type LocalMessage,
  type Reachability,
  Route,
  type Timer,
} from '@ockam/core'
import type { CiphertextReceiver } from '../channel/ciphertext-receiver.ts'
import type { LiveChannel } from '../channel/live-channel.ts'
import { type ChannelAddresses, type ChannelServices, createAddresses } from '../channel/services.ts'
import { channelError, codeOf } from '../error.ts'
import type { Finished, Receiving, Sending } from '../noise/handshake.ts'
import { OCKAM_XX } from '../noise/protocol.ts'
import { startResponder } from '../noise/start-handshake.ts'
import { decodeIdentityPayload } from '../protocol/identity-payload.ts'
import { finishHandshake } from './finish.ts'
import { Gate } from './gate.ts'
import { type CheckedSideOptions, ownPayload } from './handshake-options.ts'
import { checkPeer } from './peer-check.ts'

export interface ResponderOptions {
  readonly services: ChannelServices
  readonly side: CheckedSideOptions
  readonly spawnerId: string
  /** Who may reach the decryptor: the same as the listener. */
  readonly reachableFrom: Reachability
  readonly timeoutMs: number
  /** How long nothing authentic may come through the channel before it ends; Infinity: for ever. */
  readonly idleTimeoutMs: number
  /** Whether another channel of that peer may live. */
  hasRoom(peer: Identifier): boolean
  /** The handshake is over, one way or the other. Called once. */
  onSettled(responder: Responder, channel: LiveChannel | undefined): void
  onChannelEnded(): void
}

export class Responder {
  readonly #options: ResponderOptions
  readonly #addresses: ChannelAddresses
  readonly #gate: Gate
  readonly #timer: Timer
  readonly #abort = new AbortController()
  #state: Receiving<Finished> | undefined
  #route: Route = Route.empty
  /** Known from when it is proved. */
  #peer: Identifier | undefined
  #isDone = false
  #hasAccepted = false

  constructor(options: ResponderOptions) {
    this.#options = options
    const { services, reachableFrom, timeoutMs } = options
    const { router } = services
    this.#addresses = createAddresses(services)
    this.#gate = new Gate({
      router,
      addresses: this.#addresses,
      from: reachableFrom,
      handshake: (message, context) => this.#receive(message, context),
      onStopped: () => this.abandon('secure-channel/closed'),
    })
    this.#timer = router.services.clock.schedule(timeoutMs, () => this.abandon('secure-channel/timeout'))
  }

  /** Where the first message is to be forwarded, and everything after it comes by itself. */
  get address(): Address {
    return this.#addresses.decryptorRemote
  }

  /** Forgets the handshake. @param code why, for diagnostics. */
  abandon(code: string): void {
    if (this.#isDone) return
    this.#settle(undefined)
    this.#abort.abort(channelError('secure-channel/closed', 'The handshake was given up.'))
    this.#gate.abandon()
    dropPressure(this.#state?.dispose())
    this.#report(code)
  }

  async #receive(message: LocalMessage, context: Context): Promise<CiphertextReceiver | undefined> {
    if (this.#isDone) return undefined
    if (this.#route.isEmpty) {
      this.#route = message.returnRoute
      try {
        await this.#answer(message, context)
      } catch (error) {
        this.abandon(codeOf(error))
      }
      return undefined
    }
    return this.#finish(message)
  }

  /** Reads message 1 and writes message 2. */
  async #answer(message: LocalMessage, context: Context): Promise<void> {
    const { services, side } = this.#options
    const { primitives, channel: vault } = services.vault
    const { proof, payload } = await ownPayload(services, side)
    const start = startResponder({ protocol: OCKAM_XX, primitives, vault, staticKey: proof.staticKey })
    const { next: sending } = await start.read(message.payload)
    const { message: message2, next } = await (sending as Sending<Receiving<Finished>>).write(payload, { signal: this.#abort.signal })
    sending.forget()
    if (this.#isDone) return next.dispose()
    this.#state = next
    dropPressure(context.dispatch({ onwardRoute: this.#route, returnRoute: Route.of(this.address), payload: message2 }))
  }

  /** Reads message 3. */
  async #finish(message: LocalMessage): Promise<CiphertextReceiver | undefined> {
    const state = this.#state
    if (state === undefined) return undefined
    let finished: Finished
    let payload: Uint8Array
    try {
      const read = await state.read(message.payload, { signal: this.#abort.signal })
      finished = read.next
      payload = read.payload
    } catch (error) {
      this.#report(codeOf(error))
      return undefined
    }
    try {
      return await this.#accept(finished, payload, message)
    } catch (error) {
      finished.forget()
      this.abandon(codeOf(error))
      return undefined
    }
  }

  async #accept(finished: Finished, payload: Uint8Array, message: LocalMessage): Promise<CiphertextReceiver | undefined> {
    const { services, side, spawnerId, idleTimeoutMs } = this.#options
    const { trust, verifier } = side
    const onProved = (identifier: Identifier): void => {
      this.#peer = identifier
    }
    const checks = { identities: services.identities, trust, verifier, onProved }
    const peer = await checkPeer(checks, decodeIdentityPayload(payload), finished.remoteStaticKey)
    if (!this.#options.hasRoom(peer.identifier))
      throw channelError('secure-channel/closed', 'This listener has as many channels as it may have.')
    if (this.#isDone) {
      finished.forget()
      return undefined
    }
    const channel = await finishHandshake(finished, {
      services,
      side,
      role: 'responder',
      addresses: this.#addresses,
      peer,
      route: this.#route,
      returnRoute: message.returnRoute,
      gate: this.#gate,
      spawnerId,
      idleTimeoutMs,
      isWanted: () => !this.#isDone,
      onEnded: () => {
        if (this.#hasAccepted) this.#options.onChannelEnded()
      },
    })
    if (this.#isDone) {
      dropPressure(channel.close())
      return undefined
    }
    this.#state?.forget()
    this.#state = undefined
    this.#hasAccepted = true
    this.#settle(channel)
    return channel.receiver
  }

  #settle(channel: LiveChannel | undefined): void {
    this.#isDone = true
    this.#timer.cancel()
    this.#options.onSettled(this, channel)
  }

  #report(code: string): void {
    this.#options.services.refusals.report('responder', code, this.#peer)
  }
}
