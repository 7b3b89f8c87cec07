/** What differential fuzzing against a Rust node has found about addresses, routes, messages, BARE strings and MultiAddrs, replayed without Rust. */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeBareString } from '../src/bare/index.ts'
import { CborWriter } from '../src/cbor/index.ts'
import { MultiAddr, OckamError, RouteDecoder, TransportMessageDecoder } from '../src/index.ts'

const bytesOf = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
const cases = readFileSync(new URL('./rust-verdict.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' ') as [kind: string, input: string, ours: string])

const decode: Readonly<Record<string, (input: Uint8Array) => Uint8Array>> = {
  address: (input) =>
    new RouteDecoder()
      .decode(Uint8Array.of(0x81, ...input), 0, input.length + 1)
      .encode()
      .subarray(1),
  route: (input) => new RouteDecoder().decode(input, 0, input.length).encode(),
  'routing-message': (input) => {
    const { onwardRoute, returnRoute, payload } = new TransportMessageDecoder().decode(input, 0, input.length)
    return new CborWriter().array(3).raw(onwardRoute.encode()).raw(returnRoute.encode()).bytes(payload).finish()
  },
  'bare-string': (input) => new CborWriter().text(decodeBareString(input)).finish(),
  multiaddr: (input) => new CborWriter().bytes(MultiAddr.decode(input).encode()).finish(),
  'multiaddr-text': (input) => new CborWriter().bytes(MultiAddr.parse(new TextDecoder().decode(input)).encode()).finish(),
}

describe('bytes that were given to a Rust node too', () => {
  test.each(Object.keys(decode))('%s: are refused, or read, as written down', (kind) => {
    const own = cases.filter(([name]) => name === kind)
    expect(own.length).toBeGreaterThan(5)
    for (const [, input, ours] of own) {
      const run = (): string => Buffer.from((decode[kind] as (input: Uint8Array) => Uint8Array)(bytesOf(input))).toString('hex')
      if (ours === '-') expect(run, input).toThrow(OckamError)
      else expect(run(), input).toBe(ours === '=' ? input : ours)
    }
  })
})
