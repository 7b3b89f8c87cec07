/**
 * Identities this node owns: made, rotated, found and deleted. The primary key stays in the signing vault; here are only its handles.
 */

import type { Identifier, PersistentSigningVault, Primitives, SigningKey, SigningKeyType, SigningVault } from '@ockam/core'
import { appendChange, type ChangeData, type ChangeHistory, decodeChangeHistory, encodeChangeData } from './change-history.ts'
import { identityError } from './error.ts'
import type { IdentityStore } from './identity-store.ts'

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
  readonly validForMs?: number
  /** Marks earlier purpose keys as revoked. Peers that know the new history refuse earlier attestations in any case. */
  readonly revokePurposeKeys?: boolean
}

export interface OwnIdentityServices {
  readonly signing: SigningVault & Partial<PersistentSigningVault>
  readonly primitives: Primitives
  readonly store: IdentityStore
  readonly nowSeconds: () => number
}

export class OwnIdentityKeys {
  readonly #services: OwnIdentityServices
  /** Handles of vaults that cannot find keys again, and of those that can, to ask once. */
  readonly #handles = new Map<string, SigningKey>()

  constructor(services: OwnIdentityServices) {
    this.#services = services
  }

  /** Makes a key and the first change. Nothing is stored but the key. */
  async createHistory(options: CreateIdentityOptions): Promise<ChangeHistory> {
    return this.#extend(undefined, options, undefined)
  }

  /** Makes a new key and the change that brings it. Nothing is stored but the key. */
  async rotateHistory(history: ChangeHistory, options: RotateOptions): Promise<ChangeHistory> {
    const keyType = options.keyType ?? history.latest.data.primaryKey.type
    return this.#extend(history, { ...options, keyType }, await this.signingKey(history))
  }

  /** The handle of the latest primary key. @throws {OckamError} `identity/key-missing` */
  async signingKey(history: ChangeHistory): Promise<SigningKey> {
    const { primaryKey } = history.latest.data
    const id = handleId(primaryKey.bytes)
    const key = this.#handles.get(id) ?? (await this.#services.signing.findSigningKey?.(primaryKey))
    if (key === undefined) throw keyMissing(history.identifier)
    this.#handles.set(id, key)
    return key
  }

  /** Deletes the key of a history's latest change, if the vault has it. */
  async forgetKey(history: ChangeHistory): Promise<void> {
    const { primaryKey } = history.latest.data
    const id = handleId(primaryKey.bytes)
    const key = this.#handles.get(id) ?? (await this.#services.signing.findSigningKey?.(primaryKey))
    this.#handles.delete(id)
    if (key !== undefined) await this.#services.signing.deleteSigningKey(key)
  }

  async #extend(
    history: ChangeHistory | undefined,
    options: CreateIdentityOptions & RotateOptions,
    previousKey: SigningKey | undefined,
  ): Promise<ChangeHistory> {
    const { signing, primitives, nowSeconds } = this.#services
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
    const signed = encodeChangeData(data)
    const hash = primitives.sha256(signed)
    const signature = await signing.sign(key, hash)
    const previousSignature = previousKey === undefined ? undefined : await signing.sign(previousKey, hash)
    this.#handles.set(handleId(key.verifyingKey.bytes), key)
    return decodeChangeHistory(appendChange(history, signed, signature, previousSignature), primitives)
  }
}

function handleId(publicKey: Uint8Array): string {
  return publicKey.join(',')
}

function keyMissing(identifier: Identifier): Error {
  return identityError(
    'identity/key-missing',
    `The vault does not have the primary key of ${identifier}: use the vault the identity was made with.`,
  )
}
