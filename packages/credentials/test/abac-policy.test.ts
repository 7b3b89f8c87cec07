/** Access control by policy: who comes in, who does not, and what diagnostics hear of it. */

import type { LocalMessage } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import {
  type AttributeReader,
  type Environment,
  type EnvironmentValue,
  type Expression,
  policy,
  type PolicyExpression,
} from '../src/abac/index.ts'
import { ALICE, attributes, BOB, messageFrom, readerOf, RecordedDiagnostics } from './abac-sample.ts'

const READER = readerOf([
  [ALICE, { role: 'sensor', 'floor.number': '3' }],
  [BOB, {}],
])

const allows = (text: string, message: LocalMessage, reader: AttributeReader | undefined = READER): boolean | Promise<boolean> =>
  policy(text, reader === undefined ? {} : { attributes: reader }).isAllowed(message)

describe('a policy', () => {
  test.each([
    ['(= subject.role "sensor")', true, false],
    ['role=sensor', true, false],
    ['(= subject.role "reader")', false, false],
    ['(= subject.floor.number "3")', true, false],
    ['(= subject.has_credential true)', true, true],
    ['(not (exists? subject.role))', false, true],
    [`(= subject.identifier "${BOB}")`, false, true],
    [String(ALICE), true, false],
    [`(member? subject.identifier ["${ALICE}" "${BOB}"])`, true, true],
    ['(= 1 1)', true, true],
    ['(= 1 2)', false, false],
    ['(and subject.role)', false, false],
  ])('%s lets in whom it is true for, at once', (text, alice, bob) => {
    expect(allows(text, messageFrom(ALICE))).toBe(alice)
    expect(allows(text, messageFrom(BOB))).toBe(bob)
  })

  test('lets nobody in who came through no channel, whatever it says', () => {
    for (const text of ['(= 1 1)', '(not subject.has_credential)', '(or true (exists? subject.identifier))'])
      expect(allows(text, messageFrom(undefined))).toBe(false)
  })

  test('tells somebody without a credential from somebody whose credential says nothing', () => {
    const stranger = readerOf([])
    expect(allows('(= subject.has_credential true)', messageFrom(ALICE), stranger)).toBe(false)
    expect(allows('(= subject.has_credential false)', messageFrom(ALICE), stranger)).toBe(true)
    expect(allows('(= subject.has_credential true)', messageFrom(BOB))).toBe(true)
  })

  test('that asks for credentials where nobody reads any lets nobody in', () => {
    const without = (text: string): unknown => policy(text).isAllowed(messageFrom(ALICE))
    expect(without('(= subject.has_credential true)')).toBe(false)
    expect(without('(not subject.has_credential)')).toBe(false)
    expect(without('(= subject.role "sensor")')).toBe(false)
    expect(without(String(ALICE))).toBe(true)
  })

  test('knows what the node says, in its own types', () => {
    const environment = { 'resource.id': 'pump', level: 3n, share: 0.5, open: true, lines: ['1', '2'] }
    const control = policy('(and (= resource.id "pump") (= level 3) (= share 0.5) open (member? subject.line lines))', {
      attributes: readerOf([[ALICE, { line: '2' }]]),
      environment,
    })
    expect(control.isAllowed(messageFrom(ALICE))).toBe(true)
    environment['resource.id'] = 'other'
    expect(control.isAllowed(messageFrom(ALICE))).toBe(true)
  })

  test('describes itself', () => {
    expect(policy('(=  1   1)').description).toBe('policy (= 1 1)')
    expect(policy('a or b').description).toBe('policy a or b')
    expect(policy('a="b\nc"').description).toBe('policy a="b c"')
    expect(policy(`a="${'x'.repeat(1000)}"`).description).toBe(`policy a=${'x'.repeat(198)}…`)
  })

  test.each([undefined, null, 7, {}, { form: 'other' }, { form: 'expression' }, { form: 'boolean', boolean: { kind: 'other' } }])(
    '%j is none',
    (given) => {
      expect(() => policy(given as unknown as PolicyExpression)).toThrow(expect.objectContaining({ code: 'credentials/invalid-policy' }))
    },
  )

  test.each([
    { kind: 'other', items: [] },
    { kind: 'list', items: 7 },
    { kind: 'list', items: [undefined] },
    { kind: 'string', value: 7 },
    { kind: 'integer', value: 1.5 },
    { kind: 'integer' },
  ])('with the part %j is none', (part) => {
    const expression = { kind: 'list', items: [{ kind: 'name', name: 'and' }, part] } as unknown as Expression
    expect(() => policy({ form: 'expression', expression })).toThrow(expect.objectContaining({ code: 'credentials/invalid-policy' }))
  })

  test('that is none, or an option that is none, is an error where it is made', () => {
    expect(() => policy('sensor or')).toThrow(expect.objectContaining({ code: 'credentials/invalid-policy' }))
    const invalid = expect.objectContaining({ code: 'core/invalid-argument' })
    expect(() => policy('a', { attributes: {} as AttributeReader })).toThrow(invalid)
    const endless: EnvironmentValue[] = []
    endless.push(endless)
    for (const value of [undefined, null, {}, '\ud800', 2n ** 63n, endless])
      expect(() => policy('a', { environment: { name: value } as Environment })).toThrow(invalid)
  })
})

describe('attributes that are read later', () => {
  const later = (reader: AttributeReader): AttributeReader => ({ attributes: async (identifier) => reader.attributes(identifier) })

  test('decide then', async () => {
    expect(await allows('role=sensor', messageFrom(ALICE), later(READER))).toBe(true)
    expect(await allows('role=sensor', messageFrom(BOB), later(READER))).toBe(false)
    expect(await allows('(= subject.has_credential false)', messageFrom(ALICE), later(readerOf([])))).toBe(true)
  })

  test('that cannot be read are a denial, at once or later, and nothing of the failure is told', async () => {
    const failure = new Error('/secret/path')
    const failing: AttributeReader[] = [
      {
        attributes: () => {
          throw failure
        },
      },
      { attributes: () => Promise.reject(failure) },
    ]
    for (const reader of failing) {
      const diagnostics = new RecordedDiagnostics()
      const control = policy('(or true (exists? subject.role))', { attributes: reader, diagnostics })
      expect(await control.isAllowed(messageFrom(ALICE))).toBe(false)
      expect(diagnostics.events).toEqual([
        {
          name: 'credentials/access-denied',
          reason: 'no-attributes',
          count: 1,
          resource: undefined,
          peer: String(ALICE),
          problem: undefined,
        },
      ])
    }
  })
})

test.each([null, false, 0, '', [], {}, new Set(['role']), { get: () => new Uint8Array(0) }])(
  'what a reader gives that is no map, as %j, is no credential and lets nobody in, at once or later',
  async (answer) => {
    for (const given of [answer, Promise.resolve(answer)]) {
      const diagnostics = new RecordedDiagnostics()
      const reader = { attributes: () => given } as unknown as AttributeReader
      for (const text of ['(= subject.has_credential true)', '(= subject.has_credential false)', '(= 1 1)'])
        expect(await policy(text, { attributes: reader, diagnostics }).isAllowed(messageFrom(ALICE))).toBe(false)
      expect(diagnostics.events.map(({ reason }) => reason)).toEqual(['no-attributes', 'no-attributes', 'no-attributes'])
    }
  },
)

describe('diagnostics', () => {
  const denied = (text: string, message: LocalMessage): unknown => {
    const diagnostics = new RecordedDiagnostics()
    expect(policy(text, { attributes: READER, environment: { 'resource.id': 'pump' }, diagnostics }).isAllowed(message)).toBe(false)
    return diagnostics.events
  }

  test.each([
    ['not-allowed', '(= subject.role "reader")', undefined],
    ['no-verdict', '(= subject.missing "x")', 'The policy has no value: the name "subject.missing" has no value.'],
    ['no-verdict', '(= subject.role 3)', 'Cannot compare a string with an integer.'],
    ['no-verdict', '(and subject.role)', 'The policy yields a string.'],
    ['no-verdict', '(if true () ())', 'The policy yields the unit ().'],
  ])('hear %s of %s, and never a value', (reason, text, problem) => {
    expect(denied(text, messageFrom(ALICE))).toEqual([
      { name: 'credentials/access-denied', reason, count: 1, resource: 'pump', peer: String(ALICE), problem },
    ])
  })

  test('hear of those who have no identity', () => {
    expect(denied('a', messageFrom(undefined))).toEqual([
      { name: 'credentials/access-denied', reason: 'no-identity', count: 1, resource: 'pump', peer: undefined, problem: undefined },
    ])
  })

  test('hear of 1, 2, 4, 8 … denials, however many there are', () => {
    const diagnostics = new RecordedDiagnostics()
    const control = policy('(= 1 2)', { attributes: READER, diagnostics })
    for (let left = 1000; left > 0; left--) expect(control.isAllowed(messageFrom(ALICE))).toBe(false)
    expect(diagnostics.events.map(({ count }) => count)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
  })

  test('hear of each reason, also in a flood for another one', () => {
    const diagnostics = new RecordedDiagnostics()
    const control = policy('role=reader', { attributes: READER, diagnostics })
    for (let left = 5; left > 0; left--) expect(control.isAllowed(messageFrom(undefined))).toBe(false)
    expect(control.isAllowed(messageFrom(ALICE))).toBe(false)
    expect(diagnostics.events.map(({ reason, count }) => [reason, count])).toEqual([
      ['no-identity', 1],
      ['no-identity', 2],
      ['no-identity', 4],
      ['not-allowed', 1],
    ])
  })

  test('hear nothing of whom a policy lets in', () => {
    const diagnostics = new RecordedDiagnostics()
    expect(policy('role=sensor', { attributes: READER, diagnostics }).isAllowed(messageFrom(ALICE))).toBe(true)
    expect(diagnostics.events).toEqual([])
  })
})

test('is asked anew for every message: what is attested now decides', () => {
  const known = new Map(attributes({ role: 'sensor' }))
  const control = policy('role=sensor', { attributes: { attributes: () => known } })
  expect(control.isAllowed(messageFrom(ALICE))).toBe(true)
  known.delete('role')
  expect(control.isAllowed(messageFrom(ALICE))).toBe(false)
})
