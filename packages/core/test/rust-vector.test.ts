/**
 * Bytes of Rust nodes that are core's to read and write, as `npm run capture` records them: texts in BARE, policies in CBOR, and datagrams. Policies are
 * only read here, and datagrams are put together by the test: what they mean is for other packages.
 */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeBareString, encodeBareString } from '../src/bare/index.ts'
import { CborReader } from '../src/cbor/index.ts'
import { encodeTransportMessage, Route, TransportMessageDecoder } from '../src/index.ts'
import { encodeValue, readValue } from './cbor/cbor-value.ts'
import { hex, toHex } from './hex.ts'

interface Text {
  readonly text: string
  readonly encoded: string
  readonly upper: string
}

interface Policy {
  readonly text?: string
  readonly shown?: string
  readonly cbor?: string
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

/** An expression as a Rust node shows it, of its CBOR: `[kind, [fields]]`. */
function showExpression(reader: CborReader): string {
  const kind = reader.beginEnum()
  let shown: string
  if (kind === 1) shown = JSON.stringify(reader.text())
  else if (kind === 2) shown = reader.int64().toString()
  else if (kind === 3) shown = String(reader.float64())
  else if (kind === 4) shown = String(reader.bool())
  else if (kind === 5) shown = reader.text()
  else if (kind === 6 || kind === 7) {
    const items: string[] = []
    reader.beginArray()
    while (reader.hasNext()) items.push(showExpression(reader))
    reader.end()
    shown = kind === 6 ? `[${items.join(' ')}]` : `(${items.join(' ')})`
  } else throw new Error(`There is no expression of kind ${kind}.`)
  reader.endEnum()
  return shown
}

describe('policies of a Rust node', () => {
  const policies = casesOf<Policy>('policy').filter(({ cbor }) => cbor !== undefined)

  test.each(policies)('are items that we write alike, and hold what is shown: $text', ({ cbor = '', shown }) => {
    const reader = new CborReader(hex(cbor))
    const item = readValue(reader)
    reader.finish()
    expect(toHex(encodeValue(item))).toBe(cbor)
    expect(showExpression(new CborReader(hex(cbor)))).toBe(shown)
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
