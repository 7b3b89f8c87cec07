/** What differential fuzzing against a Rust node has found about portal messages, replayed without Rust. */

import { readFileSync } from 'node:fs'
import { CborWriter } from '@ockam/core/cbor'
import { expect, test } from 'vitest'
import { decodePortalMessage } from '../src/portal-message.ts'
import { bytesOf, hexOf } from './fixture/raw-peer.ts'

/** Those that Rust ends know; the others are refused from such an end, whatever is decoded. */
const KINDS = ['ping', 'pong', 'disconnect', 'payload']
const cases = readFileSync(new URL('./rust-verdict.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' ') as [kind: string, input: string, ours: string])

function decode(input: Uint8Array): string {
  const message = decodePortalMessage(input)
  if (message === undefined || !KINDS.includes(message.kind)) return '-'
  const { data, counter } = message.kind === 'payload' ? message : {}
  const writer = new CborWriter().array(1 + (data === undefined ? 0 : 1) + (counter === undefined ? 0 : 1))
  writer.uint(KINDS.indexOf(message.kind))
  if (data !== undefined) writer.bytes(data)
  if (counter !== undefined) writer.uint(counter)
  return hexOf(writer.finish())
}

test('bytes that were given to a Rust node too are refused, or read, as written down', () => {
  expect(cases.length).toBeGreaterThan(20)
  for (const [, input, ours] of cases) expect(decode(bytesOf(input)), input).toBe(ours === '=' ? input : ours)
})
