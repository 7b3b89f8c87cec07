/**
 * Promises of `AeadKey`. Known answers: McGrew and Viega's GCM test cases 13 and 14; the others were computed alike by OpenSSL 3.0 and
 * noble-ciphers 2.4 for the key 00 01 … 1f, the associated data "associated" and the plaintext "a known plaintext".
 */

import type { AeadAlgorithm, AeadKey } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { assert, assertBytes, assertFails } from './assertion.ts'
import { fromHex } from './hexadecimal.ts'
import { checkWith, slotOf, type VaultConformanceOptions } from './vault-under-test.ts'

interface KnownAnswers {
  /** By nonce. */
  readonly sealed: readonly (readonly [number, string])[]
  readonly rekeyed: string
}

const ALL_ALGORITHMS: readonly AeadAlgorithm[] = ['aes-256-gcm', 'chacha20-poly1305']
const TAG = 16
const KEY = Uint8Array.from({ length: 32 }, (_, at) => at)
const AAD = new TextEncoder().encode('associated')
const PLAINTEXT = new TextEncoder().encode('a known plaintext')
const KNOWN: Record<AeadAlgorithm, KnownAnswers> = {
  'aes-256-gcm': {
    sealed: [
      [2 ** 32 + 5, '7f155beff286311cf28d35795c3ce28d6008027b7067826705c994cfb103013aaa'],
      [Number.MAX_SAFE_INTEGER, '80362e09ebed900640c89b615dea2f5c69431784658f335850bf4372a688874118'],
    ],
    rekeyed: '0201675c87335949b909793da5bb4d92fcf6d44b92a6e0792b6ae48b1881259d',
  },
  'chacha20-poly1305': {
    sealed: [
      [2 ** 32 + 5, '6b408163f50516bea5c1b6b85fd42277f9b160b1affc6c6837802dc869d975b7b7'],
      [Number.MAX_SAFE_INTEGER, '69f0e6667ed6fd4396cdfd05dbc76d1f927ceec739c33fa2c78055c6b9d1ffcdf6'],
    ],
    rekeyed: '50835543a205b22c9323f2022bc4f67d838f90e61d5ccf33c4513e01f85b5042',
  },
}

type MakeKey = (key: Uint8Array) => AeadKey

export function aeadChecks(options: VaultConformanceOptions): readonly ConformanceCheck[] {
  const algorithms = options.aeadAlgorithms ?? ALL_ALGORITHMS
  const unsupported = [...ALL_ALGORITHMS.filter((algorithm) => !algorithms.includes(algorithm)), 'rot13' as AeadAlgorithm]
  return [
    ...algorithms.flatMap((algorithm) => {
      const check = (name: string, run: (make: MakeKey) => void | Promise<void>): ConformanceCheck =>
        checkWith(options, `${algorithm}: ${name}`, (vault) => run((key) => slotOf(vault, 'primitives').aeadKey(key, algorithm)))
      return [
        check('sealing gives the known answers', (make) => sealsKnownAnswers(make, KNOWN[algorithm])),
        check('all lengths around block boundaries open to what was sealed', opensWhatWasSealed),
        check('sealing and opening work at any offset and touch nothing outside their range', staysInRange),
        check('sealing and opening work in place', worksInPlace),
        check('a flipped bit anywhere, another nonce, key or associated data does not open', refusesForgeries),
        check('what does not open leaves zeros in its range and only there', zeroesRefusedRanges),
        check('fewer than 16 bytes do not open', refusesShortInput),
        check('absent and empty associated data are the same', treatsEmptyAadAsNone),
        check('ranges outside the arrays and impossible nonces fail with vault/invalid-argument', refusesBadArguments),
        check('rekey gives the key of Noise section 4.2 and leaves the receiver usable', (make) => rekeys(make, KNOWN[algorithm])),
        check('a destroyed key fails with vault/unknown-key', refusesAfterDestroy),
        check('the key is copied: wiping the array it came in changes nothing', copiesKey),
      ]
    }),
    ...(algorithms.includes('aes-256-gcm')
      ? [
          checkWith(options, 'aes-256-gcm is the default algorithm and gives GCM test cases 13 and 14', (vault) =>
            sealsGcmTestCases((key) => slotOf(vault, 'primitives').aeadKey(key)),
          ),
        ]
      : []),
    checkWith(options, 'AEAD keys that are not 32 bytes and unknown algorithms are refused', async (vault) => {
      const primitives = slotOf(vault, 'primitives')
      for (const length of [0, 16, 31, 33]) {
        await assertFails(() => primitives.aeadKey(new Uint8Array(length)), 'vault/invalid-argument', `an AEAD key of ${length} bytes`)
      }
      for (const algorithm of unsupported)
        await assertFails(() => primitives.aeadKey(KEY, algorithm), 'vault/unsupported', `the algorithm ${algorithm}`)
    }),
  ]
}

function seal(key: AeadKey, plaintext: Uint8Array, nonce: number, aad?: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(plaintext.length + TAG)
  key.sealInto(out, 0, plaintext, 0, plaintext.length, nonce, aad)
  return out
}

function open(key: AeadKey, sealed: Uint8Array, nonce: number, aad?: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const out = new Uint8Array(Math.max(0, sealed.length - TAG))
  return key.openInto(out, 0, sealed, 0, sealed.length, nonce, aad) ? out : undefined
}

function patterned(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => (at * 7 + 1) % 256)
}

function sealsKnownAnswers(make: MakeKey, { sealed }: KnownAnswers): void {
  for (const [nonce, expected] of sealed)
    assertBytes(seal(make(KEY), PLAINTEXT, nonce, AAD), fromHex(expected), `sealing with nonce ${nonce}`)
}

function sealsGcmTestCases(make: MakeKey): void {
  const key = make(new Uint8Array(32))
  assertBytes(seal(key, new Uint8Array(), 0), fromHex('530f8afbc74536b9a963b4f1c4cb738b'), 'GCM test case 13')
  assertBytes(
    seal(key, new Uint8Array(16), 0),
    fromHex('cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'),
    'GCM test case 14',
  )
}

function opensWhatWasSealed(make: MakeKey): void {
  const [sender, receiver] = [make(KEY), make(KEY)]
  for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 1024, 65_519]) {
    const plaintext = patterned(length)
    const opened = open(receiver, seal(sender, plaintext, length, AAD), length, AAD)
    assert(opened !== undefined, `${length} bytes open`)
    assertBytes(opened, plaintext, `${length} bytes open to what was sealed`)
  }
}

function staysInRange(make: MakeKey): void {
  const key = make(KEY)
  const plaintext = patterned(100)
  const expected = seal(key, plaintext.subarray(3, 53), 9, AAD)
  const out = new Uint8Array(200).fill(0xee)
  key.sealInto(out, 5, plaintext, 3, 50, 9, AAD)
  assertBytes(out.subarray(5, 71), expected, 'sealing at an offset')
  assert(isFilled(out.subarray(0, 5), 0xee) && isFilled(out.subarray(71), 0xee), 'sealing writes nothing outside its range')
  assertBytes(plaintext, patterned(100), 'sealing leaves its input as it was')
  const opened = new Uint8Array(200).fill(0xdd)
  const received = out.slice()
  assert(key.openInto(opened, 7, received, 5, 66, 9, AAD), 'opening at an offset')
  assertBytes(opened.subarray(7, 57), plaintext.subarray(3, 53), 'opening at an offset')
  assert(isFilled(opened.subarray(0, 7), 0xdd) && isFilled(opened.subarray(57), 0xdd), 'opening writes nothing outside its range')
  assertBytes(received, out, 'opening leaves its input as it was')
}

function worksInPlace(make: MakeKey): void {
  const key = make(KEY)
  for (const length of [0, 1, 16, 100, 4096]) {
    const slab = new Uint8Array(length + 40).fill(0xee)
    slab.set(patterned(length), 8)
    key.sealInto(slab, 8, slab, 8, length, 3)
    assertBytes(slab.subarray(8, 24 + length), seal(key, patterned(length), 3), 'sealing in place')
    assert(key.openInto(slab, 8, slab, 8, length + TAG, 3), 'what was sealed in place opens in place')
    assertBytes(slab.subarray(8, 8 + length), patterned(length), 'opening in place')
  }
}

function refusesForgeries(make: MakeKey): void {
  const key = make(KEY)
  const sealed = seal(key, PLAINTEXT, 1, AAD)
  assert(open(key, sealed, 1, AAD) !== undefined, 'the genuine message opens')
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const forged = sealed.slice()
    forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert(open(key, forged, 1, AAD) === undefined, `a message with bit ${bit} flipped does not open`)
  }
  assert(open(key, sealed.subarray(0, -1), 1, AAD) === undefined, 'a truncated message does not open')
  for (const nonce of [0, 2, 2 ** 32 + 1]) assert(open(key, sealed, nonce, AAD) === undefined, `nonce ${nonce} does not open nonce 1`)
  for (const aad of [undefined, AAD.subarray(1), Uint8Array.of(...AAD, 0)]) {
    assert(open(key, sealed, 1, aad) === undefined, 'other associated data does not open')
  }
  assert(open(make(KEY.map((byte) => byte ^ 1)), sealed, 1, AAD) === undefined, 'another key does not open')
}

function zeroesRefusedRanges(make: MakeKey): void {
  const key = make(KEY)
  const forged = seal(key, patterned(50), 1)
  forged[0] = (forged[0] ?? 0) ^ 1
  const out = new Uint8Array(80).fill(0xee)
  assert(!key.openInto(out, 10, forged, 0, forged.length, 1), 'a forgery does not open')
  assert(isFilled(out.subarray(10, 60), 0), 'the range of a refused message is zero')
  assert(isFilled(out.subarray(0, 10), 0xee) && isFilled(out.subarray(60), 0xee), 'nothing outside the range of a refused message changes')
  assert(!key.openInto(forged, 0, forged, 0, forged.length, 1), 'a forgery does not open in place')
  assert(isFilled(forged.subarray(0, 50), 0), 'the range of a message refused in place is zero')
}

function refusesShortInput(make: MakeKey): void {
  const key = make(KEY)
  const out = new Uint8Array(4).fill(0xee)
  for (let length = 0; length < TAG; length++)
    assert(!key.openInto(out, 0, new Uint8Array(TAG), 0, length, 0), `${length} bytes do not open`)
  assert(isFilled(out, 0xee), 'opening fewer than 16 bytes writes nothing')
}

function treatsEmptyAadAsNone(make: MakeKey): void {
  const key = make(KEY)
  assertBytes(seal(key, PLAINTEXT, 4), seal(key, PLAINTEXT, 4, new Uint8Array()), 'no associated data is empty associated data')
}

async function refusesBadArguments(make: MakeKey): Promise<void> {
  const key = make(KEY)
  const bytes = new Uint8Array(64)
  const ranges: readonly (readonly [number, number, number, string])[] = [
    [0, 0, 49, 'no room for the tag'],
    [49, 0, 0, 'an output range past the end'],
    [-1, 0, 1, 'a negative output offset'],
    [0, 60, 5, 'an input range past the end'],
    [0, -1, 1, 'a negative input offset'],
    [0, 0, -1, 'a negative length'],
    [0, 0.5, 1, 'a fractional offset'],
    [Number.NaN, 0, 1, 'an offset that is no number'],
  ]
  for (const [outAt, inAt, length, what] of ranges) {
    await assertFails(() => key.sealInto(bytes, outAt, bytes.slice(), inAt, length, 0), 'vault/invalid-argument', `sealing with ${what}`)
  }
  await assertFails(() => key.openInto(new Uint8Array(10), 0, bytes, 0, 64, 0), 'vault/invalid-argument', 'opening into too little room')
  await assertFails(() => key.openInto(bytes.slice(), 0, bytes, 1, 64, 0), 'vault/invalid-argument', 'opening past the end of the input')
  for (const nonce of [-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
    await assertFails(() => key.sealInto(bytes, 0, bytes.slice(), 0, 1, nonce), 'vault/invalid-argument', `sealing with nonce ${nonce}`)
    await assertFails(() => key.openInto(bytes, 0, bytes.slice(), 0, 17, nonce), 'vault/invalid-argument', `opening with nonce ${nonce}`)
  }
}

function rekeys(make: MakeKey, { rekeyed }: KnownAnswers): void {
  const key = make(KEY)
  const before = seal(key, PLAINTEXT, 8)
  const next = key.rekey()
  assertBytes(seal(next, PLAINTEXT, 8), seal(make(fromHex(rekeyed)), PLAINTEXT, 8), 'the key after rekey')
  assertBytes(seal(key, PLAINTEXT, 8), before, 'the receiver of rekey seals as before')
  next.destroy()
  assertBytes(seal(key, PLAINTEXT, 8), before, 'the receiver of rekey outlives the new key')
}

async function refusesAfterDestroy(make: MakeKey): Promise<void> {
  const key = make(KEY)
  const sealed = seal(key, PLAINTEXT, 0)
  key.destroy()
  await assertFails(() => seal(key, PLAINTEXT, 0), 'vault/unknown-key', 'sealing with a destroyed key')
  await assertFails(() => open(key, sealed, 0), 'vault/unknown-key', 'opening with a destroyed key')
  await assertFails(() => key.rekey(), 'vault/unknown-key', 'rekey of a destroyed key')
  key.destroy()
}

function copiesKey(make: MakeKey): void {
  const bytes = KEY.slice()
  const key = make(bytes)
  bytes.fill(0)
  assertBytes(seal(key, PLAINTEXT, 1), seal(make(KEY), PLAINTEXT, 1), 'sealing after the array of the key was wiped')
}

function isFilled(bytes: Uint8Array, value: number): boolean {
  return bytes.every((byte) => byte === value)
}
