/** The entry to this package: secure channels over a router, with keys in a vault and identities of whoever provides them. */

import type { Address, CloseOptions, Identities, PurposeKeys, RouteLike, Router } from '@ockam/core'
import { ChannelSet } from './channel/channel-set.ts'
import type { SecureChannel } from './channel/secure-channel.ts'
import type { ChannelServices, ChannelVaults } from './channel/services.ts'
import { checkCloseOptions, closeAll } from './close-within.ts'
import { type ChannelOptions, openChannel } from './handshake/initiator.ts'
import { RefusalReport } from './handshake/refusal-report.ts'
import { secureHopResolver } from './hop-resolver.ts'
import { type ChannelListener, createChannelListener, type ListenerOptions } from './listener/channel-listener.ts'
import { type DecryptorPersistence, DecryptorStore, type UnreadableRecord } from './persistence/decryptor-store.ts'
import { type RestoredDecryptor, restoreDecryptor } from './persistence/restored-decryptor.ts'

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
   *
   * Resolves when the peer has proved who it is, is trusted here, and was sent the proof of this side. Whether it accepts that shows with its first
   * answer: a peer that refuses is silent, and what is sent to it gets lost.
   * @throws {OckamError} `secure-channel/timeout`, `secure-channel/untrusted-peer`, `secure-channel/invalid-identity`,
   * `secure-channel/credentials-refused`, `secure-channel/unreachable`, `secure-channel/trust-missing`, `secure-channel/closed`;
   * what identities, vault and credential source throw when this side's proof is made; rejects with `signal.reason` when aborted.
   */
  createChannel(route: RouteLike, options: ChannelOptions): Promise<SecureChannel>
  /** The live channel with that encryptor address, such as the first hop of a resolved route. */
  channelAt(address: Address): SecureChannel | undefined
  /** The live channels of both roles. */
  channels(): readonly SecureChannel[]
  /**
   * Starts the decryption services of key-exchange-only channels of an earlier life. Call once, before new channels are made.
   *
   * Records that cannot be opened are left out, left where they are, and named to diagnostics (`secure-channel/record-unreadable`).
   * @throws {OckamError} `secure-channel/corrupt-record` when there are records and not one can be opened: then the key is another one.
   * `secure-channel/closed`, `secure-channel/vault-failed`, and what the store throws.
   */
  restoreDecryptors(): Promise<readonly RestoredDecryptor[]>
  /**
   * Closes listeners, channels and restored decryptors, each as its own `close` does, all at once. Channels being opened reject with
   * `secure-channel/closed`. Idempotent.
   * @throws {OckamError} `secure-channel/invalid-argument`; rejects with `signal.reason` when aborted, and all has ended nevertheless.
   */
  close(options?: CloseOptions): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export function createSecureChannels(options: SecureChannelsOptions): SecureChannels {
  return new ChannelRegistry(options)
}

class ChannelRegistry implements SecureChannels {
  readonly #services: ChannelServices
  readonly #listeners = new Set<ChannelListener>()
  readonly #restored = new Set<RestoredDecryptor>()

  constructor({ router, vault, identities, persistence }: SecureChannelsOptions) {
    const { random, diagnostics } = router.services
    const { primitives } = vault
    this.#services = {
      router,
      vault,
      identities,
      decryptors: persistence === undefined ? undefined : new DecryptorStore(persistence, { primitives, random, diagnostics }),
      refusals: new RefusalReport(router.services.clock, router.services.diagnostics),
      channels: new ChannelSet(router.services.clock),
    }
    router.addHopResolver(secureHopResolver(this.#services))
  }

  async createListener(address: Address | string, options: ListenerOptions): Promise<ChannelListener> {
    this.#services.channels.requireOpen()
    const listener: ChannelListener = await createChannelListener(this.#services, address, options, () => this.#listeners.delete(listener))
    this.#listeners.add(listener)
    return listener
  }

  async createChannel(route: RouteLike, options: ChannelOptions): Promise<SecureChannel> {
    return openChannel(this.#services, route, options)
  }

  channelAt(address: Address): SecureChannel | undefined {
    return this.#services.channels.at(address)
  }

  channels(): readonly SecureChannel[] {
    return this.#services.channels.live()
  }

  async restoreDecryptors(): Promise<readonly RestoredDecryptor[]> {
    const { channels, decryptors, router } = this.#services
    channels.requireOpen()
    const all: RestoredDecryptor[] = []
    const unreadable: UnreadableRecord[] = []
    for await (const stored of decryptors?.records() ?? []) {
      channels.requireOpen()
      if (stored.record === undefined) {
        unreadable.push(stored)
        continue
      }
      const restored: RestoredDecryptor = restoreDecryptor(this.#services, stored.record, () => this.#restored.delete(restored))
      this.#restored.add(restored)
      all.push(restored)
    }
    const [first] = unreadable
    if (first !== undefined && all.length === 0) throw first.error
    for (const { storeKey } of unreadable) router.services.diagnostics.event('secure-channel/record-unreadable', { record: storeKey })
    return all
  }

  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options)
    try {
      await Promise.all([
        closeAll([this.#services.channels, ...this.#listeners], options),
        ...[...this.#restored].map((restored) => restored.close()),
      ])
    } finally {
      this.#services.decryptors?.destroy()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
