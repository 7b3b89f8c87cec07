/**
 * Credentials with the attestation of their key: correctly signed ones, and such that are wrong in one or a few of their rules but otherwise signed all the
 * same, so that each rule is reached.
 */

import { array, bytes, encode, type Item, map, nothing, parse, uint } from './cbor-item.ts'
import { attestation, envelope, type FuzzIdentity, outside, type Rate, signature, TODAY, wrong } from './identity-generator.ts'
import type { SeededRandom } from './random.ts'
import { signedPair, someKey } from './signing-key.ts'

const DAY_SECONDS = 86_400
const NAMES = ['role', 'ockam-relay', 'a', 'aa', 'größe', ''] as const

export interface CredentialParties {
  readonly issuer: FuzzIdentity
  readonly subject: FuzzIdentity
}

function signedCredential(random: SeededRandom, rate: Rate, { issuer, subject }: CredentialParties): Uint8Array {
  const key = someKey(random)
  const attested = attestation(random, 2 * rate, issuer, wrong(random, rate) ? someKey(random, key.type) : key)
  const data = array(
    wrong(random, rate)
      ? random.pick([nothing(), bytes(random.bytes(32)), bytes(random.bytes(31)), bytes(issuer.identifier)])
      : bytes(subject.identifier),
    wrong(random, rate) ? random.pick([nothing(), bytes(random.bytes(32)), bytes(random.bytes(33))]) : changeHash(random, subject),
    array(uint(random.pick([0, 1, 1, 24, 2n ** 53n, 2n ** 64n - 1n])), attributes(random, rate)),
    ...times(random, rate).map((time) => uint(time)),
  )
  const signed = envelope(random, rate, 3, data)
  const signer = wrong(random, rate) ? random.pick([someKey(random, key.type), issuer.latestKey]) : key
  const credential = signedPair(signed, signature(random, rate, signer, signed))
  return outside(random, rate, array(credential, parse(attested) ?? { kind: 'raw', bytes: attested }))
}

/** The latest, or the first. */
const changeHash = (random: SeededRandom, { identifier, latestHash }: FuzzIdentity): Item =>
  bytes(random.chance(3) ? identifier : latestHash)

/** Mostly as a Rust node writes them; sometimes in another order, or with a name twice. */
function attributes(random: SeededRandom, rate: Rate): Item {
  const entries = new Map(Array.from({ length: random.below(5) }, () => [random.pick(NAMES), random.bytes(random.below(9))] as const))
  const names = random.chance(3) ? [...entries.keys()].reverse() : [...entries.keys()]
  const pairs = names.map((name): [Item, Item] => [bytes(Buffer.from(name)), bytes(entries.get(name) ?? new Uint8Array(0))])
  const first = pairs[0]
  if (first !== undefined && random.chance(8)) pairs.push([first[0], bytes(Buffer.from('last'))])
  const item = map(...pairs.flat())
  if (!wrong(random, rate)) return item
  const text = { kind: 'text', bytes: Buffer.from('role') } as const
  return random.pick<Item>([
    array(...pairs.flat()),
    map(text, bytes(Buffer.from('sensor'))),
    map(bytes(Buffer.from('role')), text),
    nothing(),
  ])
}

/** Within those of the attestation, whose first day is today at the latest and whose last the day after tomorrow at the earliest. */
function times(random: SeededRandom, rate: Rate): readonly [number | bigint, number | bigint] {
  if (!wrong(random, rate)) return [TODAY, TODAY + 2 * DAY_SECONDS]
  return random.pick<readonly [number | bigint, number | bigint]>([
    [TODAY - 5 * DAY_SECONDS, TODAY + 2 * DAY_SECONDS],
    [TODAY, TODAY - DAY_SECONDS],
    [TODAY + 2 * DAY_SECONDS, TODAY + 2 * DAY_SECONDS],
    [TODAY, TODAY + 400 * DAY_SECONDS],
    [TODAY, 2n ** 64n - 1n],
    [2 ** 53, 2 ** 53 + 1],
    [0, 0],
  ])
}

/** What a round gives to both sides: any issuer, mostly for the subject that is asked about. */
export function someCredential(random: SeededRandom, rate: Rate, subjects: readonly FuzzIdentity[]): Uint8Array {
  const [first] = subjects
  if (first === undefined) return encode(array())
  const issuer = random.pick(random.chance(8) ? subjects : subjects.slice(0, AUTHORITIES))
  return signedCredential(random, rate, { issuer, subject: random.chance(20) ? random.pick(subjects) : first })
}

/** So many of the subjects, the first ones, are believed as authorities; the first one is who credentials have to be about. */
export const AUTHORITIES = 4
