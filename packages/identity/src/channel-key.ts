/**
 * Secure-channel keys of own identities: an X25519 key and the attestation for it, made on first use, renewed with a new key when a third of its
 * life is left, and always inside the validity of the primary key that attests it.
 */

import {
  type ChannelProof,
  type ChannelVault,
  type DhKey,
  type Diagnostics,
  type Identifier,
  OckamError,
  type PersistentChannelVault,
} from '@ockam/core'
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
import type { ChannelKeyRecord, IdentityStore } from './identity-store.ts'
import type { OwnIdentityKeys, OwnIdentityServices } from './own-identity.ts'

/** A lost compare-and-set means that somebody else renewed or rotated; this often in a row, something is wrong. */
const MAX_ATTEMPTS = 8

export interface ChannelKeyServices extends OwnIdentityServices {
  readonly channel: ChannelVault & Partial<PersistentChannelVault>
  readonly verification: VerificationServices
  readonly keys: OwnIdentityKeys
  readonly store: IdentityStore
  readonly attestationValidForSeconds: number
  readonly diagnostics: Diagnostics
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

  /** Deletes the keys of a record from the vault. */
  async forget(record: ChannelKeyRecord | undefined): Promise<void> {
    await this.#deleteKey(record?.attestation?.data.channelKey)
    await this.#deleteKey(record?.previousKey)
  }

  async #proof(identifier: Identifier): Promise<ChannelProof> {
    const { store, diagnostics } = this.#services
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const history = (await store.own(identifier))?.history
      if (history === undefined) throw identityError('identity/unknown-identity', `This node does not own the identity ${identifier}.`)
      const record = await store.channelKey(identifier)
      const attestation = record?.attestation
      const usable = attestation === undefined ? undefined : await this.#usable(attestation, history)
      if (attestation !== undefined && usable !== undefined && !this.#isDue(attestation, history)) return usable
      try {
        const renewed = await this.#renew(history, record)
        if (renewed !== undefined) return renewed
      } catch (error) {
        // A rotation elsewhere takes the old primary key away: then there is a new one to sign with.
        if (await this.#hasRotated(history)) continue
        if (usable === undefined) throw error
        // The vault may be out of reach for a while; the present key still holds.
        const code = OckamError.is(error) ? error.code : undefined
        diagnostics.event('identity/renewal-failed', { identifier: identifier.toString(), code })
        return usable
      }
    }
    throw identityError('identity/contention', `Others keep renewing the channel key of ${identifier} at the same time. Try again.`)
  }

  /** The stored key, if peers will accept it. Whatever is wrong with it (expired, rotated since, another vault): a new one takes its place. */
  async #usable(attestation: Attestation, history: ChangeHistory): Promise<ChannelProof | undefined> {
    const { verification, nowSeconds } = this.#services
    try {
      // Before the validity of the primary key began, by a clock set back, an attestation can only begin with it.
      checkAttestation(attestation, history, Math.max(nowSeconds(), history.latest.data.validFrom), verification.primitives)
      await verifyAttestationSignature(attestation, history, verification)
    } catch (error) {
      if (OckamError.is(error) && error.code.startsWith('identity/')) return undefined
      throw error
    }
    const staticKey = await this.#findKey(attestation.data.channelKey)
    return staticKey === undefined ? undefined : proofOf(history, attestation, staticKey)
  }

  /** Whether a third of the life, or less, is left and a new key would live longer. */
  #isDue({ data: { createdAt, expiresAt } }: Attestation, history: ChangeHistory): boolean {
    const now = this.#services.nowSeconds()
    const renewedUntil = Math.min(now + this.#services.attestationValidForSeconds, history.latest.data.validUntil)
    return now >= expiresAt - (expiresAt - createdAt) / 3 && renewedUntil > expiresAt
  }

  /** Undefined when somebody else was faster. */
  async #renew(history: ChangeHistory, record: ChannelKeyRecord | undefined): Promise<ChannelProof | undefined> {
    const { channel, store, nowSeconds } = this.#services
    const { validFrom, validUntil } = history.latest.data
    const createdAt = Math.max(nowSeconds(), validFrom)
    if (createdAt >= validUntil) {
      throw identityError('identity/expired', `The validity of ${history.identifier} has ended: rotate the identity.`)
    }
    const staticKey = await channel.generateStaticKey()
    let isStored = false
    try {
      const attestation = await this.#attest(history, staticKey, createdAt)
      // Before the record that names it is replaced: a crash in between then leaves no key behind.
      await this.#deleteKey(record?.previousKey)
      isStored = await store.replaceChannelKey(history, record, attestation, record?.attestation?.data.channelKey)
      if (!isStored) return undefined
      this.#handles.set(handleId(staticKey.publicKey), staticKey)
      return proofOf(history, attestation, staticKey)
    } finally {
      if (!isStored) await channel.deleteDhKey(staticKey)
    }
  }

  async #attest(history: ChangeHistory, { publicKey }: DhKey, createdAt: number): Promise<Attestation> {
    const { keys, signing, primitives, attestationValidForSeconds } = this.#services
    const signed = encodeAttestationData({
      subject: history.identifier,
      latestChangeHash: history.latest.hash,
      channelKey: publicKey,
      createdAt,
      expiresAt: Math.min(createdAt + attestationValidForSeconds, history.latest.data.validUntil),
    })
    const signature = await signing.sign(await keys.signingKey(history), primitives.sha256(signed))
    return decodeAttestation(encodeAttestation(signed, signature))
  }

  async #hasRotated(history: ChangeHistory): Promise<boolean> {
    const present = await this.#services.store.history(history.identifier)
    return present?.changes.length !== history.changes.length
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
