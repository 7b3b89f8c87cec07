/**
 * The rules of a change history, and the comparison of two. Source: the published Rust nodes' identity verification; what is stricter here is
 * listed in the README.
 *
 * Only `true` is a yes of a vault: one of somebody else may answer with something that is neither, such as a promise or an object with details.
 */

import type { Primitives, VerifyingVault } from '@ockam/core'
import type { Change, ChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'
import type { VerificationCache } from './verification-cache.ts'

const INVALID = 'identity/invalid-history'

/** How strictly a history is judged where an honest peer may be less tidy than the rules. */
export interface HistoryPolicy {
  /** A key may be replaced after the validity of the key it replaces has ended. Rust nodes accept that, and so do we by default. */
  readonly allowExpiredPreviousKey: boolean
}

export interface VerificationServices {
  readonly verifying: VerifyingVault
  readonly primitives: Primitives
  readonly cache: VerificationCache
}

/**
 * Checks order, hashes and every signature.
 * @throws {OckamError} `identity/invalid-history`, `identity/invalid-signature`
 */
export async function verifyHistory(history: ChangeHistory, services: VerificationServices, policy: HistoryPolicy): Promise<void> {
  history.changes.forEach((change, index) => {
    checkOrder(change, history.changes[index - 1], index, services.primitives)
    const previous = history.changes[index - 1]
    if (previous !== undefined && !policy.allowExpiredPreviousKey && change.data.validFrom > previous.data.validUntil) {
      throw identityError(INVALID, `Change ${index} of ${history.identifier} is signed by a key whose validity had ended.`)
    }
  })
  await services.cache.remember('change-history', [history.encoded], () => verifySignatures(history, services.verifying))
}

function checkOrder(change: Change, previous: Change | undefined, index: number, primitives: Primitives): void {
  const { data } = change
  if (data.validFrom > data.validUntil) throw identityError(INVALID, `Change ${index} ends before it begins.`)
  if (previous === undefined) {
    if (data.previousChange !== undefined) throw identityError(INVALID, 'The first change names a change before it.')
    if (change.previousSignature !== undefined) throw identityError(INVALID, 'The first change has a signature of a key before it.')
    return
  }
  if (data.previousChange === undefined || primitives.isEqual(data.previousChange, previous.hash) !== true) {
    throw identityError(INVALID, `Change ${index} does not follow the change before it.`)
  }
  if (change.previousSignature === undefined) throw identityError(INVALID, `Change ${index} is not signed by the key it replaces.`)
  if (data.validFrom < previous.data.validFrom) throw identityError(INVALID, `Change ${index} begins before the change before it.`)
}

async function verifySignatures(history: ChangeHistory, verifying: VerifyingVault): Promise<void> {
  for (const [index, change] of history.changes.entries()) {
    const previous = history.changes[index - 1]
    const isOwnValid =
      change.signature.type === change.data.primaryKey.type &&
      (await verifying.verify(change.data.primaryKey, change.hash, change.signature))
    if (isOwnValid !== true)
      throw identityError('identity/invalid-signature', `Change ${index} of ${history.identifier} is not signed by its own key.`)
    if (previous === undefined || change.previousSignature === undefined) continue
    const previousKey = previous.data.primaryKey
    const isChained =
      change.previousSignature.type === previousKey.type && (await verifying.verify(previousKey, change.hash, change.previousSignature))
    if (isChained !== true) {
      throw identityError('identity/invalid-signature', `Change ${index} of ${history.identifier} is not signed by the key it replaces.`)
    }
  }
}

/** How a presented history stands to a known one. */
export type HistoryRelation = 'equal' | 'newer' | 'older' | 'conflict'

export function compareHistories(presented: ChangeHistory, known: ChangeHistory, primitives: Primitives): HistoryRelation {
  const common = Math.min(presented.changes.length, known.changes.length)
  for (let i = 0; i < common; i++) {
    if (primitives.isEqual((presented.changes[i] as Change).hash, (known.changes[i] as Change).hash) !== true) return 'conflict'
  }
  if (presented.changes.length === known.changes.length) return 'equal'
  return presented.changes.length > known.changes.length ? 'newer' : 'older'
}
