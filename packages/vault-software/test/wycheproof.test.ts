/**
 * Project Wycheproof (C2SP, Apache-2.0) on both back ends, read from the folder that OCKAM_EXTERNAL_VECTORS names. Deviations from the files'
 * verdicts are named one by one below; anything else fails.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { BatchNonceCipher } from '../src/backend.ts'
import { backends } from './back-end.ts'

type Fields = Readonly<Record<string, string>>

interface VectorCase extends Fields {
  readonly tcId: string
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

interface VectorGroup {
  readonly keySize: number
  readonly ivSize: number
  readonly tagSize: number
  readonly publicKey: Fields
  readonly tests: readonly VectorCase[]
}

const folder = process.env['OCKAM_EXTERNAL_VECTORS']
const hasVectors = folder !== undefined && existsSync(join(folder, 'wycheproof'))

function groups(file: string): readonly VectorGroup[] {
  return (JSON.parse(readFileSync(join(folder as string, 'wycheproof', file), 'utf8')) as { testGroups: VectorGroup[] }).testGroups
}

const hex = (text = '') => Uint8Array.from(Buffer.from(text, 'hex'))

describe('Wycheproof', () => {
  if (!hasVectors) {
    console.log('Wycheproof: skipped, OCKAM_EXTERNAL_VECTORS names no folder with wycheproof vectors')
    test('the folder that OCKAM_EXTERNAL_VECTORS names has the vectors, where nothing may be skipped', () => {
      expect(folder !== undefined && process.env['OCKAM_TEST_REQUIRE'] === 'all').toBe(false)
    })
    return
  }

  let batched = 0
  const ran = new Map<string, number>()
  const count = (file: string) => ran.set(file, (ran.get(file) ?? 0) + 1)
  afterAll(() => {
    const total = [...ran.values()].reduce((sum, cases) => sum + cases, 0)
    console.log(`Wycheproof: ${total} cases ran on two back ends (${[...ran].map(([file, cases]) => `${file} ${cases / 2}`).join(', ')})`)
  })

  for (const [name, createBackend] of backends) {
    const backend = createBackend()

    test(`Ed25519 verification on ${name}: every verdict`, () => {
      for (const { publicKey, tests } of groups('ed25519_test.json')) {
        for (const { tcId, msg, sig, result } of tests) {
          count('ed25519')
          expect(backend.verifyEd25519(hex(publicKey['pk']), hex(msg), hex(sig)), `case ${tcId}`).toBe(result === 'valid')
        }
      }
    })

    test(`ECDSA P-256 in r || s form on ${name}: every verdict`, () => {
      for (const { publicKey, tests } of groups('ecdsa_secp256r1_sha256_p1363_test.json')) {
        for (const { tcId, msg, sig, result } of tests) {
          count('ecdsa p1363')
          expect(backend.verifyP256(hex(publicKey['uncompressed']), hex(msg), hex(sig)), `case ${tcId}`).toBe(result === 'valid')
        }
      }
    })

    test(`ECDSA P-256 in DER on ${name}: every verdict of the cases that have an r || s form`, () => {
      for (const { publicKey, tests } of groups('ecdsa_secp256r1_sha256_test.json')) {
        for (const { tcId, msg, sig, result } of tests) {
          const converted = fromStrictDer(hex(sig))
          // What is no strict DER, or has numbers over 256 bits, cannot be written in our form; all of that is invalid anyway.
          if (converted === undefined) {
            expect(result, `case ${tcId}`).toBe('invalid')
            continue
          }
          count('ecdsa der')
          expect(backend.verifyP256(hex(publicKey['uncompressed']), hex(msg), converted), `case ${tcId}`).toBe(result === 'valid')
        }
      }
    })

    test(`X25519 on ${name}: every shared secret, and zero refused`, { timeout: 30_000 }, () => {
      for (const { tests } of groups('x25519_test.json')) {
        for (const { tcId, public: publicKey, private: secret, shared } of tests) {
          count('x25519')
          const expected = hex(shared).every((byte) => byte === 0) ? undefined : hex(shared)
          expect(backend.importKey('x25519', hex(secret)).dh(hex(publicKey)), `case ${tcId}`).toEqual(expected)
        }
      }
    })

    for (const [file, algorithm] of [
      ['aes_gcm_test.json', 'aes-256-gcm'],
      ['chacha20_poly1305_test.json', 'chacha20-poly1305'],
    ] as const) {
      test(`${algorithm} on ${name}: every case with a 256-bit key, 96-bit nonce and 128-bit tag`, () => {
        for (const { keySize, ivSize, tagSize, tests } of groups(file)) {
          if (keySize !== 256 || ivSize !== 96 || tagSize !== 128) continue
          for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
            count(algorithm)
            const cipher = backend.cipher(algorithm, hex(key))
            const sealed = Uint8Array.of(...hex(ct), ...hex(tag))
            const opened = new Uint8Array(sealed.length - 16)
            const isOpen = cipher.open(opened, 0, sealed, 0, sealed.length, hex(iv), hex(aad))
            expect(isOpen, `case ${tcId}`).toBe(result === 'valid')
            expect(opened, `case ${tcId}`).toEqual(isOpen ? hex(msg) : new Uint8Array(opened.length))
            if (result !== 'valid') continue
            const out = new Uint8Array(sealed.length)
            cipher.seal(out, 0, hex(msg), 0, opened.length, hex(iv), hex(aad))
            expect(out, `case ${tcId}`).toEqual(sealed)
          }
        }
      })
    }

    if (name === 'node:crypto') {
      test('aes-256-gcm in a batch, between two good messages: every such case without additional data', () => {
        for (const { keySize, ivSize, tagSize, tests } of groups('aes_gcm_test.json')) {
          if (keySize !== 256 || ivSize !== 96 || tagSize !== 128) continue
          for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
            const first = nonceBefore(hex(iv))
            if (aad !== '' || first === undefined) continue
            batched++
            const cipher = backend.cipher('aes-256-gcm', hex(key)) as BatchNonceCipher
            const length = hex(ct).length
            const before = Uint8Array.from({ length: 3 * (length + 16) }, (_, i) => i)
            before.set(hex(msg), length + 16)
            const jobs = [0, 1, 2].map((i) => ({ inAt: i * (length + 16), outAt: i * (length + 16), length }))
            const slab = before.slice()
            cipher.sealMany(slab, jobs, first)
            if (result === 'valid') {
              expect(slab.subarray(length + 16, 2 * (length + 16)), `case ${tcId}`).toEqual(Uint8Array.of(...hex(ct), ...hex(tag)))
            }
            slab.set(hex(ct), length + 16)
            slab.set(hex(tag), 2 * length + 16)
            const verdicts: boolean[] = []
            cipher.openMany(
              slab,
              jobs.map((job) => ({ ...job, length: length + 16 })),
              first,
              verdicts,
            )
            expect(verdicts, `case ${tcId}`).toEqual([true, result === 'valid', true])
            for (const [i, { inAt }] of jobs.entries()) {
              const expected = verdicts[i] === true ? before.subarray(inAt, inAt + length) : new Uint8Array(length)
              expect(slab.subarray(inAt, inAt + length), `case ${tcId}`).toEqual(expected)
            }
          }
        }
        expect(batched).toBeGreaterThan(30)
      })
    }

    test(`HKDF-SHA256 on ${name}: every output; lengths over 8160 are refused by the primitives`, () => {
      for (const { tests } of groups('hkdf_sha256_test.json')) {
        for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
          count('hkdf')
          if (result === 'invalid') expect(Number(size), `case ${tcId}`).toBeGreaterThan(8160)
          else expect(backend.hkdfSha256(hex(salt), hex(ikm), hex(info), Number(size)), `case ${tcId}`).toEqual(hex(okm))
        }
      }
    })
  }
})

/** The nonce that counts up to this one within its last eight bytes; undefined when there is none. */
function nonceBefore(nonce: Uint8Array): Uint8Array | undefined {
  const view = new DataView(Uint8Array.from(nonce).buffer)
  const counter = view.getBigUint64(4)
  // A batch of three may not count beyond the last.
  if (counter === 0n || counter > 2n ** 64n - 2n) return undefined
  view.setBigUint64(4, counter - 1n)
  return new Uint8Array(view.buffer)
}

/** r || s of an ECDSA signature in strict DER; undefined when it is not that, or a number is negative or over 32 bytes. */
function fromStrictDer(der: Uint8Array): Uint8Array | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined
  const signature = new Uint8Array(64)
  let at = 2
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? 0
    const value = der.subarray(at + 2, at + 2 + length)
    const isMinimal = (value[0] ?? 0x80) < 0x80 && (value[0] !== 0 || value.length === 1 || (value[1] ?? 0) >= 0x80)
    if (der[at] !== 2 || value.length !== length || !isMinimal) return undefined
    const digits = value[0] === 0 ? value.subarray(1) : value
    if (digits.length > 32) return undefined
    signature.set(digits, end - digits.length)
    at += 2 + length
  }
  return at === der.length ? signature : undefined
}
