/** The guide's table of what can be set, beside what is set when nothing is given. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { checkSessionOptions } from '../../src/session/checked-session-options.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1000, min: 60_000 }

test('the guide names the defaults of sessions', async () => {
  const guide = await readFile(new URL('../../../../docs/guide/staying-connected.md', import.meta.url), 'utf8')
  const named: Record<string, unknown> = {}
  for (const [, names = '', values = ''] of guide.matchAll(/^\| ((?:`(?:ping|backoff|primary)\.\w+`(?:, )?)+) \| ([^|]+) \|/gm)) {
    const numbers = values.split(', ').map((value) => {
      const [, number = '', unit = ''] = /^([\d.]+)(?: (s|min))?$/.exec(value) ?? []
      return number === '' ? value.replaceAll('`', '') : Number(number) * (UNITS[unit] ?? 1)
    })
    for (const [i, name] of names.replaceAll('`', '').split(', ').entries()) named[name] = numbers[i]
  }
  const { ping, backoff, primary } = checkSessionOptions({ name: 'any', ways: [() => Promise.reject(new Error('Not to be opened.'))] })
  const defaults = Object.entries({ ping, backoff, primary }).flatMap(([group, options]) =>
    Object.entries(options ?? {})
      .filter(([name]) => name !== 'along' && name !== 'isRequired')
      .map(([name, value]) => [`${group}.${name}`, value]),
  )
  expect(named).toEqual(Object.fromEntries(defaults))
})
