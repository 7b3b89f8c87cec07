/** The guide's numbers about sessions are those that the tests of sessions hold them to. */

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { backWithinMs, DEFAULT_TIMES } from '../src/control/session-times.ts'

const guide = await readFile(new URL('../../../docs/guide/staying-connected.md', import.meta.url), 'utf8')

/** The only sentence of that form. */
function numberIn(form: RegExp): number {
  const found = [...guide.matchAll(form)]
  expect(found, String(form)).toHaveLength(1)
  return Number(found[0]?.[1])
}

test('the guide promises that things work again within the time that session tests allow, with the default intervals', () => {
  expect(numberIn(/work again within (\d+) seconds after any interruption/g) * 1000).toBe(backWithinMs(DEFAULT_TIMES))
})

test('the guide says for its example of shorter limits what follows from them', () => {
  const [, maximumMs = 0, attemptMs = 0] = (/backoff: \{ maximumMs: ([\d_]+), attemptMs: ([\d_]+) \}/.exec(guide) ?? []).map((text) =>
    Number(text.replaceAll('_', '')),
  )
  const times = { ...DEFAULT_TIMES, backoff: { ...DEFAULT_TIMES.backoff, maximumMs, attemptMs } }
  expect(numberIn(/brings it down to (\d+) seconds/g) * 1000).toBe(backWithinMs(times))
})
