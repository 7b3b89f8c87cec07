/** What one node of a test has: a vault whose signature checks are counted, a store, a clock to set, recorded events, and the registry over them. */

import { type DiagnosticDetails, Identifier, memoryStore, type Random, type Store, type Vault } from '@ockam/core'
import { type SoftwareVault, softwareVault } from '@ockam/vault-software'
import { expect } from 'vitest'
import { type CreateIdentitiesOptions, createIdentities, type IdentityRegistry } from '../src/index.ts'
import { hex } from './hex.ts'

// An identifier keeps its text in a private field, which `toEqual` does not see: without this, any two would be equal.
expect.addEqualityTesters([(a, b) => (Identifier.is(a) && Identifier.is(b) ? a.equals(b) : undefined)])

/** 14 November 2023, 22:13:20 UTC: the moment the derived vectors are made at. */
export const START = 1_700_000_000
export const DAY = 24 * 3600
export const YEAR = 365 * DAY

/** Seconds since 1970, to be set. */
export class TestClock {
  seconds: number
  constructor(seconds: number) {
    this.seconds = seconds
  }
  now(): number {
    return this.seconds * 1000
  }
}

export interface NodeParts {
  readonly vault: Vault & SoftwareVault
  readonly store: Store
  readonly clock: TestClock
  readonly events: { readonly name: string; readonly details: DiagnosticDetails | undefined }[]
  readonly identities: IdentityRegistry
  /** How many signatures have been verified. */
  verifications(): number
}

export interface NodePartsOptions extends Omit<CreateIdentitiesOptions, 'vault' | 'clock' | 'diagnostics'> {
  readonly vault?: SoftwareVault
  readonly clock?: TestClock
}

export function nodeParts({
  vault: inner = softwareVault(),
  store = memoryStore(),
  clock = new TestClock(START),
  ...options
}: NodePartsOptions = {}): NodeParts {
  let verifications = 0
  const vault = {
    ...inner,
    verifying: {
      verify: (...args: Parameters<Vault['verifying']['verify']>) => {
        verifications++
        return inner.verifying.verify(...args)
      },
    },
  }
  const events: NodeParts['events'] = []
  const diagnostics = { event: (name: string, details?: DiagnosticDetails) => void events.push({ name, details }) }
  const identities = createIdentities({ ...options, vault, store, clock, diagnostics })
  return { vault, store, clock, events, identities, verifications: () => verifications }
}

/** Secrets that come out of a vault in this order, 32 bytes each; then none. */
export function seeds(...secrets: readonly string[]): Random {
  const left = secrets.map(hex)
  return {
    bytes(length) {
      const next = left.shift()
      if (next?.length !== length) throw new Error(`the test provides no ${length} random bytes here`)
      return next
    },
  }
}
