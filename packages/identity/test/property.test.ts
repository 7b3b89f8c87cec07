/** Promises about all histories and attestations: honest ones pass, and nothing else does, whatever was changed, cut or made up. */

import { OckamError } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import { softwareVault } from '@ockam/vault-software'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareHistories, decodeAttestation, decodeChangeHistory } from '../src/index.ts'
import { CHANNEL_KEY, forgeAttestation, forgeHistory, versioned } from './forgery.ts'
import { DAY, nodeParts, START, TestClock } from './node-parts.ts'

const vault = softwareVault()
const { primitives } = vault
const RUNS = { numRuns: 40 }

const keyType = fc.constantFrom('ed25519' as const, 'p256' as const)
const rotation = fc.record({
  keyType,
  waitDays: fc.integer({ min: -30, max: 400 }),
  validForMs: fc.integer({ min: 1000, max: 4000 * DAY * 1000 }),
  revokePurposeKeys: fc.boolean(),
})

describe('an honest life', () => {
  test('of any length round-trips: peers who see all of it, or only some of it, agree', async () => {
    await fc.assert(
      fc.asyncProperty(keyType, fc.array(rotation, { maxLength: 4 }), async (first, rotations) => {
        const clock = new TestClock(START)
        const [owner, faithful, late] = [nodeParts({ clock }), nodeParts({ clock }), nodeParts({ clock })]
        const { identifier } = await owner.identities.create({ keyType: first })
        await faithful.identities.import(await owner.identities.export(identifier), identifier)
        for (const { waitDays, ...options } of rotations) {
          clock.seconds += waitDays * DAY
          const before = decodeChangeHistory(await owner.identities.export(identifier), primitives)
          const { changeHistory } = await owner.identities.rotate(identifier, options)
          expect(compareHistories(decodeChangeHistory(changeHistory, primitives), before, primitives)).toBe('newer')
          expect(compareHistories(before, decodeChangeHistory(changeHistory, primitives), primitives)).toBe('older')
          await faithful.identities.updatePeer(changeHistory, identifier)
        }
        const text = await owner.identities.exportHex(identifier)
        expect(await late.identities.import(text, identifier)).toEqual(identifier)
        expect(await faithful.identities.exportHex(identifier)).toBe(text)
        expect(await late.identities.exportHex(identifier)).toBe(text)
        expect(decodeChangeHistory(await late.identities.export(identifier), primitives).changes).toHaveLength(rotations.length + 1)
      }),
      RUNS,
    )
  })
})

describe('a changed history', () => {
  test('is refused with an error of Ockam, whichever byte was changed to whatever', async () => {
    const { bytes, identifier } = await forgeHistory(vault, [
      {},
      { key: await vault.signing.generateSigningKey('p256') },
      { revokes: true },
    ])
    await expectNoMutantPasses(bytes, (mutant) => nodeParts().identities.import(mutant, identifier))
  })

  test('is never taken for the identity it was made from, when no identifier is expected', async () => {
    const { bytes, identifier } = await forgeHistory(vault, [{}, {}])
    await fc.assert(
      fc.asyncProperty(mutation(bytes), async (mutant) => {
        const found = await nodeParts().identities.import(mutant).catch(requireOckamError)
        expect(found).not.toEqual(identifier)
      }),
      { numRuns: 300 },
    )
  })
})

test('a changed attestation is refused with an error of Ockam, whichever byte was changed to whatever', async () => {
  const history = await forgeHistory(vault, [{}])
  const attestation = await forgeAttestation(vault, history)
  await expectNoMutantPasses(attestation, (mutant) =>
    nodeParts().identities.verifyPeer({ changeHistory: history.bytes, attestation: mutant, noiseStaticKey: CHANNEL_KEY }),
  )
})

test('no bytes make the decoders throw anything but an error of Ockam', () => {
  const start = fc.constantFrom('81825837830101', '9f8258', '8258798301025874', '81', '')
  const bytes = fc
    .tuple(start, fc.uint8Array({ maxLength: 300 }))
    .map(([head, tail]) => Uint8Array.of(...Buffer.from(head, 'hex'), ...tail))
  fc.assert(
    fc.property(bytes, (input) => {
      for (const decode of [() => decodeChangeHistory(input, primitives), () => decodeAttestation(input)]) {
        try {
          decode()
        } catch (error) {
          requireOckamError(error)
        }
      }
    }),
    { numRuns: 1000 },
  )
})

test('a signature over one type of data never passes for another, whatever the data (security rule 15)', async () => {
  const types = fc.constantFrom(0, 2, 3, 4, 255)
  await fc.assert(
    fc.asyncProperty(types, fc.boolean(), async (dataType, isRelabelled) => {
      // Signed as `dataType`; then presented as it is, or with the label of a change in place of its own.
      const { bytes } = await forgeHistory(vault, [{ dataType }])
      const presented = isRelabelled ? relabelled(bytes) : bytes
      const code = isRelabelled ? 'identity/invalid-signature' : 'identity/invalid-history'
      await expect(nodeParts().identities.import(presented)).rejects.toMatchObject({ code })
    }),
    RUNS,
  )
})

test('the signature of a change does not pass as that of an attestation, nor the other way round', async () => {
  const history = await forgeHistory(vault, [{}])
  for (const dataType of [1, 3]) {
    const attestation = await forgeAttestation(vault, history, { dataType })
    const reader = new CborReader(attestation)
    reader.beginArray(2)
    const signed = reader.bytes()
    const signature = reader.rawItem()
    const inner = new CborReader(signed)
    inner.beginArray(3)
    inner.skip()
    inner.skip()
    const forged = new CborWriter()
      .array(2)
      .bytes(versioned(1, 2, inner.bytes()))
      .raw(signature)
      .finish()
    const presented = { changeHistory: history.bytes, noiseStaticKey: CHANNEL_KEY }
    await expect(nodeParts().identities.verifyPeer({ ...presented, attestation })).rejects.toMatchObject({
      code: 'identity/invalid-attestation',
    })
    await expect(nodeParts().identities.verifyPeer({ ...presented, attestation: forged })).rejects.toMatchObject({
      code: 'identity/invalid-signature',
    })
  }
})

/** The one change of a history with its data labelled as a change, and its signature left as it is. */
function relabelled(history: Uint8Array): Uint8Array {
  const reader = new CborReader(history)
  reader.beginArray(1)
  reader.beginArray(2)
  const inner = new CborReader(reader.bytes())
  inner.beginArray(3)
  inner.skip()
  inner.skip()
  const data = inner.bytes()
  return new CborWriter()
    .array(1)
    .array(2)
    .bytes(versioned(1, 1, data))
    .raw(reader.rawItem())
    .finish()
}

/** One byte changed, some cut out, or some put in. */
function mutation(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(bytes.length - 1)
  return fc.oneof(
    fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(([i, bits]) => bytes.map((byte, j) => (i === j ? byte ^ bits : byte))),
    fc.tuple(at, fc.integer({ min: 1, max: 40 })).map(([i, count]) => Uint8Array.of(...bytes.subarray(0, i), ...bytes.subarray(i + count))),
    fc
      .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 8 }))
      .map(([i, more]) => Uint8Array.of(...bytes.subarray(0, i), ...more, ...bytes.subarray(i))),
  )
}

/** Flips the lowest and the highest bit of every byte, then tries random mutations. */
async function expectNoMutantPasses(bytes: Uint8Array, attempt: (mutant: Uint8Array) => Promise<unknown>): Promise<void> {
  const passes = (mutant: Uint8Array) =>
    attempt(mutant).then(
      () => true,
      (error: unknown) => requireOckamError(error) === undefined,
    )
  expect(await passes(bytes)).toBe(true)
  for (let i = 0; i < bytes.length; i++) {
    for (const bit of [1, 128]) {
      const mutant = bytes.map((byte, j) => (i === j ? byte ^ bit : byte))
      if (await passes(mutant)) expect.fail(`byte ${i} with bit ${bit} flipped passes`)
    }
  }
  await fc.assert(
    fc.asyncProperty(mutation(bytes), async (mutant) => {
      expect(await passes(mutant)).toBe(false)
    }),
    { numRuns: 200 },
  )
}

/** Passes the error on when it is one of Ockam's, with a code of this package. */
function requireOckamError(error: unknown): unknown {
  if (!OckamError.is(error) || !error.code.startsWith('identity/')) throw error
  return error
}
