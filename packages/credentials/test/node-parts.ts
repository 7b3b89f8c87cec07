/** What one node of a test has: a vault whose signature checks are counted, stores, a clock to set, recorded events, identities and credentials. */

import { type DiagnosticDetails, Identifier, memoryStore, type Store } from '@ockam/core'
import { createIdentities, type IdentityRegistry, type OwnIdentity } from '@ockam/identity'
import { type SoftwareVault, softwareVault } from '@ockam/vault-software'
import { expect } from 'vitest'
import { type CreateCredentialsOptions, type Credentials, createCredentials } from '../src/index.ts'

// An identifier keeps its text in a private field, which `toEqual` does not see: without this, any two would be equal.
expect.addEqualityTesters([(a, b) => (Identifier.is(a) && Identifier.is(b) ? a.equals(b) : undefined)])

export const START = 1_700_000_000
export const MINUTE = 60
export const HOUR = 3600
export const DAY = 24 * HOUR
export const YEAR = 365 * DAY

/** Seconds since 1970, to be set. */
export class TestClock {
  seconds: number
  constructor(seconds = START) {
    this.seconds = seconds
  }
  now(): number {
    return this.seconds * 1000
  }
}

export interface NodeParts {
  readonly vault: SoftwareVault
  readonly store: Store
  readonly clock: TestClock
  readonly events: { readonly name: string; readonly details: DiagnosticDetails | undefined }[]
  readonly identities: IdentityRegistry
  readonly credentials: Credentials
  /** How many signatures have been verified. */
  verifications(): number
}

export interface NodePartsOptions extends Omit<CreateCredentialsOptions, 'vault' | 'identities' | 'clock' | 'diagnostics'> {
  readonly vault?: SoftwareVault
  readonly clock?: TestClock
  readonly attestationValidForMs?: number
}

export function nodeParts({
  vault: inner = softwareVault(),
  store = memoryStore(),
  clock = new TestClock(),
  attestationValidForMs = YEAR * 1000,
  ...options
}: NodePartsOptions = {}): NodeParts {
  let verifications = 0
  const vault: SoftwareVault = {
    ...inner,
    verifying: {
      verify: (...args) => {
        verifications++
        return inner.verifying.verify(...args)
      },
    },
  }
  const events: NodeParts['events'] = []
  const diagnostics = { event: (name: string, details?: DiagnosticDetails) => void events.push({ name, details }) }
  const identities = createIdentities({ vault, store, clock, diagnostics, attestationValidForMs })
  const credentials = createCredentials({ ...options, vault, identities, store, clock, diagnostics })
  return { vault, store, clock, events, identities, credentials, verifications: () => verifications }
}

/** An authority, a subject and a verifier, three nodes with one clock: the authority knows the subject, the verifier both. */
export interface World {
  readonly clock: TestClock
  readonly authority: NodeParts & { readonly identity: OwnIdentity }
  readonly subject: NodeParts & { readonly identity: OwnIdentity }
  readonly verifier: NodeParts
}

export async function world(options: { readonly verifier?: NodePartsOptions; readonly keyType?: 'ed25519' | 'p256' } = {}): Promise<World> {
  const clock = new TestClock()
  const [authority, subject] = [nodeParts({ clock }), nodeParts({ clock })]
  const verifier = nodeParts({ clock, ...options.verifier })
  const issuing = await authority.identities.create({ keyType: options.keyType ?? 'ed25519' })
  const own = await subject.identities.create()
  await authority.identities.import(own.changeHistory)
  for (const { changeHistory } of [issuing, own]) await verifier.identities.import(changeHistory)
  return { clock, authority: { ...authority, identity: issuing }, subject: { ...subject, identity: own }, verifier }
}

/** The subject's node shows a credential, and the verifier judges it. */
export function judge({ authority, subject, verifier }: World, credential: Uint8Array | string) {
  return verifier.credentials.verify(credential, {
    subject: subject.identity.identifier,
    authorities: [authority.identity.identifier],
  })
}
