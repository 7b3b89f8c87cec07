/**
 * Primary keys of own identities, and the changes they sign. The keys stay in the signing vault; here are only handles, and nothing is stored.
 */

import {
  type Identifier,
  OckamError,
  type PersistentSigningVault,
  type Primitives,
  type SigningKey,
  type SigningKeyType,
  type SigningVault,
  type VerifyingKey,
} from '@ockam/core'
import { appendChange, type Change, type ChangeData, type ChangeHistory, decodeChangeHistory, encodeChangeData } from './change-history.ts'
import { identityError } from './error.ts'
import { verifyingKeyId } from './key-codec.ts'

/** Ten years, as Rust nodes: an identity is renewed by rotation, which its owner decides about. */
const DEFAULT_VALIDITY_MS = 3650 * 24 * 3600 * 1000

export interface CreateIdentityOptions {
  /** A name on this node by which the identity is found again; never leaves the node. */
  readonly name?: string
  /** Default `ed25519`. */
  readonly keyType?: SigningKeyType
  /** How long attestations and credentials of the primary key may be valid, from now. Default ten years. */
  readonly validForMs?: number
}

export interface RotateOptions {
  /** Type of the new primary key; default: that of the present one. */
  readonly keyType?: SigningKeyType
  /** How long attestations and credentials of the new key may be valid, from now. Default ten years. */
  readonly validForMs?: number
  /** Marks earlier purpose keys as revoked. Peers that know the new history refuse earlier attestations in any case. */
  readonly revokePurposeKeys?: boolean
}

export interface OwnIdentityServices {
  readonly signing: SigningVault & Partial<PersistentSigningVault>
  readonly primitives: Primitives
  /** Whole seconds since 1970. */
  readonly nowSeconds: () => number
}

export class OwnIdentityKeys {
  readonly #services: OwnIdentityServices
  /** Handles of vaults that cannot find keys again, and of those that can, to ask once. */
  readonly #handles = new Map<string, SigningKey>()

  constructor(services: OwnIdentityServices) {
    this.#services = services
  }

  /** Makes a key and the first change. */
  async createHistory(options: CreateIdentityOptions): Promise<ChangeHistory> {
    return this.#extend(undefined, options)
  }

  /** Makes a new key and the change that brings it. @throws {OckamError} `identity/key-missing` */
  async rotateHistory(history: ChangeHistory, options: RotateOptions): Promise<ChangeHistory> {
    const keyType = options.keyType ?? history.latest.data.primaryKey.type
    return this.#extend(history, { ...options, keyType }, await this.signingKey(history))
  }

  /** The handle of the latest primary key. @throws {OckamError} `identity/key-missing` */
  async signingKey(history: ChangeHistory): Promise<SigningKey> {
    const key = await this.#find(history.latest.data.primaryKey)
    if (key === undefined) throw keyMissing(history.identifier)
    return key
  }

  /** Whether the vault has the latest primary key. */
  async hasKey(history: ChangeHistory): Promise<boolean> {
    return (await this.#find(history.latest.data.primaryKey)) !== undefined
  }

  /** Deletes the keys of these changes, those that the vault still has. */
  async forgetKeys(changes: readonly Change[]): Promise<void> {
    for (const { data } of changes) {
      const key = await this.#find(data.primaryKey)
      this.#handles.delete(verifyingKeyId(data.primaryKey))
      if (key !== undefined) await this.#services.signing.deleteSigningKey(key)
    }
  }

  async #find(primaryKey: VerifyingKey): Promise<SigningKey | undefined> {
    const id = verifyingKeyId(primaryKey)
    const key = this.#handles.get(id) ?? (await this.#services.signing.findSigningKey?.(primaryKey))
    if (key !== undefined) this.#handles.set(id, key)
    return key
  }

  async #extend(
    history: ChangeHistory | undefined,
    options: CreateIdentityOptions & RotateOptions,
    previousKey?: SigningKey,
  ): Promise<ChangeHistory> {
    const { signing, nowSeconds } = this.#services
    const validityMs = options.validForMs ?? DEFAULT_VALIDITY_MS
    if (!(validityMs >= 1000 && validityMs <= Number.MAX_SAFE_INTEGER)) {
      throw identityError('identity/invalid-argument', `validForMs must be at least 1000; got ${validityMs}.`)
    }
    const key = await signing.generateSigningKey(options.keyType ?? 'ed25519')
    // The clock may have been set back since the last change; a change must not begin before the one it follows.
    const validFrom = Math.max(nowSeconds(), history?.latest.data.validFrom ?? 0)
    const data: ChangeData = {
      previousChange: history?.latest.hash,
      primaryKey: key.verifyingKey,
      revokesPurposeKeys: options.revokePurposeKeys ?? false,
      validFrom,
      validUntil: validFrom + Math.floor(validityMs / 1000),
    }
    try {
      const extended = await this.#sign(history, data, key, previousKey)
      this.#handles.set(verifyingKeyId(key.verifyingKey), key)
      return extended
    } catch (error) {
      // Nobody will ever use the key of a change that could not be made.
      await signing.deleteSigningKey(key)
      throw error
    }
  }

  async #sign(
    history: ChangeHistory | undefined,
    data: ChangeData,
    key: SigningKey,
    previousKey: SigningKey | undefined,
  ): Promise<ChangeHistory> {
    const { signing, primitives } = this.#services
    const signed = encodeChangeData(data)
    const hash = primitives.sha256(signed)
    const signature = await signing.sign(key, hash)
    const previousSignature = previousKey === undefined ? undefined : await signing.sign(previousKey, hash)
    try {
      return decodeChangeHistory(appendChange(history, signed, signature, previousSignature), primitives)
    } catch (error) {
      if (history === undefined || !OckamError.is(error, 'identity/invalid-history')) throw error
      throw identityError(
        'identity/invalid-history',
        `The history of ${history.identifier} has no room for another change: replace the identity.`,
        error,
      )
    }
  }
}

function keyMissing(identifier: Identifier): Error {
  return identityError(
    'identity/key-missing',
    `The vault does not have the primary key of ${identifier}: use the vault the identity was made with.`,
  )
}
