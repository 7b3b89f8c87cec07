/** Policies of resources: which of them holds, that they are kept, and that what is kept cannot be turned against the node. */

import { memoryStore, type Store } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import {
  decodeResourcePolicy,
  encodeResourcePolicy,
  openPolicies,
  parseExpression,
  type Policies,
  type Resource,
  type ResourceType,
} from '../src/abac/index.ts'
import { ALICE, BOB, fromHex, messageFrom, readerOf, RecordedDiagnostics, toHex } from './abac-sample.ts'

const OUTLET: Resource = { name: 'pump', type: 'tcp-outlet' }
const ATTRIBUTES = readerOf([[ALICE, { role: 'sensor' }]])

const allows = (policies: Policies, resource: Resource = OUTLET, peer = ALICE): unknown =>
  policies.accessControl(resource, { attributes: ATTRIBUTES }).isAllowed(messageFrom(peer))

describe('the policy of a resource', () => {
  test('is by default that whoever uses it has a credential', async () => {
    const policies = await openPolicies(memoryStore())
    expect(allows(policies, OUTLET, ALICE)).toBe(true)
    expect(allows(policies, OUTLET, BOB)).toBe(false)
    expect(policies.accessControl(OUTLET).isAllowed(messageFrom(ALICE))).toBe(false)
    expect(policies.list().names).toEqual([])
    expect(policies.list().types.map(({ type }) => type)).toEqual([
      'echoer',
      'kafka-consumer',
      'kafka-producer',
      'lessor',
      'relay',
      'tcp-inlet',
      'tcp-outlet',
    ])
  })

  test('is the one of its name, else the one of its type, else nobody', async () => {
    const policies = await openPolicies(memoryStore())
    await policies.setForType('tcp-outlet', '(= 1 2)')
    await policies.setForName('pump', 'role=sensor')
    expect(allows(policies)).toBe(true)
    expect(allows(policies, { name: 'other', type: 'tcp-outlet' })).toBe(false)
    expect(allows(policies, { name: 'other', type: 'relay' })).toBe(true)
    expect(await policies.deleteForName('pump')).toBe(true)
    expect(await policies.deleteForName('pump')).toBe(false)
    expect(allows(policies)).toBe(false)
    await policies.setForType('tcp-outlet', '(= 1 1)')
    expect(allows(policies)).toBe(true)
    expect(await policies.deleteForType('tcp-outlet')).toBe(true)
    expect(policies.expressionFor(OUTLET)).toBeUndefined()
    expect(allows(policies)).toBe(false)
  })

  test('holds from the moment it is set, for access controls that are there already', async () => {
    const policies = await openPolicies(memoryStore())
    const control = policies.accessControl(OUTLET, { attributes: ATTRIBUTES })
    expect(control.description).toBe('policy of tcp-outlet pump')
    expect(control.isAllowed(messageFrom(ALICE))).toBe(true)
    await policies.setForName('pump', '(= 1 2)')
    expect(control.isAllowed(messageFrom(ALICE))).toBe(false)
  })

  test('that is changed while attributes are read is the new one', async () => {
    const policies = await openPolicies(memoryStore())
    let answer = (): void => undefined
    const reader = { attributes: () => new Promise<undefined>((resolve) => (answer = () => resolve(undefined))) }
    const control = policies.accessControl(OUTLET, { attributes: reader })
    await policies.setForName('pump', '(= 1 1)')
    const verdict = control.isAllowed(messageFrom(ALICE))
    await policies.setForName('pump', '(= 1 2)')
    answer()
    expect(await verdict).toBe(false)
  })

  test('knows the resource and the action, whatever else the node says', async () => {
    const policies = await openPolicies(memoryStore())
    await policies.setForName('pump', '(and (= resource.id "pump") (= action.id "handle_message") (= floor "3"))')
    const environment = { floor: '3', 'resource.id': 'other', 'action.id': 'other' }
    expect(policies.accessControl(OUTLET, { environment }).isAllowed(messageFrom(ALICE))).toBe(true)
  })

  test('that is missing is told to diagnostics', async () => {
    const policies = await openPolicies(memoryStore())
    await policies.deleteForType('tcp-outlet')
    const diagnostics = new RecordedDiagnostics()
    expect(policies.accessControl(OUTLET, { diagnostics }).isAllowed(messageFrom(ALICE))).toBe(false)
    expect(diagnostics.events).toEqual([
      { name: 'credentials/access-denied', reason: 'no-policy', count: 1, resource: 'pump', peer: String(ALICE), problem: undefined },
    ])
  })

  test.each([
    ['a name without a character', { name: '', type: 'relay' }],
    ['a name that is too long', { name: 'x'.repeat(257), type: 'relay' }],
    ['a control character', { name: 'a\n', type: 'relay' }],
    ['half of a character', { name: '\ud800', type: 'relay' }],
    ['a type that is none', { name: 'a', type: 'toString' as ResourceType }],
  ] as readonly (readonly [string, Resource])[])('is not asked for with %s', async (_what, resource) => {
    const policies = await openPolicies(memoryStore())
    expect(() => policies.accessControl(resource)).toThrow(expect.objectContaining({ code: 'core/invalid-argument' }))
  })

  test('that is none is refused, and the one before it stays', async () => {
    const policies = await openPolicies(memoryStore())
    await policies.setForName('pump', '(= 1 2)')
    await expect(policies.setForName('pump', '(and')).rejects.toThrow(expect.objectContaining({ code: 'credentials/invalid-policy' }))
    await expect(policies.setForName('', '(= 1 1)')).rejects.toThrow(expect.objectContaining({ code: 'core/invalid-argument' }))
    expect(allows(policies)).toBe(false)
  })
})

describe('policies in a store', () => {
  test('are there again, and defaults that were changed or deleted do not come back', async () => {
    const store = memoryStore()
    const before = await openPolicies(store)
    await before.setForName('pump', 'role=sensor')
    await before.setForType('relay', '(= 1 2)')
    await before.deleteForType('echoer')
    const after = await openPolicies(store)
    expect(after.list()).toEqual(before.list())
    expect(allows(after, { name: 'x', type: 'relay' })).toBe(false)
    expect(allows(after, { name: 'x', type: 'echoer' })).toBe(false)
    expect(after.list().names).toEqual([{ name: 'pump', expression: parseExpression('(= subject.role "sensor")') }])
  })

  test('are not replaced by defaults when only the note of these is lost', async () => {
    const store = memoryStore()
    const before = await openPolicies(store)
    await before.setForType('relay', '(= 1 2)')
    await before.deleteForType('echoer')
    expect(await store.delete('policy/defaults')).toBe(true)
    expect((await openPolicies(store)).list()).toEqual(before.list())
  })

  test('are not lost or loosened by two nodes that open them at once', async () => {
    const store = memoryStore()
    const [one, other] = await Promise.all([openPolicies(store), openPolicies(store)])
    expect(one.list()).toEqual(other.list())
    expect(one.list().types).toHaveLength(7)
  })

  test('that cannot be read deny, and do not make way for the policy of the type', async () => {
    const store = memoryStore()
    const policies = await openPolicies(store)
    await policies.setForType('tcp-outlet', '(= 1 1)')
    await policies.setForName('other', '(= 1 1)')
    const other = await store.get('policy/name/other')
    expect(other).toBeDefined()
    // Damaged, cut off, of an unknown action, or moved from another resource.
    const damaged = ['', 'a3', 'a3 01 6470756d70 02 02 03 820481f5', toHex(other as Uint8Array)]
    for (const bytes of damaged) {
      await store.set('policy/name/pump', fromHex(bytes))
      const again = await openPolicies(store)
      expect(allows(again), bytes).toBe(false)
      expect(allows(again, { name: 'third', type: 'tcp-outlet' })).toBe(true)
    }
  })

  test('hold as they were when the store fails', async () => {
    const store = memoryStore()
    const policies = await openPolicies(store)
    await policies.setForName('pump', '(= 1 2)')
    const failing: Store = store
    failing.set = () => Promise.reject(new Error('disk full'))
    failing.delete = () => Promise.reject(new Error('disk full'))
    await expect(policies.setForName('pump', '(= 1 1)')).rejects.toThrow('disk full')
    await expect(policies.deleteForName('pump')).rejects.toThrow('disk full')
    expect(allows(policies)).toBe(false)
  })

  test('are changed one after another: the last one that was asked for holds, here and in the store', async () => {
    const store = memoryStore()
    const policies = await openPolicies(store)
    const set = store.set.bind(store)
    let delays = 3
    store.set = async (key, value) => {
      for (let turns = 10 * delays--; turns > 0; turns--) await Promise.resolve()
      await set(key, value)
    }
    await Promise.all([
      policies.setForName('pump', '(= 1 1)'),
      policies.setForName('pump', '(= 2 2)'),
      policies.setForName('pump', '(= 1 2)'),
    ])
    expect(allows(policies)).toBe(false)
    expect(allows(await openPolicies(store))).toBe(false)
  })
})

describe('the CBOR of a policy of a resource', () => {
  test.each([
    ['a name', { name: 'pump', expression: parseExpression('(and)') }, 'a3 01 6470756d70 02 01 03 820781 81 82058163616e64'],
    ['a type', { type: 'lessor', expression: parseExpression('(and)') }, 'a3 01 07 02 01 03 820781 81 82058163616e64'],
  ] as const)('has %s, the action and the expression by their numbers', (_what, policy, spaced) => {
    expect(toHex(encodeResourcePolicy(policy))).toBe(spaced.replaceAll(' ', ''))
    expect(decodeResourcePolicy(fromHex(spaced))).toEqual(policy)
  })

  test.each([
    ['without an expression', 'a2 01 6161 02 01'],
    ['without an action', 'a2 01 6161 03 820481f5'],
    ['without a resource', 'a2 02 01 03 820481f5'],
    ['with an action nobody knows', 'a3 01 6161 02 02 03 820481f5'],
    ['with a type nobody knows', 'a3 01 08 02 01 03 820481f5'],
    ['with the type 0', 'a3 01 00 02 01 03 820481f5'],
    ['with a name that is none', 'a3 01 60 02 01 03 820481f5'],
    ['with two resources', 'a4 01 6161 01 6162 02 01 03 820481f5'],
    ['with bytes behind it', 'a3 01 6161 02 01 03 820481f5 00'],
  ])('is refused %s', (_what, spaced) => {
    expect(() => decodeResourcePolicy(fromHex(spaced))).toThrow(expect.objectContaining({ code: 'credentials/invalid-policy' }))
  })
})
