/** What is remembered of verified credentials: per subject and authority, no longer than it holds, and not more than there is room for. */

import { Identifier, memoryStore, type Store } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { toAttributes } from '../src/attributes.ts'
import type { VerifiedCredential } from '../src/index.ts'
import { DAY, HOUR, nodeParts, START } from './node-parts.ts'

const someone = (n: number): Identifier => Identifier.fromBytes(new Uint8Array(32).fill(n))
const [alice, bob, carol] = [someone(1), someone(2), someone(3)] as const
const [authority, other] = [someone(0xa), someone(0xb)] as const

const says = (subject: Identifier, values: Record<string, string>, wrong: Partial<VerifiedCredential> = {}): VerifiedCredential => ({
  issuer: authority,
  subject,
  attributes: toAttributes(values, 1),
  createdAt: START,
  expiresAt: START + DAY,
  ...wrong,
})

async function keysOf(store: Store): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const { key } of store.scan('credentials/')) keys.push(key)
  return keys
}

test('what an authority says is found by subject and authority, as text and as bytes, and nothing else is', async () => {
  const { attributes } = nodeParts().credentials
  await attributes.put(says(alice, { role: 'sensor', site: 'north' }))
  const found = await attributes.attributes(alice, authority)
  expect(found?.text).toEqual(
    new Map([
      ['role', 'sensor'],
      ['site', 'north'],
    ]),
  )
  expect(found).toMatchObject({ schema: 1n, expiresAt: START + DAY })
  expect(found?.entries).toHaveLength(2)
  expect(await attributes.attributes(bob, authority)).toBeUndefined()
  expect(await attributes.attributes(alice, other)).toBeUndefined()
})

test('an authority cannot take away or replace what another one said; it replaces what it said itself, whole', async () => {
  const { attributes } = nodeParts().credentials
  await attributes.put(says(alice, { role: 'admin', site: 'north' }))
  await attributes.put(says(alice, { role: 'guest' }, { issuer: other }))
  expect((await attributes.attributes(alice, authority))?.text.get('role')).toBe('admin')
  await attributes.put(says(alice, { role: 'reader' }))
  expect((await attributes.attributes(alice, authority))?.text).toEqual(new Map([['role', 'reader']]))
  expect((await attributes.attributes(alice, other))?.text).toEqual(new Map([['role', 'guest']]))
})

test('it survives a restart on the same store', async () => {
  const store = memoryStore()
  await nodeParts({ store }).credentials.attributes.put(says(alice, { role: 'sensor' }))
  expect((await nodeParts({ store }).credentials.attributes.attributes(alice, authority))?.text.get('role')).toBe('sensor')
})

test('it is forgotten on request', async () => {
  const { credentials, store } = nodeParts()
  await credentials.attributes.put(says(alice, {}))
  expect(await credentials.attributes.forget(alice, other)).toBe(false)
  expect(await credentials.attributes.forget(alice, authority)).toBe(true)
  expect(await credentials.attributes.attributes(alice, authority)).toBeUndefined()
  expect(await keysOf(store)).toEqual([])
})

describe('what is over', () => {
  test('holds no more from that second on, and is removed when it is asked for', async () => {
    const { credentials, clock, store } = nodeParts()
    await credentials.attributes.put(says(alice, {}, { expiresAt: START + HOUR }))
    clock.seconds = START + HOUR - 1
    expect(await credentials.attributes.attributes(alice, authority)).toBeDefined()
    clock.seconds = START + HOUR
    expect(await credentials.attributes.attributes(alice, authority)).toBeUndefined()
    expect(await keysOf(store)).toEqual([])
  })

  test('is removed when something else is learnt, also what was there before a restart', async () => {
    const { credentials, store, clock } = nodeParts()
    await credentials.attributes.put(says(alice, {}, { expiresAt: START + HOUR }))
    const restarted = nodeParts({ store, clock }).credentials
    clock.seconds = START + 2 * HOUR
    await restarted.attributes.put(says(bob, {}))
    expect(await keysOf(store)).toEqual([`credentials/attributes/${bob}/${authority}`])
  })

  test('is removed a part at a time, so that nobody waits for all of it', async () => {
    const { credentials, store, clock, events } = nodeParts({ maxAttributeEntries: 150 })
    for (let n = 0; n < 150; n++) await credentials.attributes.put(says(someone(n), {}, { expiresAt: START + HOUR }))
    clock.seconds = START + HOUR
    await credentials.attributes.put(says(someone(200), {}))
    expect(await keysOf(store)).toHaveLength(150 - 64 + 1)
    for (let n = 201; n < 204; n++) await credentials.attributes.put(says(someone(n), {}))
    expect(await keysOf(store)).toHaveLength(4)
    expect(events).toEqual([])
  })

  test('is kept when another process has learnt something newer meanwhile', async () => {
    const { credentials, store, clock } = nodeParts()
    await credentials.attributes.put(says(alice, {}, { expiresAt: START + HOUR }))
    await nodeParts({ store, clock }).credentials.attributes.put(says(alice, { role: 'new' }, { expiresAt: START + DAY }))
    clock.seconds = START + 2 * HOUR
    await credentials.attributes.put(says(bob, {}))
    expect((await credentials.attributes.attributes(alice, authority))?.text.get('role')).toBe('new')
  })
})

describe('the bound', () => {
  test('is kept: what ends soonest goes first, and that is told', async () => {
    const { credentials, store, events } = nodeParts({ maxAttributeEntries: 2 })
    await credentials.attributes.put(says(alice, {}, { expiresAt: START + 2 * HOUR }))
    await credentials.attributes.put(says(bob, {}, { expiresAt: START + HOUR }))
    await credentials.attributes.put(says(alice, { role: 'again' }, { expiresAt: START + 2 * HOUR }))
    expect(events).toEqual([])
    await credentials.attributes.put(says(carol, {}))
    expect(await credentials.attributes.attributes(bob, authority)).toBeUndefined()
    expect(await keysOf(store)).toHaveLength(2)
    expect(events).toEqual([
      { name: 'credentials/attributes-evicted', details: { subject: bob.toString(), authority: authority.toString() } },
    ])
  })

  test('counts what was there before a restart', async () => {
    const store = memoryStore()
    for (let n = 1; n <= 5; n++) await nodeParts({ store }).credentials.attributes.put(says(someone(n), {}))
    await nodeParts({ store, maxAttributeEntries: 3 }).credentials.attributes.put(says(someone(6), {}))
    expect(await keysOf(store)).toHaveLength(3)
  })

  test('holds when many are learnt at once', async () => {
    const { credentials, store } = nodeParts({ maxAttributeEntries: 4 })
    await Promise.all(Array.from({ length: 40 }, (_, n) => credentials.attributes.put(says(someone(n), {}))))
    await credentials.attributes.put(says(someone(41), {}))
    expect(await keysOf(store)).toHaveLength(4)
  })
})

test('a record that was damaged says nothing, and is removed', async () => {
  const { credentials, store } = nodeParts()
  const key = `credentials/attributes/${alice}/${authority}`
  for (const damaged of [new Uint8Array(), Uint8Array.of(0x82, 0x82), new Uint8Array(70_000)]) {
    await store.set(key, damaged)
    expect(await credentials.attributes.attributes(alice, authority)).toBeUndefined()
    expect(await store.get(key)).toBeUndefined()
  }
})

test('a store that was out of reach is asked again', async () => {
  const inner = memoryStore()
  let isDown = true
  const store: Store = {
    get: (key) => inner.get(key),
    set: (key, value) => inner.set(key, value),
    delete: (key) => inner.delete(key),
    batch: (steps) => inner.batch(steps),
    close: () => inner.close(),
    scan: (prefix) => {
      if (isDown) throw new Error('out of reach')
      return inner.scan(prefix)
    },
  }
  const { credentials } = nodeParts({ store })
  await expect(credentials.attributes.put(says(alice, {}))).rejects.toThrow('out of reach')
  isDown = false
  await credentials.attributes.put(says(alice, {}))
  expect(await credentials.attributes.attributes(alice, authority)).toBeDefined()
})
