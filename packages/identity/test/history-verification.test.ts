/** Every rule a change history must keep, each broken alone in a history that is otherwise right and signed. */

import type { SigningKey } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { compareHistories, decodeChangeHistory, type IdentityErrorCode, MAX_HISTORY_BYTES } from '../src/index.ts'
import { type ForgedChange, forgeHistory, versioned } from './forgery.ts'
import { toHex } from './hex.ts'
import { DAY, nodeParts, START, YEAR } from './node-parts.ts'

const vault = softwareVault()
const key = (type: 'ed25519' | 'p256' = 'ed25519'): Promise<SigningKey> => vault.signing.generateSigningKey(type)

async function refused(bytes: Uint8Array | string, code: IdentityErrorCode, expected?: string): Promise<void> {
  const { identities, store } = nodeParts()
  await expect(identities.import(bytes, expected)).rejects.toMatchObject({ name: 'OckamError', code })
  for await (const entry of store.scan('')) expect.fail(`a refused history was stored as ${entry.key}`)
}

async function accepted(changes: readonly ForgedChange[]): Promise<void> {
  const history = await forgeHistory(vault, changes)
  expect(await nodeParts().identities.import(history.bytes)).toEqual(history.identifier)
}

describe('a history is accepted', () => {
  test('with one change, or with several, of either type of key', async () => {
    await accepted([{}])
    await accepted([{ key: await key('p256') }])
    await accepted([{}, { key: await key('p256') }, {}, { key: await key('p256'), revokes: true }])
  })

  test('when validities overlap, touch or leave a gap, as Rust nodes accept them', async () => {
    await accepted([{}, { validFrom: START + DAY }])
    await accepted([{ validUntil: START + DAY }, { validFrom: START + DAY }])
    await accepted([{ validFrom: START - YEAR, validUntil: START - 2 * DAY }, { validFrom: START - DAY }])
  })

  test('when elements unknown today stand behind the known ones', async () => {
    const { keys } = await forgeHistory(vault, [{}])
    const [owner] = keys as [SigningKey]
    const data = new CborWriter()
      .array(6)
      .null()
      .enumeration(0, 1)
      .bytes(owner.verifyingKey.bytes)
      .bool(false)
      .uint(START)
      .uint(START + YEAR)
      .text('new')
    const signed = versioned(1, 1, data.finish())
    const signature = await vault.signing.sign(owner, vault.primitives.sha256(signed))
    const bytes = new CborWriter().array(1).array(4).bytes(signed).enumeration(0, 1).bytes(signature.bytes).null().uint(7).finish()
    expect((await nodeParts().identities.import(bytes)).toBytes()).toEqual(vault.primitives.sha256(signed))
  })
})

describe('a history is refused', () => {
  const broken: readonly [string, IdentityErrorCode, () => readonly ForgedChange[] | Promise<readonly ForgedChange[]>][] = [
    ['with no change', 'identity/invalid-history', () => []],
    ['whose first change follows another', 'identity/invalid-history', () => [{ previousChange: new Uint8Array(32) }]],
    ['whose first change is signed by a key before it', 'identity/invalid-history', async () => [{ previousSignedBy: await key() }]],
    ['whose second change names no change before it', 'identity/invalid-history', () => [{}, { previousChange: 'null' }]],
    [
      'whose second change follows a change that is not there',
      'identity/invalid-history',
      () => [{}, { previousChange: new Uint8Array(32) }],
    ],
    ['whose change begins before the one it replaces', 'identity/invalid-history', () => [{}, { validFrom: START - 1 }]],
    ['whose change ends before it begins', 'identity/invalid-history', () => [{ validUntil: START - 1 }]],
    ['whose end is beyond 2^53 seconds', 'identity/invalid-history', () => [{ validUntil: 2n ** 53n }]],
    ['of version 0', 'identity/invalid-history', () => [{ version: 0 }]],
    ['of version 2', 'identity/invalid-history', () => [{ version: 2 }]],
    ['whose second change is of version 0', 'identity/invalid-history', () => [{}, { version: 0 }]],
    ['whose change was signed as an attestation', 'identity/invalid-history', () => [{ dataType: 2 }]],
    ['whose change was signed as a credential', 'identity/invalid-history', () => [{ dataType: 3 }]],
    ['whose second change is not signed by the key before', 'identity/invalid-history', () => [{}, { previousSignedBy: 'nobody' }]],
    ['whose first change is signed by a stranger', 'identity/invalid-signature', async () => [{ signedBy: await key() }]],
    [
      'whose second change is signed by a stranger for the key before',
      'identity/invalid-signature',
      async () => [{}, { previousSignedBy: await key() }],
    ],
    ['whose second change is not signed by its own key', 'identity/invalid-signature', async () => [{}, { signedBy: await key() }]],
    ['whose signature claims to be of another type', 'identity/invalid-signature', () => [{ signatureType: 1 }]],
    ['whose signature is of an unknown type', 'identity/invalid-history', () => [{ signatureType: 2 }]],
    [
      'whose P-256 key is signed for with Ed25519',
      'identity/invalid-signature',
      async () => [{ key: await key('p256'), signedBy: await key() }],
    ],
  ]

  test.each(broken)('%s', async (_, code, changes) => {
    await refused((await forgeHistory(vault, await changes())).bytes, code)
  })

  test('whose third change skips the second key', async () => {
    const first = await key()
    await refused((await forgeHistory(vault, [{ key: first }, {}, { previousSignedBy: first }])).bytes, 'identity/invalid-signature')
  })

  test('of another identifier than expected', async () => {
    const [one, other] = [await forgeHistory(vault, [{}]), await forgeHistory(vault, [{}])]
    await refused(one.bytes, 'identity/unexpected-identifier', other.identifier.toString())
  })

  test('with bytes behind it, cut short, or not CBOR at all', async () => {
    const { bytes } = await forgeHistory(vault, [{}])
    await refused(Uint8Array.of(...bytes, 0), 'identity/invalid-history')
    await refused(bytes.subarray(0, -1), 'identity/invalid-history')
    await refused(new Uint8Array(), 'identity/invalid-history')
    await refused(new Uint8Array(128).fill(0xff), 'identity/invalid-history')
    await refused('an identity', 'identity/invalid-history')
    await refused(7 as unknown as Uint8Array, 'identity/invalid-argument')
  })

  test('as text with an odd digit, no digit, or more digits than a history can have', async () => {
    const text = toHex((await forgeHistory(vault, [{}])).bytes)
    expect(await nodeParts().identities.import(` ${text.toUpperCase()}\n`)).toBeDefined()
    for (const wrong of [text.slice(1), `${text}0g`, '', '00'.repeat(1_000_000)]) await refused(wrong, 'identity/invalid-history')
  })

  test('over 65471 bytes before anything in it is read, and accepted with exactly that many', async () => {
    expect(MAX_HISTORY_BYTES).toBe(65_471)
    await refused(new Uint8Array(MAX_HISTORY_BYTES + 1), 'identity/invalid-history')
    const [only] = decodeChangeHistory((await forgeHistory(vault, [{}])).bytes, vault.primitives).changes
    const padded = (filler: number): Uint8Array<ArrayBuffer> => {
      const writer = new CborWriter().array(1).array(4).bytes(only.signed).enumeration(0, 1).bytes(only.signature.bytes).null()
      return writer.bytes(new Uint8Array(filler)).finish()
    }
    const overhead = padded(65_000).length - 65_000
    expect(await nodeParts().identities.import(padded(MAX_HISTORY_BYTES - overhead))).toBeDefined()
  })

  test('a P-256 key that is not a point is refused as an invalid signature', async () => {
    const owner = await key('p256')
    const bad = { ...owner, verifyingKey: { type: 'p256' as const, bytes: new Uint8Array(65).fill(4) } }
    await refused((await forgeHistory(vault, [{ key: bad, signedBy: owner }])).bytes, 'identity/invalid-signature')
  })
})

describe('what a node may choose', () => {
  const now = { validFrom: START - YEAR, validUntil: START - 1 }

  test('a history whose latest key has ended is reported, or refused where chosen so', async () => {
    const { bytes, identifier } = await forgeHistory(vault, [now])
    const lenient = nodeParts()
    await lenient.identities.import(bytes)
    expect(lenient.events).toEqual([
      {
        name: 'identity/not-valid-now',
        details: { identifier: identifier.toString(), validFrom: now.validFrom, validUntil: now.validUntil },
      },
    ])
    const strict = nodeParts({ expiredIdentity: 'refuse' })
    await expect(strict.identities.import(bytes)).rejects.toMatchObject({ code: 'identity/expired' })
    await expect(strict.identities.updatePeer(bytes, identifier)).rejects.toMatchObject({ code: 'identity/expired' })
  })

  test('validity counts to the second, with a minute for the other clock at its beginning', async () => {
    const strict = nodeParts({ expiredIdentity: 'refuse' })
    const { bytes } = await forgeHistory(vault, [{ validFrom: START, validUntil: START + DAY }])
    for (const [at, isValid] of [
      [START - 61, false],
      [START - 60, true],
      [START + DAY, true],
      [START + DAY + 1, false],
    ] as const) {
      strict.clock.seconds = at
      const attempt = strict.identities.import(bytes)
      if (isValid) await attempt
      else await expect(attempt).rejects.toMatchObject({ code: 'identity/expired' })
    }
  })

  test('nobody who cannot sign for an identity makes a node report it', async () => {
    const { bytes } = await forgeHistory(vault, [{ ...now, signedBy: await key() }])
    const parts = nodeParts()
    await expect(parts.identities.import(bytes)).rejects.toMatchObject({ code: 'identity/invalid-signature' })
    expect(parts.events).toEqual([])
  })

  test('a key replaced after it had ended is accepted, or refused where chosen so, also when the signatures were seen before', async () => {
    const { bytes } = await forgeHistory(vault, [{ validFrom: START - YEAR, validUntil: START - DAY }, {}])
    await nodeParts().identities.import(bytes)
    const strict = nodeParts({ allowExpiredPreviousKey: false })
    for (let i = 0; i < 2; i++) await expect(strict.identities.import(bytes)).rejects.toMatchObject({ code: 'identity/invalid-history' })
  })
})

describe('histories are compared', () => {
  test('as equal, newer, older, or in conflict', async () => {
    const root = await key()
    const next = await key()
    const decoded = async (...changes: ForgedChange[]) => decodeChangeHistory((await forgeHistory(vault, changes)).bytes, vault.primitives)
    const one = await decoded({ key: root })
    const two = await decoded({ key: root }, { key: next })
    const fork = await decoded({ key: root }, { key: await key() })
    const relation = (a: typeof one, b: typeof one) => compareHistories(a, b, vault.primitives)
    expect(relation(two, await decoded({ key: root }, { key: next }))).toBe('equal')
    expect(relation(two, one)).toBe('newer')
    expect(relation(one, two)).toBe('older')
    expect(relation(two, fork)).toBe('conflict')
    expect(relation(one, await decoded({}))).toBe('conflict')
  })
})
