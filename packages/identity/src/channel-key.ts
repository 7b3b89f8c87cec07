/**
 * Secure-channel keys of own identities: an X25519 key and the attestation for it, made on first use, renewed with a new key when a third of its
 * life is left, and always inside the validity of the primary key that attests it.
 */

import type { ChannelProof, ChannelVault, DhKey, Identifier, PersistentChannelVault } from '@ockam/core'
import { OckamError } from '@ockam/core'
import {
  type Attestation,
  checkAttestation,
  decodeAttestation,
  encodeAttestation,
  encodeAttestationData,
  verifyAttestationSignature,
} from './attestation.ts'
import type { ChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'
import type { VerificationServices } from './history-verification.ts'
import type { IdentityStore } from './identity-store.ts'
import type { OwnIdentityKeys, OwnIdentityServices } from './own-identity.ts'

export interface ChannelKeyServices extends OwnIdentityServices {
  readonly channel: ChannelVault & Partial<PersistentChannelVault>
  readonly verification: VerificationServices
  readonly keys: OwnIdentityKeys
  readonly store: IdentityStore
  readonly attestationValidForSeconds: number
}

export class ChannelKeys {
  readonly #services: ChannelKeyServices
  readonly #handles = new Map<string, DhKey>()
  readonly #underWay = new Map<string, Promise<ChannelProof>>()

  constructor(services: ChannelKeyServices) {
    this.#services = services
  }

  /** One attempt at a time for each identity: handshakes that begin together share a new key. */
  proof(identifier: Identifier): Promise<ChannelProof> {
    const id = identifier.toString()
    const present = this.#underWay.get(id)
    if (present !== undefined) return present
    const attempt = this.#proof(identifier).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, attempt)
    return attempt
  }

  /** Deletes the keys of an identity from the vault. Call before its record is removed. */
  async forget(identifier: Identifier): Promise<void> {
    const stored = await this.#services.store.channelKey(identifier)
    if (stored === undefined) return
    await this.#deleteKey(decodeAttestation(stored.record.attestation).data.channelKey)
    await this.#deleteKey(stored.record.previousKey)
  }

  async #proof(identifier: Identifier): Promise<ChannelProof> {
    const { store } = this.#services
    // A lost compare-and-set means that another process renewed the key: then its key is there to be used.
    for (let attempt = 0; attempt < 4; attempt++) {
      const history = (await store.isOwn(identifier)) ? await store.history(identifier) : undefined
      if (history === undefined) throw identityError('identity/unknown-identity', `This node does not own the identity ${identifier}.`)
      const stored = await store.channelKey(identifier)
      const usable = stored === undefined ? undefined : await this.#usable(stored.record.attestation, history)
      if (usable !== undefined) return usable
      const renewed = await this.#renew(history, stored)
      if (renewed !== undefined) return renewed
    }
    throw identityError('identity/contention', `The channel key of ${identifier} is being renewed by others again and again.`)
  }

  async #usable(encoded: Uint8Array, history: ChangeHistory): Promise<ChannelProof | undefined> {
    const { verification, nowSeconds } = this.#services
    try {
      const attestation = decodeAttestation(encoded)
      const now = nowSeconds()
      checkAttestation(attestation, history, now, verification.primitives)
      await verifyAttestationSignature(attestation, history, verification)
      const { createdAt, expiresAt } = attestation.data
      const staticKey = await this.#findKey(attestation.data.channelKey)
      const isRenewable = Math.min(now + this.#services.attestationValidForSeconds, history.latest.data.validUntil) > expiresAt
      const isDue = now >= expiresAt - (expiresAt - createdAt) / 3 && isRenewable
      return staticKey === undefined || isDue ? undefined : proofOf(history, attestation, staticKey)
    } catch (error) {
      // Whatever is wrong with the stored one (expired, rotated since, another vault): a new one takes its place.
      if (OckamError.is(error) && error.code.startsWith('identity/')) return undefined
      throw error
    }
  }

  async #renew(history: ChangeHistory, stored: Awaited<ReturnType<IdentityStore['channelKey']>>): Promise<ChannelProof | undefined> {
    const { channel, keys, signing, primitives, store, nowSeconds, attestationValidForSeconds } = this.#services
    const { validFrom, validUntil } = history.latest.data
    const createdAt = Math.max(nowSeconds(), validFrom)
    if (createdAt >= validUntil) {
      throw identityError('identity/expired', `The validity of ${history.identifier} has ended: rotate the identity.`)
    }
    const signingKey = await keys.signingKey(history)
    const staticKey = await channel.generateStaticKey()
    const signed = encodeAttestationData({
      subject: history.identifier,
      latestChangeHash: history.latest.hash,
      channelKey: staticKey.publicKey,
      createdAt,
      expiresAt: Math.min(createdAt + attestationValidForSeconds, validUntil),
    })
    const encoded = encodeAttestation(signed, await signing.sign(signingKey, primitives.sha256(signed)))
    const previousKey = stored === undefined ? undefined : decodeAttestation(stored.record.attestation).data.channelKey
    if (!(await store.replaceChannelKey(history.identifier, stored?.bytes, { attestation: encoded, previousKey }))) {
      await channel.deleteDhKey(staticKey)
      return undefined
    }
    this.#handles.set(handleId(staticKey.publicKey), staticKey)
    await this.#deleteKey(stored?.record.previousKey)
    return proofOf(history, decodeAttestation(encoded), staticKey)
  }

  async #findKey(publicKey: Uint8Array): Promise<DhKey | undefined> {
    const id = handleId(publicKey)
    const key = this.#handles.get(id) ?? (await this.#services.channel.findStaticKey?.(publicKey))
    if (key !== undefined) this.#handles.set(id, key)
    return key
  }

  async #deleteKey(publicKey: Uint8Array | undefined): Promise<void> {
    const key = publicKey === undefined ? undefined : await this.#findKey(publicKey)
    if (key === undefined) return
    this.#handles.delete(handleId(key.publicKey))
    await this.#services.channel.deleteDhKey(key)
  }
}

function proofOf(history: ChangeHistory, attestation: Attestation, staticKey: DhKey): ChannelProof {
  return { identifier: history.identifier, changeHistory: history.encoded, attestation: attestation.encoded, staticKey }
}

function handleId(publicKey: Uint8Array): string {
  return publicKey.join(',')
}
