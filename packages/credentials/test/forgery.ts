/**
 * Credentials and attestations with anything wrong in them, signed all the same, in the name of a world's authority. Encoded here on core's CBOR writer
 * alone, apart from the code under test.
 */

import type { Identifier, SigningKey, VerifyingKey } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { decodeChangeHistory } from '@ockam/identity'
import { DAY, START, type World } from './node-parts.ts'

export interface ForgedCredential {
  readonly subject?: Identifier | 'null'
  readonly changeHash?: Uint8Array | 'null'
  /** Default: schema 1, role=sensor. Writes one item. */
  readonly attributes?: (writer: CborWriter) => void
  readonly createdAt?: number | bigint
  readonly expiresAt?: number | bigint
  readonly version?: number
  readonly dataType?: number
  /** Default: the authority's credential key. */
  readonly signedBy?: SigningKey
  /** What the signature claims to be made with; default the truth. */
  readonly signatureType?: number
  /** Default: that of the authority's credential key. */
  readonly attestation?: Uint8Array
}

export interface ForgedAttestation {
  readonly subject?: Identifier
  readonly latestHash?: Uint8Array
  /** The attested key; default one for credentials. A channel's is 32 bytes. */
  readonly key?: VerifyingKey | Uint8Array
  readonly purpose?: number
  readonly createdAt?: number
  readonly expiresAt?: number
  /** Default: the authority's primary key. */
  readonly signedBy?: SigningKey
  readonly dataType?: number
}

const typeIndex = ({ type }: VerifyingKey): number => (type === 'ed25519' ? 0 : 1)

export async function forgeCredential(world: World, wrong: ForgedCredential = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { vault, identities, identity } = world.authority
  const key = await identities.credentialKey(identity.identifier)
  const data = new CborWriter().array(5)
  const subject = wrong.subject ?? world.subject.identity.identifier
  writeOptional(data, subject === 'null' ? subject : subject.toBytes())
  writeOptional(data, wrong.changeHash ?? world.subject.identity.identifier.toBytes())
  const attributes = wrong.attributes ?? ((writer) => writer.array(2).uint(1).map(1).bytes(text('role')).bytes(text('sensor')))
  attributes(data)
  data.uint(wrong.createdAt ?? START).uint(wrong.expiresAt ?? START + DAY)
  const signed = versioned(wrong.version ?? 1, wrong.dataType ?? 3, data.finish())
  const out = new CborWriter().array(2).array(2).bytes(signed)
  const signer = wrong.signedBy ?? key.signingKey
  const signature = await vault.signing.sign(signer, vault.primitives.sha256(signed))
  out.enumeration(wrong.signatureType ?? typeIndex(signer.verifyingKey), 1).bytes(signature.bytes)
  return out.raw(wrong.attestation ?? key.attestation).finish()
}

export async function forgeAttestation(world: World, wrong: ForgedAttestation = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { vault, identities, identity } = world.authority
  const data = new CborWriter()
    .array(5)
    .bytes((wrong.subject ?? identity.identifier).toBytes())
    .bytes(wrong.latestHash ?? identity.identifier.toBytes())
  const key = wrong.key ?? (await identities.credentialKey(identity.identifier)).signingKey.verifyingKey
  data.enumeration(wrong.purpose ?? 1, 1)
  if (key instanceof Uint8Array) data.bytes(key)
  else data.enumeration(typeIndex(key), 1).bytes(key.bytes)
  data.uint(wrong.createdAt ?? START).uint(wrong.expiresAt ?? START + 30 * DAY)
  const signed = versioned(1, wrong.dataType ?? 2, data.finish())
  const signer = wrong.signedBy ?? (await primaryKey(world))
  const signature = await vault.signing.sign(signer, vault.primitives.sha256(signed))
  return new CborWriter().array(2).bytes(signed).enumeration(typeIndex(signer.verifyingKey), 1).bytes(signature.bytes).finish()
}

/** Of the authority. */
export async function primaryKey({ authority }: World): Promise<SigningKey> {
  const { latest } = decodeChangeHistory(authority.identity.changeHistory, authority.vault.primitives)
  const key = await authority.vault.signing.findSigningKey(latest.data.primaryKey)
  if (key === undefined) throw new Error('the authority has lost its key')
  return key
}

function versioned(version: number, dataType: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new CborWriter().array(3).uint(version).uint(dataType).bytes(data).finish()
}

function writeOptional(writer: CborWriter, value: Uint8Array | 'null'): void {
  if (value === 'null') writer.null()
  else writer.bytes(value)
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
