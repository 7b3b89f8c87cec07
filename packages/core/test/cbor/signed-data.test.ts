/** What signed things have in common: their envelope, public keys and signatures. */

import { describe, expect, test } from 'vitest'
import type { SigningKeyType } from '../../src/index.ts'
import {
  ATTESTATION_DATA,
  CborReader,
  CborWriter,
  CHANGE_DATA,
  CREDENTIAL_DATA,
  decodeVersionedData,
  encodeVersionedData,
  readSignature,
  readVerifyingKey,
  writeSignature,
  writeVerifyingKey,
} from '../../src/cbor/index.ts'
import { hex, toHex } from '../hex.ts'

const invalid = expect.objectContaining({ name: 'OckamError', code: 'core/invalid-cbor' })

describe('versioned data', () => {
  test('is version, type and data, and is read as what it was written as', () => {
    for (const [type, head] of [
      [CHANGE_DATA, '830101'],
      [ATTESTATION_DATA, '830102'],
      [CREDENTIAL_DATA, '830103'],
    ] as const) {
      const encoded = encodeVersionedData(type, hex('0102'))
      expect(toHex(encoded)).toBe(`${head}420102`)
      expect(toHex(decodeVersionedData(encoded, type))).toBe('0102')
    }
  })

  test.each([
    ['of another type', '83010241aa'],
    ['of version 0', '83000141aa'],
    ['of version 2', '83020141aa'],
    ['of version 256', '8319010001 41aa'],
    ['with text for data', '83010161aa'],
    ['without data', '820101'],
    ['cut short', '83010142aa'],
  ])('%s is refused', (_, encoded) => {
    expect(() => decodeVersionedData(hex(encoded), CHANGE_DATA)).toThrow(invalid)
  })

  test('with elements nobody knows is read without them', () => {
    expect(toHex(decodeVersionedData(hex('84010141aa20'), CHANGE_DATA))).toBe('aa')
  })
})

describe('public keys and signatures', () => {
  test.each<[SigningKeyType, number, string, string]>([
    ['ed25519', 32, '8200815820', '8200815840'],
    ['p256', 65, '8201815841', '8201815840'],
  ])('of %s have one form each', (type, length, keyHead, signatureHead) => {
    const key = { type, bytes: new Uint8Array(length).fill(4) }
    const keyWriter = new CborWriter()
    writeVerifyingKey(keyWriter, key)
    const encodedKey = keyWriter.finish()
    expect(toHex(encodedKey)).toBe(keyHead + '04'.repeat(length))
    expect(readVerifyingKey(new CborReader(encodedKey))).toEqual(key)
    const signature = { type, bytes: new Uint8Array(64).fill(7) }
    const signatureWriter = new CborWriter()
    writeSignature(signatureWriter, signature)
    const encodedSignature = signatureWriter.finish()
    expect(toHex(encodedSignature)).toBe(signatureHead + '07'.repeat(64))
    expect(readSignature(new CborReader(encodedSignature))).toEqual(signature)
  })

  test('of an unknown type, or of another length than their type has, are refused', () => {
    for (const [head, length] of [
      ['820281', 32],
      ['820081', 31],
      ['820081', 65],
      ['820181', 32],
      ['820181', 33],
    ] as const) {
      const encoded = new CborWriter().raw(hex(head)).bytes(new Uint8Array(length)).finish()
      expect(() => readVerifyingKey(new CborReader(encoded))).toThrow(invalid)
      expect(() => readSignature(new CborReader(encoded))).toThrow(invalid)
    }
  })
})
