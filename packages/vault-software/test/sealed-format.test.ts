/** The bytes at rest: pinned, so that a release cannot change them unnoticed, and hostile ones refused with typed errors only. */

import { memoryStore, OckamError } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeHeader, encodeHeader } from '../src/header.ts'
import { openRecord } from '../src/sealed-record.ts'
import { assembleVault } from '../src/vault-assembly.ts'
import { backends } from './back-end.ts'

const HEADER =
  '4f434b560102020202020202020202020202020202020000000003030303030303030303030303030303040404040404040404040404fa97f6ddb7dd6e43fbed2a1a3d640405cbc90cc47a6a0b5f087f3748422b883c0750717a82dbbb11c572d37b7e860712'
const NAME = 'vault/static/1a92f23852dc908d97316a3b13578281196c1dd73d9ae5e313f3fb6b8954bf55'
const RECORD =
  '01020606060606060606060606069bba7b705888e30ca26cf2b41f2da1b58991c6c3e7e98facc2d14d164459ea7645ae671c0457b70b0513fc00b1d216be'
const PUBLIC_KEY = 'a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209'

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const wrappingKey = new Uint8Array(32).fill(9)

describe.each(backends)('the format at rest on %s', (_name, createBackend) => {
  test('is the one of the first release, byte for byte', async () => {
    let calls = 0
    const random = { bytes: (length: number) => new Uint8Array(length).fill(++calls) }
    const store = memoryStore()
    await assembleVault(createBackend(), { store, protection: { wrappingKey }, random }).channel.generateStaticKey()
    expect(Buffer.from((await store.get('vault/header'))!).toString('hex')).toBe(HEADER)
    expect(Buffer.from((await store.get(NAME))!).toString('hex')).toBe(RECORD)
  })

  test('opens what the first release wrote', async () => {
    const store = memoryStore()
    await store.set('vault/header', hex(HEADER))
    await store.set(NAME, hex(RECORD))
    const vault = assembleVault(createBackend(), { store, protection: { wrappingKey } })
    expect((await vault.channel.findStaticKey(hex(PUBLIC_KEY)))?.publicKey).toEqual(hex(PUBLIC_KEY))
  })
})

describe('hostile bytes at rest', () => {
  const mutated = (genuine: Uint8Array) =>
    fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.tuple(fc.nat(genuine.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
        const bytes = genuine.slice()
        for (const [at, value] of changes) bytes[at] = value
        return bytes
      }),
    )

  test('as a header are refused with vault/unlock-failed, or mean exactly themselves', () => {
    fc.assert(
      fc.property(mutated(hex(HEADER)), (bytes) => {
        try {
          expect(encodeHeader(decodeHeader(bytes))).toEqual(bytes)
        } catch (error) {
          if (!OckamError.is(error, 'vault/unlock-failed')) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('as a record open only when they are the genuine one', () => {
    // What the predictable source of the first test made: store id, data key and secret.
    const place = { storeId: new Uint8Array(16).fill(2), table: 'static', handle: NAME.slice('vault/static/'.length) } as const
    const cipher = backends[0][1]().cipher('aes-256-gcm', new Uint8Array(32).fill(5))
    expect(openRecord(cipher, place, hex(RECORD))).toEqual({ type: 'x25519', secret: new Uint8Array(32).fill(1) })
    for (const elsewhere of [{ storeId: new Uint8Array(16) }, { table: 'signing' as const }, { handle: '0'.repeat(64) }]) {
      expect(openRecord(cipher, { ...place, ...elsewhere }, hex(RECORD))).toBeUndefined()
    }
    fc.assert(
      fc.property(mutated(hex(RECORD)), (bytes) => {
        expect(openRecord(cipher, place, bytes) !== undefined).toBe(Buffer.from(bytes).toString('hex') === RECORD)
      }),
      { numRuns: 500 },
    )
  })
})
