/**
 * A channel after its handshake: puts encryptor, decryptor and their addresses together, and is what programs hold.
 */

import {
  type Address,
  type CloseOptions,
  dropPressure,
  type Identifier,
  type OckamError,
  type Producer,
  Route,
  type RouteLike,
} from '@ockam/core'
import { checkCloseOptions } from '../close-within.ts'
import { channelError, codeOf, type SecureChannelErrorCode } from '../error.ts'
import type { Gate } from '../handshake/gate.ts'
import type { CheckedSideOptions } from '../handshake/handshake-options.ts'
import type { Role, TransportKeys } from '../noise/handshake.ts'
import { encodeRefresh } from '../protocol/channel-message.ts'
import type { RefreshPayload } from '../protocol/identity-payload.ts'
import { NonceWindow } from '../protocol/nonce-window.ts'
import { ReceivingKey } from '../protocol/receiving-key.ts'
import { SendingKey } from '../protocol/sending-key.ts'
import { apiWorker } from './api-worker.ts'
import { type ChannelCounters, createCounters } from './channel-counters.ts'
import { ChannelEnd } from './channel-end.ts'
import { displaced, expired, failed, idle, routeLost, windowLost } from './channel-failure.ts'
import type { RegisteredChannel } from './channel-set.ts'
import type { CiphertextReceiver } from './ciphertext-receiver.ts'
import { withDeadline } from './deadline.ts'
import { Decryptor } from './decryptor.ts'
import { Encryptor, EncryptorCommand } from './encryptor.ts'
import { EventListeners } from './event-listeners.ts'
import { KeyExchangeReceiver } from './key-exchange-receiver.ts'
import { Path } from './path.ts'
import { RouteWatch } from './route-watch.ts'
import type { ChannelClosed, ChannelClosedReason, ChannelEvent, ChannelStatistics } from './secure-channel.ts'
import type { ChannelAddresses, ChannelServices } from './services.ts'
import { Silence } from './silence.ts'

/** How long whoever looks at what a peer shows anew may take: what the peer sent after it waits. */
const REFRESH_TIMEOUT_MS = 30_000
/** How long a channel that gives way to another may take to end. */
const GIVE_WAY_MS = 5_000

export interface LiveChannelOptions {
  readonly services: ChannelServices
  readonly side: CheckedSideOptions
  readonly role: Role
  readonly addresses: ChannelAddresses
  readonly peer: Identifier
  /** When the peer's attestation ends. */
  readonly expiresAtMs: number
  /** Copied; the caller wipes them. */
  readonly keys: TransportKeys
  readonly handshakeHash: Uint8Array<ArrayBuffer>
  /** Whole route to the peer's decryptor. */
  readonly route: Route
  /** Return route of the peer's last handshake message. */
  readonly returnRoute: Route
  /** The worker at the decryptor's remote address, which ends with the channel. */
  readonly gate: Gate
  /** Flow-control id of the listener that accepted it. */
  readonly spawnerId: string | undefined
  /** How long nothing authentic may come before the channel ends; Infinity: for ever. */
  readonly idleTimeoutMs: number
  /** Called once, when all workers are gone. */
  onEnded?(): void
}

export class LiveChannel implements RegisteredChannel {
  readonly producer: Producer
  /** What the gate hands ciphertexts to. @internal */
  readonly receiver: CiphertextReceiver
  readonly #options: LiveChannelOptions
  readonly #encryptor: Encryptor
  readonly #events: EventListeners
  readonly #counters: ChannelCounters
  readonly #routeWatch: RouteWatch
  readonly #silence: Silence
  readonly #end: ChannelEnd

  /** @throws {OckamError} `secure-channel/closed` */
  constructor(options: LiveChannelOptions) {
    this.#options = options
    const { services, addresses, side, gate } = options
    const { router, channels } = services
    channels.requireOpen()
    this.#events = new EventListeners(router.services.diagnostics)
    this.#counters = createCounters(router.services.diagnostics)
    this.#silence = new Silence(router.services.clock.monotonic())
    this.#routeWatch = new RouteWatch(router.flowControls, addresses.decryptorRemote, options.role === 'initiator')
    this.#routeWatch.follow(options.route)
    const { remoteNetwork } = router.flowControls.producerAt(options.route.next as Address) ?? {}
    this.producer = router.flowControls.createProducer('channel', options.spawnerId, remoteNetwork)
    this.#encryptor = this.#createEncryptor()
    this.receiver = this.#createReceiver()
    const refuse = (): void => this.#counters.dropped('key-exchange-only')
    const encryptorHandle = router.startWorker(addresses.encryptor, side.isKeyExchangeOnly ? refuse : this.#encryptor, {
      aliases: [addresses.encryptorInternal],
      from: side.from,
      isTransit: true,
      producer: this.producer,
    })
    const encrypt = apiWorker((content) => this.#encryptor.seal(content))
    const decrypt = apiWorker((ciphertext) => this.#openOne(ciphertext))
    const apiHandles = [
      router.startWorker(addresses.encryptorApi, encrypt, { from: 'local' }),
      router.startWorker(addresses.decryptorApi, decrypt, { from: 'local' }),
    ]
    this.#end = new ChannelEnd({
      clock: router.services.clock,
      diagnostics: router.services.diagnostics,
      peer: options.peer.toString(),
      hasClose: !side.isKeyExchangeOnly,
      encryptor: this.#encryptor,
      encryptorHandle,
      apiHandles,
      receiver: this.receiver,
      gate,
      onEnding: () => channels.ending(this),
      onEnded: () => {
        channels.ended(this)
        options.onEnded?.()
      },
    })
    channels.add(this)
  }

  get closed(): Promise<ChannelClosed> {
    return this.#end.closed
  }

  get address(): Address {
    return this.#options.addresses.encryptor
  }

  get route(): Route {
    return Route.of(this.address)
  }

  get role(): Role {
    return this.#options.role
  }

  get peer(): Identifier {
    return this.#options.peer
  }

  get encryptorApi(): Address {
    return this.#options.addresses.encryptorApi
  }

  get decryptorApi(): Address {
    return this.#options.addresses.decryptorApi
  }

  get decryptorAddress(): Address {
    return this.#options.addresses.decryptorRemote
  }

  channelBinding(): Uint8Array<ArrayBuffer> {
    return this.#options.handshakeHash.slice()
  }

  on(event: ChannelEvent, listener: () => void): () => void {
    return this.#events.add(event, listener)
  }

  updateRoute(route: RouteLike): void {
    const { role, side, route: first } = this.#options
    if (role !== 'initiator' || side.isKeyExchangeOnly) {
      throw channelError('secure-channel/invalid-argument', 'Only the side that opened a channel can move it; the other side follows.')
    }
    const next = Route.from(route)
    if (next.isEmpty) throw channelError('secure-channel/invalid-argument', 'The new route of a channel needs at least one hop.')
    const whole = next.concat(Route.of(first.recipient as Address))
    this.#command(() => this.#follow(whole))
  }

  async refreshCredentials(): Promise<void> {
    const { services, side } = this.#options
    if (side.isKeyExchangeOnly) {
      throw channelError(
        'secure-channel/invalid-argument',
        'A channel that only exchanged keys has no messages, and so no way to show credentials again.',
      )
    }
    const { changeHistory } = await services.identities.channelProof(side.identity)
    const credentials = side.credentials === undefined ? [] : await side.credentials.credentials(side.identity)
    const content = encodeRefresh({ changeHistory, credentials })
    this.#command((context) => this.#encryptor.sendOwn(content, context))
  }

  statistics(): ChannelStatistics {
    return { sent: this.#encryptor.sent, received: this.receiver.received, ...this.#counters.snapshot() }
  }

  check(nowMs: number, monotonicMs: number): void {
    const { expiresAtMs, peer, side, idleTimeoutMs } = this.#options
    const silentMs = this.#silence.lastsMs(this.receiver.authentic, monotonicMs)
    if (nowMs > expiresAtMs) this.#endSoon('expired', expired(peer))
    else if (this.#routeWatch.lostForMs(this.#encryptor.isRouteLost, monotonicMs) > side.routeGraceMs) this.cut()
    else if (silentMs > idleTimeoutMs) this.#endSoon('expired', idle(peer, idleTimeoutMs))
  }

  /** For how long nothing authentic has come. @internal */
  silentForMs(): number {
    return this.#silence.lastsMs(this.receiver.authentic, this.#options.services.router.services.clock.monotonic())
  }

  /** Ends it, for a newer channel of the same peer; by force if that takes long, because its place is given on already. @internal */
  giveWay(): void {
    this.#endSoon('expired', displaced(this.#options.peer))
    dropPressure(this.close({ timeoutMs: GIVE_WAY_MS }))
  }

  /** The route is gone for good. @internal */
  cut(): void {
    const { peer, route } = this.#options
    this.#endSoon('cut', routeLost(peer, route))
  }

  close(options: CloseOptions = {}): Promise<void> {
    return this.#end.close(options)
  }

  async forget(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options)
    const { services, addresses, side } = this.#options
    if (side.isKeyExchangeOnly) await services.decryptors?.delete(addresses.decryptorRemote)
    await this.close(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #createEncryptor(): Encryptor {
    const { services, addresses, keys, route, side } = this.#options
    const { primitives } = services.vault
    const encryptor = new Encryptor({
      primitives,
      key: new SendingKey(primitives.aeadKey(keys.sendingKey), {
        hasNewKeys: !side.isKeyExchangeOnly,
        onNewKey: () => this.#events.emit('rekeyed'),
      }),
      address: addresses.encryptor,
      route,
      isClosed: (firstHop) => this.#routeWatch.isClosed(firstHop),
      onDropped: (reason) => this.#counters.dropped(reason),
      onFailure: (error) => this.#endSoon('expired', failed('seal', error)),
    })
    return encryptor
  }

  #createReceiver(): CiphertextReceiver {
    const { services, role, addresses, keys, route, returnRoute, peer, side } = this.#options
    const { primitives } = services.vault
    const key = primitives.aeadKey(keys.receivingKey)
    const onRefused = (reason: string): void => this.#counters.refused(reason)
    if (side.isKeyExchangeOnly) return new KeyExchangeReceiver({ primitives, key, onRefused: () => onRefused('key-exchange-only') })
    return new Decryptor({
      primitives,
      window: new NonceWindow(),
      clock: services.router.services.clock,
      maxAddresses: services.router.services.maxAddresses,
      key: new ReceivingKey(key, () => this.#events.emit('rekeyed')),
      peer,
      encryptorAddress: addresses.encryptor,
      producer: this.producer,
      firstPath: returnRoute.withoutRecipient(),
      path: role === 'initiator' ? undefined : this.#createPath(route),
      onRefresh: (payload) => this.#refresh(payload),
      onClose: (isAnyMissing) => this.#endSoon('peer', undefined, isAnyMissing),
      onWindowLost: () => this.#endSoon('cut', windowLost(peer)),
      onFailure: (error) => this.#endSoon('expired', failed('open', error)),
      onRefused,
    })
  }

  #createPath(route: Route): Path {
    return new Path({
      path: route.withoutRecipient(),
      peerAddress: route.recipient as Address,
      isClosed: () => this.#encryptor.isRouteLost,
      onRoute: (next) => this.#follow(next),
    })
  }

  #follow(route: Route): void {
    this.#routeWatch.follow(route)
    this.#encryptor.setRoute(route)
  }

  /** Has the encryptor do something between the messages before and after. @throws {OckamError} `secure-channel/closed` */
  #command(run: EncryptorCommand['run']): void {
    const { services, addresses, peer } = this.#options
    if (this.#end.hasBegun) throw channelError('secure-channel/closed', `The channel with ${peer} is closed: open a new one.`)
    dropPressure(
      services.router.context.dispatch({
        onwardRoute: Route.of(addresses.encryptorInternal),
        returnRoute: Route.empty,
        payload: new Uint8Array(0),
        localInfo: [new EncryptorCommand(run)],
      }),
    )
  }

  #openOne(ciphertext: Uint8Array): Uint8Array<ArrayBuffer> {
    const content = this.receiver.openOne(ciphertext)
    if (typeof content !== 'string') return content
    this.#counters.refused(content)
    throw channelError('secure-channel/invalid-ciphertext', `A ciphertext was refused (${content}).`)
  }

  async #refresh({ changeHistory, credentials }: RefreshPayload): Promise<void> {
    const { services, peer, side } = this.#options
    const { clock, diagnostics } = services.router.services
    try {
      await withDeadline(clock, REFRESH_TIMEOUT_MS, async (isOver) => {
        await services.identities.updatePeer(changeHistory, peer)
        if (credentials.length > 0 && !isOver()) await side.verifier?.present({ identifier: peer }, credentials)
      })
      this.#events.emit('refreshed')
    } catch (error) {
      this.#counters.refused('refresh')
      diagnostics.event('secure-channel/refresh-refused', { peer: peer.toString(), code: codeOf(error) })
    }
  }

  /** Ends the channel from within its own workers, which must not wait for themselves. */
  #endSoon(reason: ChannelClosedReason, error?: OckamError<SecureChannelErrorCode>, isAnyMissing = false): void {
    dropPressure(this.#end.begin(reason, error, isAnyMissing))
  }
}
