/** What the README says of policies is true: its example runs, and its limits are those of the code. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { POLICY_LIMIT } from '../src/abac/index.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const [, after = ''] = read('../README.md').split('## Policies\n')
const [section = ''] = after.split('\n## ')

test('the example about policies in the README runs as it stands there', async () => {
  const [, example] = /```ts\n([^`]*(?:`[^`]+`[^`]*)*)```/.exec(section) ?? []
  expect(example).toBe(read('abac-readme-example.ts').replace("'../src/abac/index.ts'", "'@ockam/credentials/abac'"))
  await import('./abac-readme-example.ts')
})

test('the limits in the README are those of the code', () => {
  const [, limits = ''] = section.split('### Limits\n')
  const numbers = Array.from(limits.matchAll(/\d[\d ]*(?= )/g), ([number]) => Number(number.replaceAll(' ', '')))
  expect(numbers).toEqual([POLICY_LIMIT.textLength, POLICY_LIMIT.encodedLength, POLICY_LIMIT.parts, POLICY_LIMIT.depth, POLICY_LIMIT.steps])
})
