/**
 * A UDP puncture between two Rust nodes as `npm run capture` records it. No package punctures yet; the test reads every message of it with core's codecs, and
 * sees that they are one conversation: what one side announces is what the other uses.
 */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CborReader } from '../src/cbor/index.ts'
import { RouteDecoder, TransportMessageDecoder } from '../src/index.ts'
import { hex, toHex } from './hex.ts'

type Step = 'initiate' | 'acknowledge' | 'asked' | 'told' | 'opening' | 'ping' | 'pong' | 'sent' | 'answered'
type Puncture = Readonly<Record<Step, string>>

const file = new URL('vectors/rust/puncture.json', import.meta.url)
const [puncture] = (JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly [Puncture] }).cases
const HELLO = '0568656c6c6f'

/** The message in a datagram of one part. */
function messageOf(datagram: string) {
  const reader = new CborReader(hex(datagram))
  reader.beginArray(5)
  expect(reader.uint()).toBe(1)
  reader.uint(0xffff)
  expect([reader.uint(), reader.uint()]).toEqual([0, 1])
  const bytes = reader.bytes()
  reader.end()
  reader.finish()
  const { onwardRoute, returnRoute, payload } = new TransportMessageDecoder().decode(bytes, 0, bytes.length)
  return { onward: onwardRoute.toString(), back: returnRoute.toString(), payload: toHex(payload) }
}

const routeOf = (item: Uint8Array): string => new RouteDecoder().decode(item, 0, item.length).toString()

/** Bytes as minicbor writes a list of numbers. */
function byteList(reader: CborReader): Uint8Array {
  const bytes: number[] = []
  reader.beginArray()
  while (reader.hasNext()) bytes.push(reader.uint(255))
  reader.end()
  return Uint8Array.from(bytes)
}

/** `[public address, name of the worker]`: of who initiates, or acknowledges. */
function announced(body: string) {
  const reader = new CborReader(hex(body))
  reader.beginArray(2)
  const address = reader.text()
  const name = new TextDecoder().decode(byteList(reader))
  reader.end()
  reader.finish()
  return { address, route: `0#${name}` }
}

/** `[2, [onward, return, bytes]]`: what goes through a puncture. */
function throughPuncture(payload: string) {
  const bytes = hex(payload)
  const reader = new CborReader(bytes)
  expect(reader.beginEnum()).toBe(2)
  const [onward, back] = [routeOf(reader.rawItem()), routeOf(reader.rawItem())]
  const content = toHex(byteList(reader))
  reader.endEnum()
  reader.finish()
  return { onward, back, content }
}

describe('a puncture between Rust nodes', () => {
  const initiator = announced(puncture.initiate)
  const responder = announced(puncture.acknowledge)

  test('begins with the address that the rendezvous tells', () => {
    const [asked, told] = [messageOf(puncture.asked), messageOf(puncture.told)]
    expect(asked).toMatchObject({ onward: '0#rendezvous', payload: '820180' })
    expect(told).toMatchObject({ onward: asked.back, back: '0#rendezvous' })
    const reader = new CborReader(hex(told.payload))
    expect(reader.beginEnum()).toBe(1)
    expect(reader.text()).toBe(initiator.address)
    reader.endEnum()
    reader.finish()
    expect(responder.address).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('is opened by a message to nobody, by Ping and by Pong', () => {
    expect(messageOf(puncture.opening)).toEqual({ onward: '', back: responder.route, payload: '820080' })
    expect(messageOf(puncture.ping)).toEqual({ onward: responder.route, back: initiator.route, payload: '820080' })
    const pong = messageOf(puncture.pong)
    expect(pong).toEqual({ onward: initiator.route, back: responder.route, payload: '820180' })
  })

  test('carries messages with routes of their own, and their answers', () => {
    const [sent, answered] = [messageOf(puncture.sent), messageOf(puncture.answered)]
    expect([sent.onward, sent.back, answered.onward, answered.back]).toEqual([responder.route, '', initiator.route, ''])
    const [question, answer] = [throughPuncture(sent.payload), throughPuncture(answered.payload)]
    expect(question).toMatchObject({ onward: '0#echo', content: HELLO })
    expect(answer).toEqual({ onward: question.back, back: '0#echo', content: HELLO })
  })
})
