/**
 * Credential keys: own ones, which sign credentials and stay in the signing vault, and those that other identities attest.
 *
 * Own ones are Ed25519, as Rust nodes make them; in a vault that cannot hold such keys they are of the type of the primary key, which it can.
 */

import {
  type AttestedCredentialKey,
  type CredentialKey,
  OckamError,
  type PersistentSigningVault,
  type SigningKey,
  type SigningVault,
  type VerifyingKey,
} from '@ockam/core'
import { type Attestation, checkAttestation, decodeCredentialKeyAttestation, verifyAttestationSignature } from './attestation.ts'
import type { ChangeHistory } from './change-history.ts'
import { identityError } from './error.ts'
import type { VerificationServices } from './history-verification.ts'
import type { IdentityStore } from './identity-store.ts'
import { CREDENTIAL_KEY } from './key-codec.ts'
import { type OwnPurposeKey, OwnPurposeKeys, type PurposeKeyServices } from './purpose-key.ts'

export type OwnCredentialKeys = OwnPurposeKeys<SigningKey, VerifyingKey>

export function credentialKeys(services: PurposeKeyServices): OwnCredentialKeys {
  const { signing } = services
  return new OwnPurposeKeys(
    CREDENTIAL_KEY,
    {
      generate: (history) => generate(signing, history),
      publicKeyOf: ({ verifyingKey }) => verifyingKey,
      find: signing.findSigningKey?.bind(signing),
      forget: (key) => signing.deleteSigningKey(key),
    },
    services,
  )
}

async function generate(signing: SigningVault & Partial<PersistentSigningVault>, { latest }: ChangeHistory): Promise<SigningKey> {
  const primaryType = latest.data.primaryKey.type
  try {
    return await signing.generateSigningKey('ed25519')
  } catch (error) {
    if (primaryType === 'ed25519' || !OckamError.is(error, 'vault/unsupported')) throw error
    return signing.generateSigningKey(primaryType)
  }
}

/** What signs a credential and travels with it. */
export function credentialKeyOf({ history, attestation, handle }: OwnPurposeKey<SigningKey, VerifyingKey>): CredentialKey {
  const { createdAt, expiresAt } = attestation.data
  return { identifier: history.identifier, attestation: attestation.encoded, signingKey: handle, createdAt, expiresAt }
}

/** What an attestation says. Proves nothing. */
export function attestedKeyOf({ data }: Attestation<VerifyingKey>): AttestedCredentialKey {
  const { subject, publicKey, createdAt, expiresAt } = data
  return { issuer: subject, verifyingKey: publicKey, createdAt, expiresAt }
}

/** See {@link CredentialIssuers.verifyCredentialKey}. @param now whole seconds since 1970. */
export async function verifyCredentialKey(
  bytes: Uint8Array,
  store: IdentityStore,
  services: VerificationServices,
  now: number,
): Promise<AttestedCredentialKey> {
  const attestation = decodeCredentialKeyAttestation(bytes)
  const { subject } = attestation.data
  const history = await store.history(subject)
  if (history === undefined)
    throw identityError('identity/unknown-identity', `The history of the issuer ${subject} is not known: import it.`)
  checkAttestation(attestation, history, now, services.primitives)
  await verifyAttestationSignature(attestation, history, services)
  return attestedKeyOf(attestation)
}
