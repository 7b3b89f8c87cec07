/**
 * Everything a node knows about identities: its own, and the peers' it has met. Implements core's `Identities` and `PurposeKeys`.
 */

import {
  type ChannelProof,
  type Diagnostics,
  Identifier,
  type Identities,
  OckamError,
  type PresentedIdentity,
  type PurposeKeys,
  type SigningKeyType,
  type VerifiedPeer,
} from '@ockam/core'
import { checkAttestation, decodeAttestation, verifyAttestationSignature } from './attestation.ts'
import { type ChangeHistory, decodeChangeHistory } from './change-history.ts'
import type { ChannelKeys } from './channel-key.ts'
import { identityError } from './error.ts'
import { compareHistories, type HistoryPolicy, type VerificationServices, verifyHistory } from './history-verification.ts'
import { checkName, type IdentityStore } from './identity-store.ts'
import type { CreateIdentityOptions, OwnIdentityKeys, RotateOptions } from './own-identity.ts'

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
  readonly verification: VerificationServices
  readonly policy: HistoryPolicy & { readonly expiredIdentity: 'warn' | 'refuse' }
  readonly nowSeconds: () => number
  readonly diagnostics: Diagnostics
}

/** How often a compare-and-set is tried before giving up. */
const MAX_ATTEMPTS = 8

export class IdentityRegistry implements Identities, PurposeKeys {
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
    if (options.name !== undefined && (await store.identifierOf(options.name)) !== undefined) throw nameInUse(options.name)
    const history = await keys.createHistory(options)
    if (!(await store.addOwn(history, options.name))) {
      await keys.forgetKey(history)
      throw nameInUse(options.name ?? '')
    }
    return describe(history, options.name)
  }

  /** The identity of that name, made if there is none. Options besides the name matter only then. */
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
    const { store } = this.#services
    const named = typeof nameOrIdentifier === 'string' ? await store.identifierOf(nameOrIdentifier) : undefined
    const identifier = named ?? asIdentifier(nameOrIdentifier)
    if (identifier === undefined || !(await store.isOwn(identifier))) return undefined
    const history = await store.history(identifier)
    return history === undefined ? undefined : describe(history, (await store.namesOf(identifier))[0])
  }

  /** Every own identity. */
  async list(): Promise<readonly OwnIdentity[]> {
    const identities: OwnIdentity[] = []
    for (const identifier of await this.#services.store.ownIdentifiers()) {
      const identity = await this.find(identifier)
      if (identity !== undefined) identities.push(identity)
    }
    return identities
  }

  /** Forgets an own identity and deletes its keys from the vault. False when there was none. */
  async delete(nameOrIdentifier: string | Identifier): Promise<boolean> {
    const { store, keys, channelKeys } = this.#services
    const identity = await this.find(nameOrIdentifier)
    if (identity === undefined) return false
    const history = await this.#ownHistory(identity.identifier)
    await channelKeys.forget(identity.identifier)
    await store.removeOwn(identity.identifier)
    await keys.forgetKey(history)
    return true
  }

  /**
   * Replaces the primary key. The identifier stays; peers learn the new history with the next handshake. The old key is deleted from the vault.
   * @throws {OckamError} `identity/unknown-identity`, `identity/key-missing`, `identity/contention`
   */
  async rotate(nameOrIdentifier: string | Identifier, options: RotateOptions = {}): Promise<OwnIdentity> {
    const { store, keys, verification, policy } = this.#services
    const identity = await this.find(nameOrIdentifier)
    if (identity === undefined) throw unknown(nameOrIdentifier)
    const history = await this.#ownHistory(identity.identifier)
    const rotated = await keys.rotateHistory(history, options)
    await verifyHistory(rotated, verification, { ...policy, allowExpiredPreviousKey: true })
    if (!(await store.replaceHistory(history, rotated))) {
      await keys.forgetKey(rotated)
      throw contention(identity.identifier.toString())
    }
    await keys.forgetKey(history)
    return describe(rotated, identity.name)
  }

  /** The change history of an own or known identity, CBOR. @throws {OckamError} `identity/unknown-identity` */
  async export(nameOrIdentifier: string | Identifier): Promise<Uint8Array<ArrayBuffer>> {
    const { store } = this.#services
    const named = typeof nameOrIdentifier === 'string' ? await store.identifierOf(nameOrIdentifier) : undefined
    const identifier = named ?? asIdentifier(nameOrIdentifier)
    const history = identifier === undefined ? undefined : await store.history(identifier)
    if (history === undefined) throw unknown(nameOrIdentifier)
    return new Uint8Array(history.encoded)
  }

  /**
   * Verifies and stores the public history of another identity, such as an authority's.
   * @param changeHistory CBOR bytes or their hexadecimal text. @param expected refuses any other identifier.
   */
  async import(changeHistory: Uint8Array | string, expected?: Identifier | string): Promise<Identifier> {
    const bytes = typeof changeHistory === 'string' ? fromHex(changeHistory) : changeHistory
    const history = await this.#verify(bytes, expected === undefined ? undefined : Identifier.from(expected))
    await this.#accept(history)
    return history.identifier
  }

  channelProof(identifier: Identifier): Promise<ChannelProof> {
    return this.#services.channelKeys.proof(identifier)
  }

  async verifyPeer(presented: PresentedIdentity): Promise<VerifiedPeer> {
    const { verification, nowSeconds } = this.#services
    const { primitives } = verification
    // Everything cheap is judged before the first signature.
    const attestation = decodeAttestation(presented.attestation)
    if (!primitives.isEqual(attestation.data.channelKey, presented.noiseStaticKey)) {
      throw identityError(
        'identity/invalid-attestation',
        `The attestation of ${attestation.data.subject} is for another key than the peer uses.`,
      )
    }
    const history = decodeChangeHistory(presented.changeHistory, primitives)
    checkExpected(history, presented.expected)
    checkAttestation(attestation, history, nowSeconds(), primitives)
    this.#checkValidity(history)
    await verifyHistory(history, verification, this.#services.policy)
    await verifyAttestationSignature(attestation, history, verification)
    await this.#compare(history)
    return {
      identifier: history.identifier,
      latestChangeHash: new Uint8Array(history.latest.hash),
      expiresAtMs: attestation.data.expiresAt * 1000,
      accept: () => this.#accept(history),
    }
  }

  async updatePeer(changeHistory: Uint8Array, expected: Identifier): Promise<void> {
    await this.#accept(await this.#verify(changeHistory, expected))
  }

  async #verify(bytes: Uint8Array, expected: Identifier | undefined): Promise<ChangeHistory> {
    const { verification, policy } = this.#services
    const history = decodeChangeHistory(bytes, verification.primitives)
    checkExpected(history, expected)
    this.#checkValidity(history)
    await verifyHistory(history, verification, policy)
    return history
  }

  /** Refuses older and conflicting histories. Returns what is stored. */
  async #compare(history: ChangeHistory): Promise<ChangeHistory | undefined> {
    const known = await this.#services.store.history(history.identifier)
    if (known === undefined) return undefined
    const relation = compareHistories(history, known, this.#services.verification.primitives)
    if (relation === 'older') {
      throw identityError(
        'identity/older-history',
        `${history.identifier} has rotated its key since: the presented history has ${history.changes.length} changes, ${known.changes.length} are known.`,
      )
    }
    if (relation === 'conflict') {
      this.#services.diagnostics.event('identity/conflicting-history', { identifier: history.identifier.toString() })
      throw identityError(
        'identity/conflicting-history',
        `Two different histories of ${history.identifier} exist. Its key may have been stolen: ask its owner.`,
      )
    }
    return known
  }

  async #accept(history: ChangeHistory): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const known = await this.#compare(history)
      if (known?.changes.length === history.changes.length) return
      if (await this.#services.store.replaceHistory(known, history)) return
    }
    throw contention(history.identifier.toString())
  }

  #checkValidity(history: ChangeHistory): void {
    const { policy, nowSeconds, diagnostics } = this.#services
    const { validFrom, validUntil } = history.latest.data
    const now = nowSeconds()
    if (now <= validUntil && validFrom <= now + 60) return
    if (policy.expiredIdentity === 'refuse') {
      throw identityError(
        'identity/expired',
        `The latest key of ${history.identifier} is not valid now: its owner must rotate it, or a clock is wrong.`,
      )
    }
    diagnostics.event('identity/not-valid-now', { identifier: history.identifier.toString(), validFrom, validUntil })
  }

  async #ownHistory(identifier: Identifier): Promise<ChangeHistory> {
    const history = await this.#services.store.history(identifier)
    if (history === undefined) throw unknown(identifier)
    return history
  }
}

function describe(history: ChangeHistory, name: string | undefined): OwnIdentity {
  return {
    identifier: history.identifier,
    name,
    keyType: history.latest.data.primaryKey.type,
    changeHistory: new Uint8Array(history.encoded),
  }
}

function checkExpected(history: ChangeHistory, expected: Identifier | undefined): void {
  if (expected !== undefined && !expected.equals(history.identifier)) {
    throw identityError('identity/unexpected-identifier', `The history is of ${history.identifier}, not of ${expected}.`)
  }
}

function asIdentifier(value: string | Identifier): Identifier | undefined {
  if (typeof value !== 'string') return Identifier.from(value)
  return /^\s*I[0-9a-fA-F]{64}\s*$/.test(value) ? Identifier.parse(value) : undefined
}

function fromHex(text: string): Uint8Array {
  const hex = text.trim()
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) {
    throw identityError('identity/invalid-history', 'A change history as text is an even number of hexadecimal digits.')
  }
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}

function nameInUse(name: string): OckamError {
  return identityError('identity/name-in-use', `An identity named "${name}" exists already.`)
}

function unknown(nameOrIdentifier: string | Identifier): OckamError {
  return identityError('identity/unknown-identity', `There is no identity ${nameOrIdentifier} here: create or import it first.`)
}

function contention(what: string): OckamError {
  return identityError('identity/contention', `Others keep changing ${what} at the same time. Try again.`)
}
