/** The format of credentials: what Rust nodes write and read, byte by byte. */

import type { CborWriter } from '@ockam/core/cbor'
import { describe, expect, test } from 'vitest'
import { credentialHex, decodeCredential, MAX_CREDENTIAL_BYTES, textAttributes } from '../src/index.ts'
import { type ForgedCredential, forgeCredential } from './forgery.ts'
import { hex, toHex, utf8 } from './hex.ts'
import { START, world } from './node-parts.ts'

async function decoded(wrong: ForgedCredential) {
  return decodeCredential(await forgeCredential(await world(), wrong))
}

const invalid = expect.objectContaining({ name: 'OckamError', code: 'credentials/invalid-credential' })

test('what is decoded borrows nothing: the bytes received may be overwritten', async () => {
  const bytes = Buffer.from(await forgeCredential(await world()))
  const copy = new Uint8Array(bytes)
  const credential = decodeCredential(bytes)
  bytes.fill(0)
  expect(credential.encoded).toEqual(copy)
  expect(textAttributes(credential.data.attributes)).toEqual(new Map([['role', 'sensor']]))
  expect(credential.encoded.constructor).toBe(Uint8Array)
})

describe('text', () => {
  test('is hexadecimal, of either case, with white space around it', async () => {
    const bytes = await forgeCredential(await world())
    const text = credentialHex(bytes)
    expect(text).toBe(toHex(bytes))
    for (const form of [text, text.toUpperCase(), `\n ${text}\n`]) expect(decodeCredential(form).encoded).toEqual(bytes)
  })

  test.each([
    ['', 'empty'],
    ['8', 'odd'],
    ['zz', 'no digits'],
    ['00'.repeat(MAX_CREDENTIAL_BYTES + 1), 'too long'],
    [' '.repeat(200_000), 'blank'],
  ])('that is no credential is refused (%#)', (text) => {
    expect(() => decodeCredential(text)).toThrow(invalid)
  })

  test('and nothing that is neither bytes nor text is taken', () => {
    for (const wrong of [undefined, 7, [1, 2], {}])
      expect(() => decodeCredential(wrong as never)).toThrow(expect.objectContaining({ code: 'credentials/invalid-argument' }))
  })
})

describe('as lenient as Rust nodes', () => {
  const map = (writer: CborWriter, ...pairs: string[]): CborWriter => {
    writer
      .array(2)
      .uint(1)
      .map(pairs.length / 2)
    for (const text of pairs) writer.bytes(utf8(text))
    return writer
  }

  test('attributes may stand in any order, and of a name that is given twice the last value holds', async () => {
    const { data } = await decoded({ attributes: (writer) => void map(writer, 'cc', '3', 'a', 'first', 'b', '2', 'a', 'last') })
    expect(textAttributes(data.attributes)).toEqual(
      new Map([
        ['a', 'last'],
        ['b', '2'],
        ['cc', '3'],
      ]),
    )
    expect(data.attributes.entries).toHaveLength(3)
  })

  test('subject and change may be null, the schema is any number of 64 bits, and elements nobody knows are skipped', async () => {
    const max = 2n ** 64n - 1n
    const none = await decoded({
      subject: 'null',
      changeHash: 'null',
      attributes: (writer) => void writer.array(3).uint(max).map(0).uint(7),
    })
    expect(none.data).toEqual({
      subject: undefined,
      subjectChangeHash: undefined,
      attributes: { schema: max, entries: [] },
      createdAt: START,
      expiresAt: START + 86_400,
    })
  })

  test('maps and arrays may be of indefinite length, integers longer than needed', async () => {
    const { data } = await decoded({ attributes: (writer) => void writer.raw(hex('9f 1a00000001 bf 4161 4131 ff ff')) })
    expect(data.attributes.schema).toBe(1n)
    expect(textAttributes(data.attributes)).toEqual(new Map([['a', '1']]))
  })
})

describe('refused', () => {
  test.each<[string, ForgedCredential]>([
    ['text for a name', { attributes: (writer) => void writer.array(2).uint(1).map(1).text('role').bytes(utf8('sensor')) }],
    ['text for a value', { attributes: (writer) => void writer.array(2).uint(1).map(1).bytes(utf8('role')).text('sensor') }],
    ['a list for the map', { attributes: (writer) => void writer.array(2).uint(1).array(0) }],
    ['a schema that is negative', { attributes: (writer) => void writer.array(2).int(-1).map(0) }],
    ['attributes without a map', { attributes: (writer) => void writer.array(1).uint(1) }],
    ['a map that claims more pairs than there are', { attributes: (writer) => void writer.raw(hex('8201 bb00ffffffffffffff')) }],
    ['a value that claims more bytes than there are', { attributes: (writer) => void writer.raw(hex('8201 a14161 5bffffffffffffffff')) }],
    ['a change hash of 31 bytes', { changeHash: new Uint8Array(31) }],
  ])('is %s', async (_, wrong) => {
    const bytes = await forgeCredential(await world(), wrong)
    expect(() => decodeCredential(bytes)).toThrow(invalid)
  })

  test('is what is cut short, has bytes behind it, or lacks an attestation', async () => {
    const bytes = await forgeCredential(await world())
    expect(() => decodeCredential(Uint8Array.of(...bytes, 0))).toThrow(invalid)
    expect(() => decodeCredential(Uint8Array.of(0x81, ...bytes.subarray(1)))).toThrow(invalid)
    for (let length = 0; length < bytes.length; length++) expect(() => decodeCredential(bytes.subarray(0, length))).toThrow(invalid)
  })

  test('is what is over the limit, before anything of it is read; what has just that many bytes is read', async () => {
    const there = await world()
    const sized = (length: number) =>
      forgeCredential(there, { attributes: (writer) => void writer.array(2).uint(1).map(1).bytes(utf8('x')).bytes(new Uint8Array(length)) })
    const overhead = (await sized(60_000)).length - 60_000
    const largest = await sized(MAX_CREDENTIAL_BYTES - overhead)
    expect(decodeCredential(largest).encoded).toHaveLength(MAX_CREDENTIAL_BYTES)
    const larger = await sized(MAX_CREDENTIAL_BYTES - overhead + 1)
    expect(() => decodeCredential(larger)).toThrow(invalid)
    expect(() => decodeCredential(credentialHex(larger))).toThrow(invalid)
  })
})
