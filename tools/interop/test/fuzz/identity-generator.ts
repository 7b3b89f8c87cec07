/**
 * Change histories and attestations: correctly signed ones, and such that are wrong in one or a few of their rules but otherwise signed all the same,
 * so that each rule is reached. Layers: the data, its envelope, the signatures, the structure around them.
 */

import { array, bool, bytes, encode, type Item, nothing, uint } from './cbor-item.ts'
import { mutateBytes, mutateItem } from './mutation.ts'
import type { SeededRandom } from './random.ts'
import { type FuzzKey, oddKey, oddSignature, sha256, sign, signedPair, someKey, typed } from './signing-key.ts'

const DAY_SECONDS = 86_400
/** Midnight: the same seed makes the same bytes all day, and no verdict depends on the second. */
export const TODAY: number = Math.floor(Date.now() / 1000 / DAY_SECONDS) * DAY_SECONDS

export interface FuzzIdentity {
  readonly history: Uint8Array
  /** 32 bytes: the hash of the first change. */
  readonly identifier: Uint8Array
  readonly latestHash: Uint8Array
  readonly latestKey: FuzzKey
}

/** How often a rule is broken: once in so many chances; 0 for never. */
export type Rate = number

export const wrong = (random: SeededRandom, rate: Rate): boolean => rate > 0 && random.chance(rate)

/** A history whose signatures hold, apart from what `rate` breaks. */
export function history(random: SeededRandom, rate: Rate, length = 1 + random.below(3)): FuzzIdentity {
  const changes: Item[] = []
  let identifier: Uint8Array = new Uint8Array(32)
  let previous: { key: FuzzKey; hash: Uint8Array; validFrom: number } | undefined
  for (let at = 0; at < length; at++) {
    const key = someKey(random)
    const odd = wrong(random, rate) ? oddKey(random, key) : undefined
    const validFrom = (previous?.validFrom ?? TODAY - 400 * DAY_SECONDS) + (wrong(random, rate) ? -1 : random.below(3) * DAY_SECONDS)
    const fields = [
      previousChange(random, rate, previous?.hash),
      typed(wrong(random, rate) ? random.below(3) : key.type, odd?.publicKey ?? key.publicKey),
      bool(random.chance(4)),
      uint(validFrom),
      uint(wrong(random, rate) ? random.pick([0, validFrom - 1, validFrom, 2 ** 53, 2n ** 64n - 1n]) : validFrom + 3650 * DAY_SECONDS),
    ]
    const signed = envelope(random, rate, 1, array(...fields))
    const own = signature(random, rate, wrong(random, rate) ? someKey(random, key.type) : key, signed)
    const signatures = [odd === undefined ? own : typed(key.type, odd.signature)]
    if (previous !== undefined ? !wrong(random, rate) : wrong(random, rate))
      signatures.push(signature(random, rate, previous === undefined || wrong(random, rate) ? key : previous.key, signed))
    else if (random.chance(8)) signatures.push(nothing())
    changes.push(signedPair(signed, ...signatures))
    const hash = sha256(signed)
    if (previous === undefined) identifier = hash
    previous = { key, hash, validFrom }
  }
  if (wrong(random, rate)) changes.reverse()
  const latest = previous as NonNullable<typeof previous>
  return { history: outside(random, rate, array(...changes)), identifier, latestHash: latest.hash, latestKey: latest.key }
}

function previousChange(random: SeededRandom, rate: Rate, hash: Uint8Array | undefined): Item {
  if (!wrong(random, rate)) return hash === undefined ? nothing() : bytes(hash)
  return random.pick([nothing(), bytes(random.bytes(32)), bytes((hash ?? random.bytes(32)).subarray(0, 31)), bytes(new Uint8Array(0))])
}

/** @param signing the key to attest for credentials; left out: any for channels. */
export function attestation(random: SeededRandom, rate: Rate, subject: FuzzIdentity, signing?: FuzzKey): Uint8Array {
  const purposeKey = signing?.publicKey ?? random.bytes(32)
  const right = signing === undefined ? 0 : 1
  const purpose = wrong(random, rate) ? random.pick([1 - right, 2]) : right
  const [createdAt, expiresAt] = wrong(random, rate)
    ? random.pick([
        [TODAY - 500 * DAY_SECONDS, TODAY + 3 * DAY_SECONDS],
        [TODAY - 2 * DAY_SECONDS, TODAY - DAY_SECONDS],
        [TODAY + 3 * DAY_SECONDS, TODAY + 4 * DAY_SECONDS],
        [TODAY + 3 * DAY_SECONDS, TODAY - DAY_SECONDS],
        [TODAY, TODAY + 4000 * DAY_SECONDS],
        [TODAY, 2n ** 64n - 1n],
        [0, TODAY + 3 * DAY_SECONDS],
        [2 ** 53, 2 ** 53 + 1],
      ] as const)
    : [TODAY - random.below(3) * DAY_SECONDS, TODAY + (2 + random.below(300)) * DAY_SECONDS]
  const key =
    purpose === 1
      ? array(uint(1), array(typed(wrong(random, rate) ? random.below(3) : (signing?.type ?? 0), purposeKey)))
      : typed(purpose, wrong(random, rate) ? random.bytes(31) : purposeKey)
  const data = array(
    bytes(wrong(random, rate) ? random.bytes(32) : subject.identifier),
    bytes(wrong(random, rate) ? random.pick([random.bytes(32), subject.identifier]) : subject.latestHash),
    key,
    uint(createdAt),
    uint(expiresAt),
  )
  const signed = envelope(random, rate, 2, data)
  const signer = wrong(random, rate) ? someKey(random, subject.latestKey.type) : subject.latestKey
  return outside(random, rate, signedPair(signed, signature(random, rate, signer, signed)))
}

/** A credential by its form: data and signatures are made up, because nothing of ours looks into them. */
export function credential(random: SeededRandom, rate: Rate): Item {
  const signed = (): Item => {
    const type = wrong(random, rate) ? random.pick([2, 3, 24]) : random.below(2)
    return signedPair(random.bytes(random.below(40)), typed(type, random.bytes(wrong(random, rate) ? random.pick([0, 63, 65]) : 64)))
  }
  const item = array(signed(), signed())
  return wrong(random, rate) ? mutateItem(random, item, 1) : item
}

/** `[1, type, data]` in bytes. */
export function envelope(random: SeededRandom, rate: Rate, dataType: number, data: Item): Uint8Array {
  const encoded = encode(wrong(random, rate) ? mutateItem(random, data, 1) : data)
  const version = wrong(random, rate) ? random.pick([0, 2, 255, 256]) : 1
  const type = wrong(random, rate) ? random.pick([0, 1, 2, 3, 256]) : dataType
  const inside = wrong(random, rate) && random.chance(3) ? mutateBytes(random, encoded) : encoded
  const item = array(uint(version), uint(type), bytes(inside))
  return encode(wrong(random, rate) ? mutateItem(random, item, 1) : item)
}

export function signature(random: SeededRandom, rate: Rate, key: FuzzKey, signed: Uint8Array): Item {
  const right = sign(key, wrong(random, rate) ? Uint8Array.from([...signed, 0]) : signed)
  const type = wrong(random, rate) ? random.pick([0, 1, 2]) : key.type
  return typed(type, wrong(random, Math.ceil(rate / 2)) ? oddSignature(random, key.type, right) : right)
}

export function outside(random: SeededRandom, rate: Rate, item: Item): Uint8Array {
  const changed = encode(wrong(random, rate) ? mutateItem(random, item, 2) : item)
  if (wrong(random, rate)) return mutateBytes(random, changed)
  return wrong(random, 2 * rate) ? Uint8Array.from([...changed, ...random.bytes(1 + random.below(3))]) : changed
}
