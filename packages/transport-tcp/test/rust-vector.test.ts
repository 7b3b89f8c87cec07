/**
 * TCP connections of a Rust node as `npm run capture` records them: we read its stream however it is cut, take every form of a frame that it takes, and
 * write the same stream but for the tracing field, where it says {} and we say null.
 */

import { readFileSync } from 'node:fs'
import { Route, type TransportMessage } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { until, withTransport } from './raw-peer.ts'

interface Message {
  readonly onward: readonly string[]
  readonly back: readonly string[]
  readonly payload: string
}

interface Stream {
  readonly name: string
  readonly messages: readonly Message[]
  readonly stream: string
}

interface Taken {
  readonly name: string
  readonly taken: string
  readonly answered: string
}

const file = new URL('vectors/rust/frame.json', import.meta.url)
const [said, ...TAKEN] = (JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly [Stream, ...Taken[]] }).cases
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The stream with null in every tracing field. */
function withoutTracing(stream: string): string {
  let out = stream.slice(0, 2)
  for (let at = 2; at < stream.length; ) {
    const length = Number.parseInt(stream.slice(at, at + 8), 16)
    const frame = stream.slice(at + 8, at + 8 + 2 * length)
    expect(frame.endsWith('627b7d')).toBe(true)
    out += `${(length - 2).toString(16).padStart(8, '0')}${frame.slice(0, -6)}f6`
    at += 8 + 2 * length
  }
  return out
}

function messageOf({ onward, back, payload }: Message): TransportMessage {
  return { onwardRoute: Route.of(...onward), returnRoute: Route.of(...back), payload: new Uint8Array(Buffer.from(payload, 'hex')) }
}

function show({ onwardRoute, returnRoute, payload }: TransportMessage): object {
  return { onward: onwardRoute.toString(), back: returnRoute.toString(), payload: toHex(payload) }
}

describe('the stream of a Rust node', () => {
  test.each([1, 7, 100_000])('is read to the messages it sent, %i bytes at a time', async (step) => {
    await withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      for (let at = 0; at < said.stream.length; at += 2 * step) peer.write(said.stream.slice(at, at + 2 * step))
      await until(() => services.deliveries.length === said.messages.length, 'all messages arrived')
      expect(services.deliveries.map(({ message }) => show(message))).toEqual(said.messages.map((message) => show(messageOf(message))))
    })
  })

  test('is the one that we write, but for tracing', async () => {
    await withTransport({}, async ({ accept }) => {
      const { peer, connection } = await accept()
      for (const message of said.messages) await connection.send(messageOf(message))
      const expected = withoutTracing(said.stream)
      await until(() => peer.received.length >= expected.length, 'all frames arrived')
      expect(peer.received).toBe(expected)
    })
  })
})

describe('a frame that a Rust node takes', () => {
  test.each(TAKEN)('is taken with $name, and answered alike', async ({ taken, answered }) => {
    await withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      peer.write(taken)
      await until(() => services.deliveries.length === 1, 'the message arrived')
      const [delivery] = services.deliveries
      expect(show(delivery?.message as TransportMessage)).toEqual({ onward: '0#echo', back: '0#client', payload: '0568656c6c6f' })
      await delivery?.connection.send(messageOf({ onward: ['client'], back: ['echo'], payload: '0568656c6c6f' }))
      const expected = withoutTracing(answered)
      await until(() => peer.received.length >= expected.length, 'the answer arrived')
      expect(peer.received).toBe(expected)
    })
  })
})
