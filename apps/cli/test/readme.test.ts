/** The README names every environment variable, every exit code, and every name that the JSON of the transcripts has at its top. */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { EXIT_CODES } from '../src/error.ts'
import { VARIABLES } from '../src/program/variable.ts'
import { readTranscripts } from './terminal/transcript.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const rows = readme.split('\n').filter((line) => line.startsWith('| '))

/** Cells in backquotes. */
const names = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)

/** Names that the README gives for a command: of the rows whose first cell has its noun, or the noun and the verb. */
function documented(words: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  for (const row of rows) {
    const [first = '', ...rest] = row.split(' | ')
    const commands = names(first)
    const noun = commands[0]?.split(' ')[0]
    const isIts = commands.some((command) => command === words[0] || command === `${words[0]} …` || command === words.slice(0, 2).join(' '))
    if (isIts || (noun === words[0] && commands.includes(words[1] ?? ''))) for (const name of names(rest.join(' '))) found.add(name)
  }
  return found
}

describe('the README of the command', () => {
  test('names every environment variable', () => {
    const named = rows.map((row) => names(row)[0])
    for (const { name } of VARIABLES) expect(named).toContain(name)
  })

  test('names every exit code', () => {
    for (const [code, exit] of Object.entries(EXIT_CODES)) expect(readme).toContain(`| ${exit} | \`${code}\` | `)
  })

  test('names what stands in the JSON of every command', () => {
    let compared = 0
    for (const { input, stdout, code } of readTranscripts().flatMap(({ steps }) => steps)) {
      const words = /^(?:[A-Z_]+=\S+ )*ockam ([a-z-]+(?: [a-z-]+)?)[^|;]*--(?:output[ =])?json(?!.*\|)/.exec(input)?.[1]?.split(' ')
      if (words === undefined || code !== 0) continue
      const [value] = [
        JSON.parse(withoutPlaceholders(stdout.includes('\n{') ? (stdout.split('\n')[0] as string) : stdout)) as unknown,
      ].flat()
      if (typeof value !== 'object' || value === null) continue
      const known = documented(words)
      for (const name of Object.keys(value)) expect(known, `${input}: ${name}`).toContain(name)
      compared += 1
    }
    expect(compared).toBeGreaterThan(40)
  })
})

/** Text in which a placeholder may stand for a number. */
const withoutPlaceholders = (text: string): string =>
  text
    .replaceAll(/"line":"[^\n]*"\}/g, '"line":""}')
    .replaceAll(/"\{[a-z:0-9-]+\}"/g, '""')
    .replaceAll(/: ?\{[a-z]+(?::[a-z0-9-]+)?\}/g, ': 0')
