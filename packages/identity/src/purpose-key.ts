/**
 * Keys of own identities for one purpose: a key and the attestation for it, made on first use, renewed with a new key when a third of its life is left, and
 * always inside the validity of the primary key that attests it.
 */

import { type Diagnostics, type Identifier, OckamError } from '@ockam/core'
import {
  type Attestation,
  checkAttestation,
  decodeAttestationOf,
  encodeAttestation,
  encodeAttestationData,
  verifyAttestationSignature,
} from './attestation.ts'
import type { ChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'
import type { VerificationServices } from './history-verification.ts'
import type { IdentityStore, PurposeKeyRecord } from './identity-store.ts'
import type { PurposeKeyCodec } from './key-codec.ts'
import type { OwnIdentityKeys, OwnIdentityServices } from './own-identity.ts'

/** A lost compare-and-set means that somebody else renewed or rotated; this often in a row, something is wrong. */
const MAX_ATTEMPTS = 8

/** Where the secrets of one purpose are. */
export interface PurposeKeyVault<Handle, Key> {
  readonly generate: (history: ChangeHistory) => Promise<Handle>
  readonly publicKeyOf: (handle: Handle) => Key
  /** Left out by vaults that cannot find keys again. */
  readonly find: ((publicKey: Key) => Promise<Handle | undefined>) | undefined
  readonly forget: (handle: Handle) => Promise<boolean>
}

export interface PurposeKeyServices extends OwnIdentityServices {
  readonly verification: VerificationServices
  readonly keys: OwnIdentityKeys
  readonly store: IdentityStore
  readonly attestationValidForSeconds: number
  readonly diagnostics: Diagnostics
}

/** An own key that peers will accept. */
export interface OwnPurposeKey<Handle, Key> {
  readonly history: ChangeHistory
  readonly attestation: Attestation<Key>
  readonly handle: Handle
}

export class OwnPurposeKeys<Handle, Key> {
  readonly codec: PurposeKeyCodec<Key>
  readonly #vault: PurposeKeyVault<Handle, Key>
  readonly #services: PurposeKeyServices
  readonly #handles = new Map<string, Handle>()
  readonly #underWay = new Map<string, Promise<OwnPurposeKey<Handle, Key>>>()

  constructor(codec: PurposeKeyCodec<Key>, vault: PurposeKeyVault<Handle, Key>, services: PurposeKeyServices) {
    this.codec = codec
    this.#vault = vault
    this.#services = services
  }

  /** One attempt at a time for each identity: those who ask together share a new key. */
  present(identifier: Identifier): Promise<OwnPurposeKey<Handle, Key>> {
    const id = identifier.toString()
    const present = this.#underWay.get(id)
    if (present !== undefined) return present
    const attempt = this.#present(identifier).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, attempt)
    return attempt
  }

  /** Deletes the keys of a record from the vault. */
  async forget(record: PurposeKeyRecord<Key> | undefined): Promise<void> {
    await this.#deleteKey(record?.attestation?.data.publicKey)
    await this.#deleteKey(record?.previousKey)
  }

  async #present(identifier: Identifier): Promise<OwnPurposeKey<Handle, Key>> {
    const { store, diagnostics } = this.#services
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const history = (await store.own(identifier))?.history
      if (history === undefined) throw identityError('identity/unknown-identity', `This node does not own the identity ${identifier}.`)
      const record = await store.purposeKey(this.codec, identifier)
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
    throw identityError('identity/contention', `Others keep renewing the ${this.codec.name} of ${identifier} at the same time. Try again.`)
  }

  /** The stored key, if peers will accept it. Whatever is wrong with it (expired, rotated since, another vault): a new one takes its place. */
  async #usable(attestation: Attestation<Key>, history: ChangeHistory): Promise<OwnPurposeKey<Handle, Key> | undefined> {
    const { verification, nowSeconds } = this.#services
    try {
      // Before the validity of the primary key began, by a clock set back, an attestation can only begin with it.
      checkAttestation(attestation, history, Math.max(nowSeconds(), history.latest.data.validFrom), verification.primitives)
      await verifyAttestationSignature(attestation, history, verification)
    } catch (error) {
      if (OckamError.is(error) && error.code.startsWith('identity/')) return undefined
      throw error
    }
    const handle = await this.#findKey(attestation.data.publicKey)
    return handle === undefined ? undefined : { history, attestation, handle }
  }

  /** Whether a third of the life, or less, is left and a new key would live longer. */
  #isDue({ data: { createdAt, expiresAt } }: Attestation<Key>, history: ChangeHistory): boolean {
    const now = this.#services.nowSeconds()
    const renewedUntil = Math.min(now + this.#services.attestationValidForSeconds, history.latest.data.validUntil)
    return now >= expiresAt - (expiresAt - createdAt) / 3 && renewedUntil > expiresAt
  }

  /** Undefined when somebody else was faster. */
  async #renew(history: ChangeHistory, record: PurposeKeyRecord<Key> | undefined): Promise<OwnPurposeKey<Handle, Key> | undefined> {
    const { store, nowSeconds } = this.#services
    const { validFrom, validUntil } = history.latest.data
    const createdAt = Math.max(nowSeconds(), validFrom)
    if (createdAt >= validUntil) {
      throw identityError('identity/expired', `The validity of ${history.identifier} has ended: rotate the identity.`)
    }
    const handle = await this.#vault.generate(history)
    let isStored = false
    try {
      const attestation = await this.#attest(history, handle, createdAt)
      // Before the record that names it is replaced: a crash in between then leaves no key behind.
      await this.#deleteKey(record?.previousKey)
      isStored = await store.replacePurposeKey(this.codec, history, record, attestation)
      if (!isStored) return undefined
      this.#handles.set(this.codec.idOf(attestation.data.publicKey), handle)
      return { history, attestation, handle }
    } finally {
      if (!isStored) await this.#vault.forget(handle)
    }
  }

  async #attest(history: ChangeHistory, handle: Handle, createdAt: number): Promise<Attestation<Key>> {
    const { keys, signing, primitives, attestationValidForSeconds } = this.#services
    const signed = encodeAttestationData(this.codec, {
      subject: history.identifier,
      latestChangeHash: history.latest.hash,
      publicKey: this.#vault.publicKeyOf(handle),
      createdAt,
      expiresAt: Math.min(createdAt + attestationValidForSeconds, history.latest.data.validUntil),
    })
    const signature = await signing.sign(await keys.signingKey(history), primitives.sha256(signed))
    return decodeAttestationOf(this.codec, encodeAttestation(signed, signature))
  }

  async #hasRotated(history: ChangeHistory): Promise<boolean> {
    const present = await this.#services.store.history(history.identifier)
    return present?.changes.length !== history.changes.length
  }

  async #findKey(publicKey: Key): Promise<Handle | undefined> {
    const id = this.codec.idOf(publicKey)
    const handle = this.#handles.get(id) ?? (await this.#vault.find?.(publicKey))
    if (handle !== undefined) this.#handles.set(id, handle)
    return handle
  }

  async #deleteKey(publicKey: Key | undefined): Promise<void> {
    const handle = publicKey === undefined ? undefined : await this.#findKey(publicKey)
    if (publicKey === undefined || handle === undefined) return
    this.#handles.delete(this.codec.idOf(publicKey))
    await this.#vault.forget(handle)
  }
}
