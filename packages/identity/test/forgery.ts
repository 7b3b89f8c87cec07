/**
 * Histories and attestations with anything wrong in them, signed all the same. Encoded here on core's CBOR writer alone, apart from the code under test.
 */

import { Identifier, type SigningKey, type Vault, type VerifyingKey } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { START, YEAR } from './node-parts.ts'

export interface ForgedChange {
  /** The key the change brings; default a new Ed25519 key. */
  readonly key?: SigningKey
  /** Default: the key the change brings. */
  readonly signedBy?: SigningKey
  /** Default: the key of the change before, and nobody for the first. */
  readonly previousSignedBy?: SigningKey | 'nobody'
  /** Default: the hash of the change before, and null for the first. */
  readonly previousChange?: Uint8Array | 'null'
  readonly version?: number
  readonly dataType?: number
  readonly revokes?: boolean
  readonly validFrom?: number
  readonly validUntil?: number | bigint
  /** What the signature claims to be made with; default the truth. */
  readonly signatureType?: number
}

export interface ForgedHistory {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly identifier: Identifier
  readonly latestHash: Uint8Array<ArrayBuffer>
  /** The keys of the changes, in order. */
  readonly keys: readonly SigningKey[]
}

export interface ForgedAttestation {
  readonly subject?: Identifier
  readonly latestHash?: Uint8Array
  readonly channelKey?: Uint8Array
  readonly createdAt?: number
  readonly expiresAt?: number
  readonly signedBy?: SigningKey
  readonly version?: number
  readonly dataType?: number
  /** 0 secure channel, 1 credentials. */
  readonly purpose?: number
  readonly signatureType?: number
}

const typeIndex = ({ type }: VerifyingKey): number => (type === 'ed25519' ? 0 : 1)

export async function forgeHistory(vault: Vault, changes: readonly ForgedChange[]): Promise<ForgedHistory> {
  const keys: SigningKey[] = []
  const hashes: Uint8Array<ArrayBuffer>[] = []
  const out = new CborWriter().array(changes.length)
  for (const change of changes) {
    const key = change.key ?? (await vault.signing.generateSigningKey('ed25519'))
    const before = hashes.at(-1)
    const previousChange = change.previousChange ?? before ?? 'null'
    const data = new CborWriter().array(5)
    if (previousChange === 'null') data.null()
    else data.bytes(previousChange)
    data.enumeration(typeIndex(key.verifyingKey), 1).bytes(key.verifyingKey.bytes)
    data
      .bool(change.revokes ?? false)
      .uint(change.validFrom ?? START)
      .uint(change.validUntil ?? START + 10 * YEAR)
    const signed = versioned(change.version ?? 1, change.dataType ?? 1, data.finish())
    const previousSigner = change.previousSignedBy ?? keys.at(-1) ?? 'nobody'
    out.array(previousSigner === 'nobody' ? 2 : 3).bytes(signed)
    await writeSignature(out, vault, signed, change.signedBy ?? key, change.signatureType)
    if (previousSigner !== 'nobody') await writeSignature(out, vault, signed, previousSigner)
    keys.push(key)
    hashes.push(vault.primitives.sha256(signed))
  }
  const [first = new Uint8Array(32)] = hashes
  return { bytes: out.finish(), identifier: Identifier.fromBytes(first), latestHash: hashes.at(-1) ?? first, keys }
}

/** For the latest change of `history`, right in all that `wrong` does not say. */
export async function forgeAttestation(
  vault: Vault,
  history: ForgedHistory,
  wrong: ForgedAttestation = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const data = new CborWriter()
    .array(5)
    .bytes((wrong.subject ?? history.identifier).toBytes())
    .bytes(wrong.latestHash ?? history.latestHash)
  data.enumeration(wrong.purpose ?? 0, 1)
  if (wrong.purpose === 1) data.enumeration(0, 1)
  data
    .bytes(wrong.channelKey ?? CHANNEL_KEY)
    .uint(wrong.createdAt ?? START)
    .uint(wrong.expiresAt ?? START + YEAR)
  const signed = versioned(wrong.version ?? 1, wrong.dataType ?? 2, data.finish())
  const out = new CborWriter().array(2).bytes(signed)
  await writeSignature(out, vault, signed, wrong.signedBy ?? (history.keys.at(-1) as SigningKey), wrong.signatureType)
  return out.finish()
}

/** The Noise static key that forged attestations name. */
export const CHANNEL_KEY: Uint8Array<ArrayBuffer> = new Uint8Array(32).fill(9)

export function versioned(version: number, dataType: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return new CborWriter().array(3).uint(version).uint(dataType).bytes(data).finish()
}

async function writeSignature(
  out: CborWriter,
  vault: Vault,
  signed: Uint8Array,
  key: SigningKey,
  type = typeIndex(key.verifyingKey),
): Promise<void> {
  const signature = await vault.signing.sign(key, vault.primitives.sha256(signed))
  out.enumeration(type, 1).bytes(signature.bytes)
}
