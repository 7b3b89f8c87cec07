/** Policies are asked about every message: what they read is answered at once, and is never old. */

import { Identifier, memoryStore, type Store } from '@ockam/core'
import { expect, test } from 'vitest'
import { toAttributes } from '../src/attributes.ts'
import type { VerifiedCredential } from '../src/index.ts'
import { DAY, nodeParts, START } from './node-parts.ts'

const someone = (n: number): Identifier => Identifier.fromBytes(new Uint8Array([...new Uint8Array(30), n >> 8, n]))
const [alice, authority, other] = [someone(1), someone(2), someone(3)]
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const map = (values: Record<string, string>) => new Map(Object.entries(values).map(([name, value]) => [name, bytes(value)]))

const says = (values: Record<string, string>, wrong: Partial<VerifiedCredential> = {}): VerifiedCredential => ({
  issuer: authority,
  subject: alice,
  attributes: toAttributes(values, 1),
  createdAt: START,
  expiresAt: START + DAY,
  ...wrong,
})

function parts() {
  const inner = memoryStore()
  let reads = 0
  const store: Store = Object.create(inner, {
    get: { value: (key: string) => (reads++, inner.get(key)) },
    set: { value: inner.set.bind(inner) },
    delete: { value: inner.delete.bind(inner) },
    batch: { value: inner.batch.bind(inner) },
    scan: { value: inner.scan.bind(inner) },
  }) as Store
  const { credentials, clock } = nodeParts({ store })
  return { inner, clock, attributes: credentials.attributes, reads: () => reads }
}

test('the first question reads the store, those of the next five seconds are answered on the spot', async () => {
  const { attributes, clock, reads } = parts()
  await attributes.put(says({ role: 'sensor' }))
  const reader = attributes.attestedBy(authority)
  expect(await reader.attributes(alice)).toEqual(map({ role: 'sensor' }))
  expect(await reader.attributes(other)).toBeUndefined()
  const before = reads()
  clock.seconds += 4
  expect(reader.attributes(alice)).toEqual(map({ role: 'sensor' }))
  expect(reader.attributes(other)).toBeUndefined()
  expect(reads()).toBe(before)
  clock.seconds += 1
  expect(reader.attributes(alice)).toBeInstanceOf(Promise)
})

test('what is put or forgotten counts from the next question on, also while one is being answered', async () => {
  const { attributes } = parts()
  const reader = attributes.attestedBy(authority.toString())
  await attributes.put(says({ role: 'guest' }))
  const asked = reader.attributes(alice)
  await attributes.put(says({ role: 'sensor' }))
  await asked
  expect(await reader.attributes(alice)).toEqual(map({ role: 'sensor' }))
  await attributes.put(says({ role: 'admin' }, { issuer: other }))
  expect(await reader.attributes(alice)).toEqual(map({ role: 'sensor' }))
  await attributes.forget(alice, authority)
  expect(await reader.attributes(alice)).toBeUndefined()
})

test('nothing holds beyond its end, and what another process did counts after five seconds', async () => {
  const { attributes, clock, inner } = parts()
  await attributes.put(says({ role: 'sensor' }, { expiresAt: START + 3 }))
  const reader = attributes.attestedBy(authority)
  expect(await reader.attributes(alice)).toEqual(map({ role: 'sensor' }))
  clock.seconds = START + 3
  expect(await reader.attributes(alice)).toBeUndefined()
  await nodeParts({ store: inner, clock }).credentials.attributes.put(says({ role: 'late' }))
  expect(await reader.attributes(alice)).toBeUndefined()
  clock.seconds += 5
  expect(await reader.attributes(alice)).toEqual(map({ role: 'late' }))
})

test('attributes whose name is no text are not there, and a value may be any bytes', async () => {
  const { attributes } = parts()
  const value = Uint8Array.of(0xff, 0x00)
  const entries = [
    { name: Uint8Array.of(0xff), value },
    { name: bytes('raw'), value },
  ]
  await attributes.put(says({}, { attributes: toAttributes(entries, 1) }))
  expect(await attributes.attestedBy(authority).attributes(alice)).toEqual(new Map([['raw', value]]))
})

test('more than a thousand subjects are not remembered: the one asked about first is read again', async () => {
  const { attributes, reads } = parts()
  const reader = attributes.attestedBy(authority)
  for (let n = 10; n < 10 + 1025; n++) await reader.attributes(someone(n))
  const before = reads()
  expect(reader.attributes(someone(10 + 1024))).toBeUndefined()
  expect(reads()).toBe(before)
  await reader.attributes(someone(10))
  expect(reads()).toBe(before + 1)
})
