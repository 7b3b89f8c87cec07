/** What a peer answers, as a person sees it and as a pipe gets it. */

import { expect, test } from 'vitest'
import { Terminal } from '../src/terminal/terminal.ts'

function printed(isTTY: boolean, text: string): string {
  let all = ''
  const stdout = { isTTY, write: (part: string) => (all += part) }
  const options = { isJson: false, isCompact: false, isQuiet: false, isVerbose: false, isColored: false, isAnimated: false }
  new Terminal({ ...options, stdout, stderr: { write: () => undefined } }).data({}, text)
  return all
}

const ANSWER = '\u001b[31mred\u001b]0;title\u0007 \r\u009b2J tab\there\nnext line'

test('control characters of an answer do not reach a terminal; lines and tabs do', () => {
  expect(printed(true, ANSWER)).toBe(' [31mred ]0;title   2J tab\there\nnext line\n')
})

test('an answer goes through a pipe as it is', () => {
  expect(printed(false, ANSWER)).toBe(`${ANSWER}\n`)
})
