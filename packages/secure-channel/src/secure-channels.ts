/** The entry to this package: secure channels over a router, with keys in a vault and identities of whoever provides them. */

import type { Address, Identities, PurposeKeys, RouteLike, Router, Timer } from '@ockam/core'
import type { SecureChannel } from './channel/secure-channel.ts'
import type { ChannelServices, ChannelVaults, RegisteredChannel } from './channel/services.ts'
import { channelError } from './error.ts'
import { type ChannelOptions, openChannel } from './handshake/initiator.ts'
import { RefusalReport } from './handshake/refusal-report.ts'
import { secureHopResolver } from './hop-resolver.ts'
import { type ChannelListener, createChannelListener, type ListenerOptions } from './listener/channel-listener.ts'
import { type DecryptorPersistence, DecryptorStore } from './persistence/decryptor-store.ts'
import { type RestoredDecryptor, restoreDecryptor } from './persistence/restored-decryptor.ts'

/** How often channels are looked at for expiry and lost routes. */
const CHECK_INTERVAL_MS = 1_000

export interface SecureChannelsOptions {
  readonly router: Router
  /** The `channel` and `primitives` slots of a vault. */
  readonly vault: ChannelVaults
  readonly identities: Identities & PurposeKeys
  /** Keeps the decryptors of key-exchange-only channels over restarts. Default: they are lost with the process. */
  readonly persistence?: DecryptorPersistence
}

export interface SecureChannels {
  /**
   * Accepts channels at a local address, `api` by custom.
   * @throws {OckamError} `secure-channel/trust-missing`, `secure-channel/invalid-argument`, and what router and identities throw.
   */
  createListener(address: Address | string, options: ListenerOptions): Promise<ChannelListener>
  /**
   * Opens a channel along `route`, whose last address is a listener's.
   * @throws {OckamError} `secure-channel/timeout`, `secure-channel/untrusted-peer`, `secure-channel/invalid-identity`,
   * `secure-channel/credentials-refused`, `secure-channel/unreachable`, `secure-channel/trust-missing`; rejects with `signal.reason` when aborted.
   */
  createChannel(route: RouteLike, options: ChannelOptions): Promise<SecureChannel>
  /** The live channel with that encryptor address, such as the first hop of a resolved route. */
  channelAt(address: Address): SecureChannel | undefined
  /** The live channels of both roles. */
  channels(): readonly SecureChannel[]
  /** Starts the decryption services of key-exchange-only channels of an earlier life. Call once, before new channels are made. */
  restoreDecryptors(): Promise<readonly RestoredDecryptor[]>
  /** Closes listeners and channels. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export function createSecureChannels(options: SecureChannelsOptions): SecureChannels {
  return new ChannelRegistry(options)
}

class ChannelRegistry implements SecureChannels {
  readonly #services: ChannelServices
  readonly #channels = new Map<string, RegisteredChannel>()
  readonly #listeners = new Set<ChannelListener>()
  #timer: Timer | undefined
  #isClosed = false

  constructor({ router, vault, identities, persistence }: SecureChannelsOptions) {
    this.#services = {
      router,
      vault,
      identities,
      decryptors: persistence === undefined ? undefined : new DecryptorStore(persistence, vault.primitives, router.services.random),
      refusals: new RefusalReport(router.services.clock, router.services.diagnostics),
      register: (channel) => this.#register(channel),
      unregister: (channel) => this.#channels.delete(channel.address.key),
    }
    router.addHopResolver(secureHopResolver(this.#services))
  }

  async createListener(address: Address | string, options: ListenerOptions): Promise<ChannelListener> {
    this.#requireOpen()
    const listener: ChannelListener = await createChannelListener(this.#services, address, options, () => this.#listeners.delete(listener))
    this.#listeners.add(listener)
    return listener
  }

  async createChannel(route: RouteLike, options: ChannelOptions): Promise<SecureChannel> {
    this.#requireOpen()
    return openChannel(this.#services, route, options)
  }

  channelAt(address: Address): SecureChannel | undefined {
    return this.#channels.get(address.key)
  }

  channels(): readonly SecureChannel[] {
    return [...this.#channels.values()]
  }

  async restoreDecryptors(): Promise<readonly RestoredDecryptor[]> {
    const restored: RestoredDecryptor[] = []
    for await (const record of this.#services.decryptors?.records() ?? []) restored.push(restoreDecryptor(this.#services, record))
    return restored
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#listeners].map((listener) => listener.close()))
    await Promise.all([...this.#channels.values()].map((channel) => channel.close()))
    this.#timer?.cancel()
    this.#timer = undefined
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #register(channel: RegisteredChannel): void {
    this.#channels.set(channel.address.key, channel)
    this.#scheduleCheck()
  }

  /** One timer for all channels, and none without channels. */
  #scheduleCheck(): void {
    if (this.#timer !== undefined || this.#channels.size === 0 || this.#isClosed) return
    const { clock } = this.#services.router.services
    this.#timer = clock.schedule(CHECK_INTERVAL_MS, () => {
      this.#timer = undefined
      for (const channel of this.#channels.values()) channel.check(clock.now(), clock.monotonic())
      this.#scheduleCheck()
    })
  }

  #requireOpen(): void {
    if (this.#isClosed) throw channelError('secure-channel/closed', 'Secure channels were closed with their node: create new ones.')
  }
}
