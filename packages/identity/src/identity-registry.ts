/**
 * Everything a node knows about identities: its own, and the peers' it has met. Implements core's `Identities`, `PurposeKeys`,
 * `CredentialKeys` and `CredentialIssuers`.
 *
 * Order of writes, so that a crash at any moment leaves a usable state: a key is in the vault before the store names it, and the store has forgotten
 * a primary key before the vault does. What a crash can leave behind is a key that nothing names.
 */

import {
  type AttestedCredentialKey,
  type ChannelProof,
  type CredentialIssuers,
  type CredentialKey,
  type CredentialKeys,
  Identifier,
  type Identities,
  OckamError,
  type PresentedIdentity,
  type PurposeKeys,
  type SigningKeyType,
  toHex,
  type VerifiedPeer,
} from '@ockam/core'
import { decodeCredentialKeyAttestation } from './attestation.ts'
import { type ChangeHistory, MAX_HISTORY_BYTES } from './change-history.ts'
import { type ChannelKeys, channelProofOf } from './channel-key.ts'
import { attestedKeyOf, credentialKeyOf, type OwnCredentialKeys, verifyCredentialKey } from './credential-key.ts'
import { identityError } from './error.ts'
import { type VerificationServices, verifyHistory } from './history-verification.ts'
import { asIdentifier, checkName, type IdentityStore, type OwnRecord } from './identity-store.ts'
import type { CreateIdentityOptions, OwnIdentityKeys, RotateOptions } from './own-identity.ts'
import type { PeerIdentities } from './peer-identity.ts'

/** An identity this node owns. */
export interface OwnIdentity {
  readonly identifier: Identifier
  readonly name: string | undefined
  /** Type of the present primary key. */
  readonly keyType: SigningKeyType
  /** The public change history, CBOR: what {@link IdentityRegistry.import} of another node takes. */
  readonly changeHistory: Uint8Array<ArrayBuffer>
}

export interface RegistryServices {
  readonly store: IdentityStore
  readonly keys: OwnIdentityKeys
  readonly channelKeys: ChannelKeys
  readonly credentialKeys: OwnCredentialKeys
  readonly peers: PeerIdentities
  readonly verification: VerificationServices
  /** Whole seconds since 1970. */
  readonly nowSeconds: () => number
}

/** How often a compare-and-set is tried before giving up. */
const MAX_ATTEMPTS = 8

export class IdentityRegistry implements Identities, PurposeKeys, CredentialKeys, CredentialIssuers {
  readonly #services: RegistryServices

  /** @internal Use {@link createIdentities}. */
  constructor(services: RegistryServices) {
    this.#services = services
  }

  /**
   * Makes an identity.
   * @throws {OckamError} `identity/name-in-use`, `identity/invalid-argument`, and what the vault and the store throw.
   */
  async create(options: CreateIdentityOptions = {}): Promise<OwnIdentity> {
    const { store, keys } = this.#services
    const { name } = options
    if (name !== undefined && (await store.identifierOf(name)) !== undefined) throw nameInUse(name)
    const record = { history: await keys.createHistory(options), name }
    if (await store.addOwn(record)) return describe(record)
    await keys.forgetKeys(record.history.changes)
    throw nameInUse(name ?? '')
  }

  /** The identity of that name, made if there is none. Options besides the name matter only then. @throws {OckamError} as {@link create}. */
  async getOrCreate(name: string, options: Omit<CreateIdentityOptions, 'name'> = {}): Promise<OwnIdentity> {
    checkName(name)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const existing = await this.find(name)
      if (existing !== undefined) return existing
      try {
        return await this.create({ ...options, name })
      } catch (error) {
        if (!OckamError.is(error, 'identity/name-in-use')) throw error
      }
    }
    throw contention(name)
  }

  /** An own identity by name or identifier, undefined when this node does not own it. */
  async find(nameOrIdentifier: string | Identifier): Promise<OwnIdentity | undefined> {
    const record = await this.#own(nameOrIdentifier)
    return record === undefined ? undefined : describe(record)
  }

  /** Every own identity, in the order of their identifiers. */
  async list(): Promise<readonly OwnIdentity[]> {
    const identities: OwnIdentity[] = []
    for (const identifier of await this.#services.store.ownIdentifiers()) {
      const identity = await this.find(identifier)
      if (identity !== undefined) identities.push(identity)
    }
    return identities
  }

  /** Forgets an own identity and deletes its keys from the vault. False when there was none. @throws {OckamError} `identity/contention` */
  async delete(nameOrIdentifier: string | Identifier): Promise<boolean> {
    const { store, keys, channelKeys, credentialKeys } = this.#services
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const record = await this.#own(nameOrIdentifier)
      if (record === undefined) return false
      const purposeKeys = await store.purposeKeys(record.history.identifier)
      if (await store.removeOwn(record, purposeKeys)) {
        await channelKeys.forget(purposeKeys.channel)
        await credentialKeys.forget(purposeKeys.credential)
        await keys.forgetKeys(record.history.changes)
        return true
      }
    }
    throw contention(nameOrIdentifier)
  }

  /**
   * Replaces the primary key. The identifier stays; peers learn the new history with the next handshake. The old key is deleted from the vault.
   * @throws {OckamError} `identity/unknown-identity`, `identity/key-missing`, `identity/contention`, `identity/invalid-history` when the history is
   * full, and what the vault and the store throw.
   */
  async rotate(nameOrIdentifier: string | Identifier, options: RotateOptions = {}): Promise<OwnIdentity> {
    const { store, keys, verification } = this.#services
    const record = await this.#own(nameOrIdentifier)
    if (record === undefined) throw unknown(nameOrIdentifier)
    const { history, name } = record
    const rotated = await keys.rotateHistory(history, options).catch(async (error: unknown) => {
      // Whoever rotated first has deleted the key that was to sign here.
      throw (await this.#isPresent(history)) ? error : contention(nameOrIdentifier)
    })
    await verifyHistory(rotated, verification, { allowExpiredPreviousKey: true })
    if (!(await store.replaceHistory(history, rotated))) {
      await keys.forgetKeys([rotated.latest])
      throw contention(nameOrIdentifier)
    }
    // All of them: a crash may have kept one from being deleted earlier.
    await keys.forgetKeys(history.changes)
    return describe({ history: rotated, name })
  }

  /** The change history of an own or known identity, CBOR. @throws {OckamError} `identity/unknown-identity` */
  async export(nameOrIdentifier: string | Identifier): Promise<Uint8Array<ArrayBuffer>> {
    const { store } = this.#services
    const identifier = asIdentifier(nameOrIdentifier) ?? (await store.identifierOf(nameOrIdentifier as string))
    const history = identifier === undefined ? undefined : await store.history(identifier)
    if (history === undefined) throw unknown(nameOrIdentifier)
    return history.encoded
  }

  /** The same in hexadecimal digits: what Rust nodes, tickets and project files hold. @throws {OckamError} `identity/unknown-identity` */
  async exportHex(nameOrIdentifier: string | Identifier): Promise<string> {
    return toHex(await this.export(nameOrIdentifier))
  }

  /**
   * Verifies and stores the public history of another identity, such as an authority's. No keys come with it.
   * @param changeHistory CBOR bytes or their hexadecimal text. @param expected refuses any other identifier.
   * @throws {OckamError} as {@link updatePeer}; `core/invalid-identifier` when `expected` is not one.
   */
  async import(changeHistory: Uint8Array | string, expected?: Identifier | string): Promise<Identifier> {
    const bytes = typeof changeHistory === 'string' ? fromHex(changeHistory) : changeHistory
    return this.#services.peers.update(bytes, expected === undefined ? undefined : Identifier.from(expected))
  }

  async channelProof(identifier: Identifier): Promise<ChannelProof> {
    return channelProofOf(await this.#services.channelKeys.present(identifier))
  }

  async credentialKey(identifier: Identifier): Promise<CredentialKey> {
    return credentialKeyOf(await this.#services.credentialKeys.present(identifier))
  }

  readCredentialKey(attestation: Uint8Array): AttestedCredentialKey {
    return attestedKeyOf(decodeCredentialKeyAttestation(attestation))
  }

  async verifyCredentialKey(attestation: Uint8Array): Promise<AttestedCredentialKey> {
    const { store, verification, nowSeconds } = this.#services
    return verifyCredentialKey(attestation, store, verification, nowSeconds())
  }

  async changeHashes(identifier: Identifier): Promise<readonly [Uint8Array, ...Uint8Array[]] | undefined> {
    const history = await this.#services.store.history(identifier)
    if (history === undefined) return undefined
    const [first, ...others] = history.changes
    return [first.hash, ...others.map(({ hash }) => hash)]
  }

  verifyPeer(presented: PresentedIdentity): Promise<VerifiedPeer> {
    return this.#services.peers.verify(presented)
  }

  /**
   * @throws {OckamError} `identity/invalid-history`, `identity/invalid-signature`, `identity/unexpected-identifier`, `identity/older-history`,
   * `identity/conflicting-history`, `identity/expired` (when so chosen), `identity/contention`, and what the store throws.
   */
  async updatePeer(changeHistory: Uint8Array, expected: Identifier): Promise<void> {
    await this.#services.peers.update(changeHistory, expected)
  }

  async #own(nameOrIdentifier: string | Identifier): Promise<OwnRecord | undefined> {
    const { store } = this.#services
    const identifier = asIdentifier(nameOrIdentifier) ?? (await store.identifierOf(nameOrIdentifier as string))
    return identifier === undefined ? undefined : store.own(identifier)
  }

  async #isPresent(history: ChangeHistory): Promise<boolean> {
    return (await this.#services.store.history(history.identifier))?.changes.length === history.changes.length
  }
}

function describe({ history, name }: OwnRecord): OwnIdentity {
  const keyType = history.latest.data.primaryKey.type
  return { identifier: history.identifier, name, keyType, changeHistory: history.encoded }
}

function fromHex(text: string): Uint8Array {
  const hex = text.length <= 2 * MAX_HISTORY_BYTES + 1024 ? text.trim() : ''
  if (hex.length === 0 || hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) {
    throw identityError(
      'identity/invalid-history',
      `A change history as text is an even number of hexadecimal digits, at most ${2 * MAX_HISTORY_BYTES}.`,
    )
  }
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

function nameInUse(name: string): OckamError {
  return identityError('identity/name-in-use', `An identity named "${name}" exists already.`)
}

function unknown(nameOrIdentifier: string | Identifier): OckamError {
  return identityError('identity/unknown-identity', `There is no identity ${nameOrIdentifier} here: create or import it first.`)
}

function contention(what: string | Identifier): OckamError {
  return identityError('identity/contention', `Others keep changing the identity ${what} at the same time. Try again.`)
}
