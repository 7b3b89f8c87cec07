/** A transcript would prove nothing if it could not fail: what placeholders accept, and what not. */

import { describe, expect, test } from 'vitest'
import { Placeholders } from './terminal/placeholder.ts'
import { formatTranscript, parseTranscript } from './terminal/transcript.ts'

const IDENTIFIER = `I${'ab'.repeat(32)}`

describe('placeholders', () => {
  test('accept what they stand for, and nothing else', () => {
    const placeholders = new Placeholders({})
    expect(placeholders.match('at {port:1}, {identifier:a}\n', `at 4000, ${IDENTIFIER}\n`)).toBe(true)
    for (const actual of [
      `at 400000, ${IDENTIFIER}\n`,
      `at x, ${IDENTIFIER}\n`,
      `at 4000, ${IDENTIFIER}0\n`,
      `at 4000, ${IDENTIFIER}\nmore\n`,
      '',
    ])
      expect(new Placeholders({}).match('at {port:1}, {identifier:a}\n', actual), actual).toBe(false)
  })

  test('with a name keep the value they had first, in answers and inputs', () => {
    const placeholders = new Placeholders({ home: '/h.me' })
    expect(placeholders.match('{home}/{name:n} {ms}', '/h.me/0123abcd 1.50')).toBe(true)
    expect(placeholders.match('{name:n}', '0123abce')).toBe(false)
    expect(placeholders.match('{name:n} {ms}', '0123abcd 2.50')).toBe(true)
    expect(placeholders.match('{home}', '/hxme')).toBe(false)
    expect(placeholders.filled('ls {home}/{name:n} {unknown}')).toBe('ls /h.me/0123abcd {unknown}')
    expect(() => placeholders.filled('{port:none}')).toThrow('{port:none} has no value yet')
  })

  test('with a name that occurs twice in one answer are the same there', () => {
    expect(new Placeholders({}).match('{port:1} {port:1}', '4000 4000')).toBe(true)
    expect(new Placeholders({}).match('{port:1} {port:1}', '4000 4001')).toBe(false)
    expect(new Placeholders({}).match('{port:1}', '4000')).toBe(true)
  })

  test('are put in the places of what differs, with the names that values have already', () => {
    const placeholders = new Placeholders({ home: '/state' })
    expect(placeholders.match('{identifier:alice}\n', `${IDENTIFIER}\n`)).toBe(true)
    expect(placeholders.abstracted(`${IDENTIFIER} 127.0.0.1:40123 /state/x process 7 /tcp/40123`)).toBe(
      '{identifier:alice} 127.0.0.1:{port:1} {home}/x process {pid:1} /tcp/{port:1}',
    )
  })
})

describe('a transcript', () => {
  test('is written as it was read', () => {
    const text = '# Title.\n\n# A remark.\n$ first\n> second line\n| out\n|\n| more\n! err\n= 3\n\n$ quiet\n'
    const transcript = parseTranscript('a', text)
    expect(transcript.steps).toEqual([
      { input: 'first\nsecond line', stdout: 'out\n\nmore\n', stderr: 'err\n', code: 3, remarks: ['A remark.'] },
      { input: 'quiet', stdout: '', stderr: '', code: 0, remarks: [] },
    ])
    expect(formatTranscript(transcript)).toBe(text)
  })

  test('with a line of no kind is refused', () => {
    expect(() => parseTranscript('a', '# Title.\n$ x\noops\n')).toThrow('a:3')
    expect(() => parseTranscript('a', '# Title.\n| x\n')).toThrow('a:2')
  })
})
