import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AccessControl,
  Address,
  allowAll,
  allowAllOf,
  allowAnyOf,
  allowOnwardAddresses,
  allowSourceAddresses,
  denyAll,
  type LocalMessage,
  NO_LOCAL_INFO,
  Route,
} from '../src/index.ts'

const message = (source: Address | string, onward: Route = Route.of('worker'), back: Route = Route.of('claimed')): LocalMessage => ({
  onwardRoute: onward,
  returnRoute: back,
  payload: new Uint8Array(0),
  localInfo: NO_LOCAL_INFO,
  source: Address.from(source),
  origin: undefined,
  forwards: 0,
  isExclusive: false,
})
const any = message('a')

const BYTES = Address.local(Uint8Array.of(0xff))

describe('Standard access controls', () => {
  test('allow everything, and nothing', () => {
    expect(allowAll().isAllowed(any)).toBe(true)
    expect(denyAll().isAllowed(any)).toBe(false)
  })

  test('allow by the mailbox that sent a message, whatever its return route claims', () => {
    const control = allowSourceAddresses(['a', Address.of(1, 'b'), BYTES])
    expect(control.description).toBe('from 0#a or 1#b or 0#0xff')
    for (const source of ['a', '1#b', BYTES]) expect(control.isAllowed(message(source)), String(source)).toBe(true)
    for (const source of ['b', '1#a', '0xff', ''])
      expect(control.isAllowed(message(source, Route.of('a'), Route.of('a'))), source).toBe(false)
    expect(allowSourceAddresses([]).isAllowed(any)).toBe(false)
  })

  test('take names literally, also with a number sign', () => {
    expect(allowSourceAddresses(['1#b']).isAllowed(message(Address.local('1#b')))).toBe(true)
    expect(allowSourceAddresses(['1#b']).isAllowed(message('1#b'))).toBe(false)
  })

  test('allow by the next hop, and look at none behind it', () => {
    const control = allowOnwardAddresses(['x', Address.of(1, 'y')])
    expect(control.description).toBe('to 0#x or 1#y')
    for (const route of ['x', 'x => z', '1#y => x']) expect(control.isAllowed(message('x', Route.parse(route))), route).toBe(true)
    for (const route of ['z => x', 'y', '1#x']) expect(control.isAllowed(message('x', Route.parse(route))), route).toBe(false)
    expect(control.isAllowed(message('x', Route.empty))).toBe(false)
    expect(allowOnwardAddresses([]).isAllowed(any)).toBe(false)
  })

  test('refuse what is no address, and an empty list of which all must allow', () => {
    expect(() => allowSourceAddresses([7 as never])).toThrowError(expect.objectContaining({ code: 'core/invalid-address' }))
    expect(() => allowAllOf([])).toThrowError(expect.objectContaining({ code: 'core/invalid-argument' }))
    expect(allowAnyOf([]).isAllowed(any)).toBe(false)
    expect(allowAnyOf([]).description).toBe('nothing')
  })

  test('of combinations are asked in turn, and no further than needed', () => {
    const asked: string[] = []
    const control = (description: string, verdict: boolean): AccessControl => ({
      description,
      isAllowed: () => {
        asked.push(description)
        return verdict
      },
    })
    expect(allowAllOf([control('a', true), control('b', false), control('c', true)]).isAllowed(any)).toBe(false)
    expect(allowAnyOf([control('d', false), control('e', true), control('f', false)]).isAllowed(any)).toBe(true)
    expect(asked).toEqual(['a', 'b', 'd', 'e'])
    expect(allowAllOf([control('a', true), allowAnyOf([control('b', true), control('c', true)])]).description).toBe('(a) and ((b) or (c))')
  })

  test('of combinations do not change when the list does that they were made of', () => {
    const controls = [denyAll()]
    const all = allowAllOf(controls)
    const some = allowAnyOf(controls)
    controls[0] = allowAll()
    expect([all.isAllowed(any), some.isAllowed(any)]).toEqual([false, false])
  })

  test('combine as their verdicts do, at once or later, and what cannot be decided is refused', async () => {
    const forms: Readonly<Record<string, { readonly verdict: boolean; readonly isAllowed: () => boolean | Promise<boolean> }>> = {
      yes: { verdict: true, isAllowed: () => true },
      no: { verdict: false, isAllowed: () => false },
      'yes, later': { verdict: true, isAllowed: () => Promise.resolve(true) },
      'no, later': { verdict: false, isAllowed: () => Promise.resolve(false) },
      'a failure': {
        verdict: false,
        isAllowed: () => {
          throw new Error('broken')
        },
      },
      'a failure, later': { verdict: false, isAllowed: () => Promise.reject(new Error('broken')) },
      'something else': { verdict: false, isAllowed: () => Promise.resolve('yes' as never) },
    }
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...Object.keys(forms)), { minLength: 1, maxLength: 5 }), async (names) => {
        const controls = names.map((description) => ({ description, isAllowed: (forms[description] as (typeof forms)[string]).isAllowed }))
        const verdicts = names.map((name) => forms[name]?.verdict)
        expect(await allowAllOf(controls as AccessControl[]).isAllowed(any)).toBe(verdicts.every(Boolean))
        expect(await allowAnyOf(controls as AccessControl[]).isAllowed(any)).toBe(verdicts.some(Boolean))
      }),
      { numRuns: 500 },
    )
  })
})
