/**
 * The side that opens a channel. It shows its identity only after the peer's was verified and trusted.
 *
 * Message 1 is in clear, so anybody on the way can answer it. A message 2 that does not authenticate changes nothing. One that does, of an identity
 * that is refused, ends the attempt only after a moment in which the right one may still come: long enough for a race, short enough for a person.
 */

import {
  type Context,
  dropPressure,
  type Identifier,
  type LocalMessage,
  type OckamError,
  Route,
  type RouteLike,
  type Timer,
} from '@ockam/core'
import type { CiphertextReceiver } from '../channel/ciphertext-receiver.ts'
import type { LiveChannel } from '../channel/live-channel.ts'
import { type ChannelAddresses, type ChannelServices, createAddresses } from '../channel/services.ts'
import { checkedDuration } from '../checked-number.ts'
import { channelError, codeOf, type SecureChannelErrorCode } from '../error.ts'
import type { Finished, Receiving, Sending } from '../noise/handshake.ts'
import { OCKAM_XX } from '../noise/protocol.ts'
import { startInitiator } from '../noise/start-handshake.ts'
import { decodeIdentityPayload } from '../protocol/identity-payload.ts'
import { finishHandshake } from './finish.ts'
import { Gate } from './gate.ts'
import { type CheckedSideOptions, checkedSideOptions, type HandshakeSideOptions, ownPayload } from './handshake-options.ts'
import { checkPeer } from './peer-check.ts'

/** How long the right answer may follow one whose identity was refused. */
const REFUSAL_GRACE_MS = 1_000
const NOTHING = new Uint8Array(0)

export interface ChannelOptions extends HandshakeSideOptions {
  /** Until when the handshake must have ended. Default 120 000: a peer may first fetch a credential. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Opens a channel along `route`, whose last address is the peer's listener. */
export async function openChannel(services: ChannelServices, route: RouteLike, options: ChannelOptions): Promise<LiveChannel> {
  const side = checkedSideOptions(options)
  const timeoutMs = checkedDuration('timeoutMs', options.timeoutMs ?? 120_000)
  const onward = Route.from(route)
  if (onward.isEmpty)
    throw channelError('secure-channel/invalid-argument', 'The route to a secure-channel listener needs at least its address.')
  return new Initiator(services, side, onward).run(timeoutMs, options.signal)
}

class Initiator {
  readonly #services: ChannelServices
  readonly #side: CheckedSideOptions
  readonly #route: Route
  readonly #addresses: ChannelAddresses
  readonly #abort = new AbortController()
  #payload: Uint8Array<ArrayBuffer> = NOTHING
  #state: Receiving<Sending<Finished>> | undefined
  #gate: Gate | undefined
  /** Whoever sent the message 2 in hand, from when that is proved. */
  #peer: Identifier | undefined
  #refusal: Timer | undefined
  #isDone = false
  #resolve: (channel: LiveChannel) => void = () => undefined
  #reject: (reason: unknown) => void = () => undefined

  constructor(services: ChannelServices, side: CheckedSideOptions, route: Route) {
    this.#services = services
    this.#side = side
    this.#route = route
    this.#addresses = createAddresses(services)
  }

  async run(timeoutMs: number, signal: AbortSignal | undefined): Promise<LiveChannel> {
    signal?.throwIfAborted()
    const outcome = new Promise<LiveChannel>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const forget = this.#services.channels.addOpening((error) => this.#fail(error))
    const onAbort = (): void => this.#fail(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    const { clock } = this.#services.router.services
    // In the foreground: while somebody waits for a channel, the process has something to do.
    const timer = clock.schedule(timeoutMs, () => this.#fail(this.#timedOut(timeoutMs)), { isBackground: false })
    this.#start().catch((error: unknown) => this.#fail(error))
    try {
      return await outcome
    } finally {
      forget()
      timer.cancel()
      this.#refusal?.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async #start(): Promise<void> {
    const { router, vault } = this.#services
    const { proof, payload } = await ownPayload(this.#services, this.#side)
    this.#payload = payload
    const start = startInitiator({ protocol: OCKAM_XX, primitives: vault.primitives, vault: vault.channel, staticKey: proof.staticKey })
    const { message, next } = await start.write(NOTHING, { signal: this.#abort.signal })
    start.forget()
    if (this.#isDone) return next.dispose()
    this.#state = next
    const { decryptorRemote } = this.#addresses
    this.#gate = new Gate({
      router,
      addresses: this.#addresses,
      from: 'local',
      handshake: (received, context) => this.#receive(received, context),
      onStopped: () => this.#stopped(),
    })
    const producer = router.flowControls.producerAt(this.#route.next as NonNullable<Route['next']>)
    if (producer !== undefined) router.flowControls.addConsumer(decryptorRemote, producer.flowControlId)
    try {
      dropPressure(router.context.dispatch({ onwardRoute: this.#route, returnRoute: Route.of(decryptorRemote), payload: message }))
    } catch (error) {
      throw channelError(
        'secure-channel/unreachable',
        `A secure channel cannot be opened along ${this.#route}: its first hop is not there.`,
        error,
      )
    }
  }

  async #receive(message: LocalMessage, context: Context): Promise<CiphertextReceiver | undefined> {
    const state = this.#state
    if (state === undefined || this.#isDone) return undefined
    this.#peer = undefined
    try {
      const { payload, next } = await state.read(message.payload, { signal: this.#abort.signal })
      try {
        return await this.#answer(next, payload, message, context)
      } catch (error) {
        next.forget()
        this.#refuse(error as OckamError)
      }
    } catch (error) {
      this.#report(error)
    }
    return undefined
  }

  /** The peer has proved to hold the keys it showed; who is it? */
  async #answer(
    state: Sending<Finished>,
    peerPayload: Uint8Array,
    message: LocalMessage,
    context: Context,
  ): Promise<CiphertextReceiver | undefined> {
    const { identities } = this.#services
    const { trust, verifier } = this.#side
    const noiseStaticKey = state.remoteStaticKey as Uint8Array
    const onProved = (identifier: Identifier): void => {
      this.#peer = identifier
    }
    const peer = await checkPeer({ identities, trust, verifier, onProved }, decodeIdentityPayload(peerPayload), noiseStaticKey)
    const { message: message3, next: finished } = await state.write(this.#payload, { signal: this.#abort.signal })
    state.forget()
    if (this.#isDone) {
      finished.forget()
      return undefined
    }
    const { decryptorRemote } = this.#addresses
    const route = message.returnRoute
    try {
      dropPressure(context.dispatch({ onwardRoute: route, returnRoute: Route.of(decryptorRemote), payload: message3 }))
    } catch (error) {
      finished.forget()
      throw channelError('secure-channel/unreachable', `The way back to the peer (${route}) is not there any more.`, error)
    }
    const channel = await finishHandshake(finished, {
      services: this.#services,
      side: this.#side,
      role: 'initiator',
      addresses: this.#addresses,
      peer,
      route,
      returnRoute: route,
      gate: this.#gate as Gate,
      spawnerId: undefined,
      idleTimeoutMs: Number.POSITIVE_INFINITY,
      isWanted: () => !this.#isDone,
    })
    if (this.#isDone) {
      dropPressure(channel.close())
      return undefined
    }
    this.#isDone = true
    this.#state?.forget()
    this.#state = undefined
    this.#resolve(channel)
    return channel.receiver
  }

  /** Waits a moment for the right answer, then gives up with the reason. */
  #refuse(error: OckamError): void {
    if (this.#isDone) return
    this.#report(error)
    this.#refusal ??= this.#services.router.services.clock.schedule(REFUSAL_GRACE_MS, () => this.#fail(error), { isBackground: false })
  }

  #report(error: unknown): void {
    this.#services.refusals.report('initiator', codeOf(error), this.#peer)
  }

  /** Every channel's gate stops in the end; only while the handshake lasts is that an error. */
  #stopped(): void {
    if (!this.#isDone) this.#fail(channelError('secure-channel/closed', 'The node was closed while a secure channel was being opened.'))
  }

  #fail(error: unknown): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#reject(error)
    this.#abort.abort(error)
    this.#gate?.abandon()
    dropPressure(this.#state?.dispose())
  }

  #timedOut(timeoutMs: number): OckamError<SecureChannelErrorCode> {
    return channelError(
      'secure-channel/timeout',
      `No secure channel along ${this.#route} within ${timeoutMs} ms: nobody answers there, or the listener refuses this identity, which it does silently.`,
    )
  }
}
