/**
 * Bytes of Rust nodes that are core's to read and write, as `npm run capture` records them: texts in BARE, and datagrams, which the test puts
 * together: no package sends them yet.
 */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeBareString, encodeBareString } from '../src/bare/index.ts'
import { CborReader } from '../src/cbor/index.ts'
import { encodeTransportMessage, Route, TransportMessageDecoder } from '../src/index.ts'
import { hex, toHex } from './hex.ts'

interface Text {
  readonly text: string
  readonly encoded: string
  readonly upper: string
}

interface Message {
  readonly onward: readonly string[]
  readonly back: readonly string[]
  readonly length: number
  readonly fill: number
  readonly datagrams: readonly string[]
}

const casesOf = <T>(name: string): readonly T[] =>
  (JSON.parse(readFileSync(new URL(`vectors/rust/${name}.json`, import.meta.url), 'utf8')) as { readonly cases: readonly T[] }).cases

describe('texts of a Rust node', () => {
  test.each(casesOf<Text>('bare-string'))('are read and written alike: $text', ({ text, encoded, upper }) => {
    expect(decodeBareString(hex(encoded))).toBe(text)
    expect(toHex(encodeBareString(text))).toBe(encoded)
    expect(toHex(encodeBareString(text.toUpperCase()))).toBe(upper)
  })
})

describe('datagrams of a Rust node', () => {
  const decoder = new TransportMessageDecoder()

  test.each(casesOf<Message>('datagram'))('hold a message of $length bytes', ({ onward, back, length, fill, datagrams }) => {
    const parts: Uint8Array[] = []
    for (const [at, datagram] of datagrams.entries()) {
      expect(datagram.length / 2).toBeLessThanOrEqual(508)
      const reader = new CborReader(hex(datagram))
      reader.beginArray(5)
      expect(reader.uint()).toBe(1)
      // The number is the message's; it goes up by one with each.
      reader.uint(0xffff)
      expect([reader.uint(), reader.uint()]).toEqual([at, datagrams.length])
      parts.push(reader.bytes())
      reader.end()
      reader.finish()
    }
    const whole = Uint8Array.from(parts.flatMap((part) => [...part]))
    const message = decoder.decode(whole, 0, whole.length)
    expect(message.onwardRoute.equals(Route.of(...onward))).toBe(true)
    expect(message.returnRoute.equals(Route.of(...back))).toBe(true)
    expect(toHex(message.payload)).toBe(toHex(new Uint8Array(length).fill(fill)))
    // We say null where a Rust node says {}.
    expect(`${toHex(encodeTransportMessage(message)).slice(0, -2)}627b7d`).toBe(toHex(whole))
  })
})
