/** Random input, two implementations, one answer. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBackend as createNobleBackend } from '../src/primitives-noble.ts'
import { createBackend as createNodeBackend } from '../src/primitives-node.ts'

const node = createNodeBackend()
const noble = createNobleBackend()

const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const fixed = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
/** A P-256 scalar: anything below the order has a first half below all ones. */
const scalar = fixed(32).map((value) => {
  value[0] = (value[0] ?? 0) & 0x7f
  value[31] = (value[31] ?? 0) | 1
  return value
})
const few = { numRuns: 40 }

describe('node:crypto and noble give identical answers', () => {
  test('for public keys of every type', () => {
    fc.assert(
      fc.property(fixed(32), scalar, (secret, p256Secret) => {
        for (const type of ['ed25519', 'x25519'] as const) {
          expect(node.importKey(type, secret).publicKey).toEqual(noble.importKey(type, secret).publicKey)
        }
        expect(node.importKey('p256', p256Secret).publicKey).toEqual(noble.importKey('p256', p256Secret).publicKey)
      }),
      few,
    )
  })

  test('for Ed25519 signatures and verdicts on altered ones', () => {
    fc.assert(
      fc.property(fixed(32), bytes(200), fc.nat(95), fc.nat(255), (secret, message, at, change) => {
        const key = node.importKey('ed25519', secret)
        const signature = key.sign(message)
        expect(noble.importKey('ed25519', secret).sign(message)).toEqual(signature)
        const publicKey = key.publicKey.slice()
        const target = at < 64 ? signature : publicKey
        target[at % 64] = (target[at % 64] ?? 0) ^ change
        const verdicts = [node.verifyEd25519(publicKey, message, signature), noble.verifyEd25519(publicKey, message, signature)]
        expect(verdicts).toEqual([change === 0, change === 0])
      }),
      few,
    )
  })

  test('for verdicts on P-256 signatures of each other, with either s, and on altered ones', () => {
    fc.assert(
      fc.property(scalar, bytes(200), fc.nat(128), fc.nat(255), (secret, message, at, change) => {
        for (const [signer, verifier] of [
          [node, noble],
          [noble, node],
        ] as const) {
          const key = signer.importKey('p256', secret)
          const signature = key.sign(message)
          expect(verifier.verifyP256(key.publicKey, message, signature)).toBe(true)
          const publicKey = key.publicKey.slice()
          const target = at < 64 ? signature : publicKey
          target[at < 64 ? at : at - 64] = (target[at < 64 ? at : at - 64] ?? 0) ^ change
          const verdicts = [node.verifyP256(publicKey, message, signature), noble.verifyP256(publicKey, message, signature)]
          expect(verdicts).toEqual([change === 0, change === 0])
        }
      }),
      few,
    )
  })

  test('for X25519 with random bytes as public keys', () => {
    fc.assert(
      fc.property(fixed(32), fixed(32), (secret, publicKey) => {
        expect(node.importKey('x25519', secret).dh(publicKey)).toEqual(noble.importKey('x25519', secret).dh(publicKey))
      }),
      few,
    )
  })

  test('for both AEADs under any nonce: sealing, opening, and refusing', () => {
    const algorithm = fc.constantFrom('aes-256-gcm' as const, 'chacha20-poly1305' as const)
    fc.assert(
      fc.property(
        algorithm,
        fixed(32),
        fixed(12),
        bytes(300),
        fc.option(bytes(40), { nil: undefined }),
        fc.nat(),
        (name, key, nonce, plaintext, aad, flip) => {
          const length = plaintext.length + 16
          const [ours, theirs] = [new Uint8Array(length), new Uint8Array(length)]
          node.cipher(name, key).seal(ours, 0, plaintext, 0, plaintext.length, nonce, aad)
          noble.cipher(name, key).seal(theirs, 0, plaintext, 0, plaintext.length, nonce, aad)
          expect(ours).toEqual(theirs)
          const opened = new Uint8Array(plaintext.length)
          expect(noble.cipher(name, key).open(opened, 0, ours, 0, length, nonce, aad)).toBe(true)
          expect(opened).toEqual(plaintext)
          ours[flip % length] = (ours[flip % length] ?? 0) ^ 1
          for (const backend of [node, noble]) expect(backend.cipher(name, key).open(opened, 0, ours, 0, length, nonce, aad)).toBe(false)
          expect(opened).toEqual(plaintext)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('for SHA-256, HKDF and comparison', () => {
    fc.assert(
      fc.property(bytes(300), bytes(80), bytes(80), bytes(80), fc.integer({ min: 1, max: 300 }), (data, salt, inputKey, info, length) => {
        expect(node.sha256(data)).toEqual(noble.sha256(data))
        expect(node.hkdfSha256(salt, inputKey, info, length)).toEqual(noble.hkdfSha256(salt, inputKey, info, length))
        expect(node.isEqual(data, data.slice())).toBe(noble.isEqual(data, data.slice()))
      }),
    )
  })

  test('for scrypt', async () => {
    const [password, salt] = [new TextEncoder().encode('pässword'), new Uint8Array(16).fill(3)]
    const parameters = { costLog2: 14, r: 8, p: 1 }
    expect(await node.scrypt(password, salt, parameters)).toEqual(await noble.scrypt(password, salt, parameters))
  })

  test('except that P-256 signatures of noble are deterministic: RFC 6979 A.2.5 "sample", with low s', () => {
    const key = noble.importKey('p256', Buffer.from('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721', 'hex'))
    expect(Buffer.from(key.sign(new TextEncoder().encode('sample'))).toString('hex')).toBe(
      'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf37160834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9',
    )
  })
})
