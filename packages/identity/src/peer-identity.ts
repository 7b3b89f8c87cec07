/**
 * Identities of others: verified, compared with what is known of them, and stored. What is stored of an identity only ever grows.
 *
 * Order of work: what is cheap first, signatures next, then the comparison with the store; so nobody who cannot sign for an identity can make this
 * node say anything about it.
 */

import type { Diagnostics, Identifier, PresentedIdentity, VerifiedPeer } from '@ockam/core'
import { CLOCK_DRIFT_SECONDS, checkAttestation, decodeAttestation, verifyAttestationSignature } from './attestation.ts'
import { type ChangeHistory, decodeChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'
import { compareHistories, type HistoryPolicy, type VerificationServices, verifyHistory } from './history-verification.ts'
import type { IdentityStore } from './identity-store.ts'
import type { OwnIdentityKeys } from './own-identity.ts'

/**
 * Histories of so many changes are verified for anybody: a few signatures, and whoever refuses the peer can tell its user who it was. Longer ones, up to
 * hundreds of changes, cost a stranger nothing but sending them.
 */
const UNASKED_CHANGES = 8
/** How often a compare-and-set is tried before giving up. */
const MAX_ATTEMPTS = 8

export interface PeerIdentityServices {
  readonly store: IdentityStore
  readonly keys: OwnIdentityKeys
  readonly verification: VerificationServices
  readonly policy: HistoryPolicy & { readonly expiredIdentity: 'warn' | 'refuse' }
  readonly nowSeconds: () => number
  readonly diagnostics: Diagnostics
}

export class PeerIdentities {
  readonly #services: PeerIdentityServices

  constructor(services: PeerIdentityServices) {
    this.#services = services
  }

  /** See {@link Identities.verifyPeer}. */
  async verify(presented: PresentedIdentity): Promise<VerifiedPeer> {
    const { verification, policy, nowSeconds } = this.#services
    const { primitives } = verification
    const { noiseStaticKey, expected, couldBe } = presented
    if (!(noiseStaticKey instanceof Uint8Array) || noiseStaticKey.length !== 32)
      throw identityError('identity/invalid-argument', 'noiseStaticKey must be 32 bytes.')
    const attestation = decodeAttestation(presented.attestation)
    if (primitives.isEqual(attestation.data.publicKey, noiseStaticKey) !== true) {
      throw identityError(
        'identity/invalid-attestation',
        `The attestation of ${attestation.data.subject} is for another key than the peer uses.`,
      )
    }
    const history = decodeChangeHistory(presented.changeHistory, primitives)
    checkExpected(history, expected)
    checkAttestation(attestation, history, nowSeconds(), primitives)
    if (history.changes.length > UNASKED_CHANGES && couldBe?.(history.identifier) === false)
      throw identityError(
        'identity/unexpected-identifier',
        `The history claims to be of ${history.identifier}, who is refused in any case.`,
      )
    await verifyHistory(history, verification, policy)
    await verifyAttestationSignature(attestation, history, verification)
    await this.#compare(history)
    return {
      identifier: history.identifier,
      latestChangeHash: new Uint8Array(history.latest.hash),
      expiresAtMs: attestation.data.expiresAt * 1000,
      accept: () => this.#accept(history),
    }
  }

  /** Verifies a history on its own and stores it if it is new or newer. */
  async update(bytes: Uint8Array, expected: Identifier | undefined): Promise<Identifier> {
    const { verification, policy } = this.#services
    const history = decodeChangeHistory(bytes, verification.primitives)
    checkExpected(history, expected)
    await verifyHistory(history, verification, policy)
    this.#checkValidity(history)
    await this.#accept(history)
    return history.identifier
  }

  async #accept(history: ChangeHistory): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const known = await this.#compare(history)
      if (known?.changes.length === history.changes.length) return
      if (await this.#services.store.replaceHistory(known, history)) return
    }
    throw identityError('identity/contention', `Others keep changing what is known of ${history.identifier} at the same time. Try again.`)
  }

  /** Refuses older and conflicting histories. Returns what is stored. */
  async #compare(history: ChangeHistory): Promise<ChangeHistory | undefined> {
    const { store, verification } = this.#services
    const { identifier } = history
    const known = await store.history(identifier)
    if (known === undefined) return undefined
    switch (compareHistories(history, known, verification.primitives)) {
      case 'equal':
        break
      case 'newer':
        await this.#refuseForeignRotation(history)
        break
      case 'older':
        throw identityError(
          'identity/older-history',
          `${identifier} has rotated its key since: the presented history has ${history.changes.length} changes, ${known.changes.length} are known.`,
        )
      case 'conflict':
        throw this.#alarm(identifier, `Two different histories of ${identifier} exist. Its key may have been stolen: ask its owner.`)
    }
    return known
  }

  /** An own identity changes where its keys are. A newer history whose key this node's vault does not have was made with a stolen or copied key. */
  async #refuseForeignRotation(history: ChangeHistory): Promise<void> {
    const { store, keys } = this.#services
    const { identifier } = history
    if ((await store.own(identifier)) === undefined || (await keys.hasKey(history))) return
    throw this.#alarm(
      identifier,
      `A newer history of this node's own identity ${identifier} was made elsewhere. If that was not you, its key was stolen: make a new identity.`,
    )
  }

  #alarm(identifier: Identifier, message: string): Error {
    this.#services.diagnostics.event('identity/conflicting-history', { identifier: identifier.toString() })
    return identityError('identity/conflicting-history', message)
  }

  #checkValidity({ identifier, latest }: ChangeHistory): void {
    const { policy, nowSeconds, diagnostics } = this.#services
    const { validFrom, validUntil } = latest.data
    const now = nowSeconds()
    if (now <= validUntil && validFrom <= now + CLOCK_DRIFT_SECONDS) return
    if (policy.expiredIdentity === 'refuse') {
      throw identityError(
        'identity/expired',
        `The latest key of ${identifier} is not valid now: its owner must rotate it, or a clock is wrong.`,
      )
    }
    diagnostics.event('identity/not-valid-now', { identifier: identifier.toString(), validFrom, validUntil })
  }
}

function checkExpected({ identifier }: ChangeHistory, expected: Identifier | undefined): void {
  if (expected !== undefined && !expected.equals(identifier)) {
    throw identityError('identity/unexpected-identifier', `The history is of ${identifier}, not of ${expected}.`)
  }
}
