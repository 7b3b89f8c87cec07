/**
 * Answers that others gave, on both back ends: build-trust/ockam fb8fb64cd, ockam_rust_elixir_nifs_test.exs ("hkdf" and "encrypt"), which its Rust and
 * Elixir nodes share.
 */

import { describe, expect, test } from 'vitest'
import { assembleVault } from '../src/vault-assembly.ts'
import { backends } from './back-end.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const text = (value: string) => new TextEncoder().encode(value)

describe.each(backends)('known answers of the published nodes, on %s', (_, createBackend) => {
  const { primitives } = assembleVault(createBackend(), {})

  test('hkdf_sha256: two keys of one input, as a handshake wants them', () => {
    const salt = hex('7aeb807e6278e5b54631b79272cb75383961729ccea244ab28e480d9c65d395d')
    const inputKey = hex('341cf9cafa52a8c40709ecd9e59757a360c9a9e080a0c0f2ee29bd9dc8c44e90')
    const keys = primitives.hkdfSha256(salt, inputKey, new Uint8Array(0), 64)
    expect(Buffer.from(keys.subarray(0, 32)).toString('hex')).toBe('3b17457b28e4c7a751dc38115e5188e7b443265be990d7274b43b3e4f516bb86')
    expect(Buffer.from(keys.subarray(32)).toString('hex')).toBe('13732c874a87eb0c6de01c519cd86ce0bffebbaf6fd2a284f9a7c747bc760e02')
  })

  test('aes_256_gcm: with additional data, under the nonce that is number 5', () => {
    const secret = hex('3c2704b1a0e45c67576ef902afaf825cc4d331fa339d062d27cdcf547e9968d1')
    const [plaintext, aad] = [text('Hello, nif'), text('Token')]
    const sealed = '7de1b8e1fdeee9a7299d30cd92e9d17503f3a6c713cbe584600d'
    const out = new Uint8Array(plaintext.length + 16)
    const cipher = createBackend().cipher('aes-256-gcm', secret)
    cipher.seal(out, 0, plaintext, 0, plaintext.length, hex('000000000000000000000005'), aad)
    expect(Buffer.from(out).toString('hex')).toBe(sealed)

    const key = primitives.aeadKey(secret)
    key.sealInto(out.fill(0), 0, plaintext, 0, plaintext.length, 5, aad)
    expect(Buffer.from(out).toString('hex')).toBe(sealed)
    const opened = new Uint8Array(plaintext.length)
    expect(key.openInto(opened, 0, out, 0, out.length, 5, aad)).toBe(true)
    expect(opened).toEqual(plaintext)
    for (const [nonce, other] of [
      [4, aad],
      [5, text('token')],
    ] as const)
      expect(key.openInto(opened, 0, out, 0, out.length, nonce, other)).toBe(false)
  })
})
