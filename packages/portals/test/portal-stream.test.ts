/** What is held of Payloads for a socket that takes nothing, where there is no credit to charge it to. */

import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import { type Context, dropPressure, OckamError, type Pressure, Route, systemClock } from '@ockam/core'
import { afterEach, describe, expect, test } from 'vitest'
import { decodePortalMessage, type PortalMessage } from '../src/portal-message.ts'
import { PortalStream } from '../src/portal-stream.ts'
import { eventReader } from '../src/socket-reader.ts'
import { bytesOf, hexOf } from './fixture/raw-peer.ts'

const MAX_QUEUED_BYTES = 64 * 1024
const opened: Stalled[] = []
afterEach(() => {
  for (const stalled of opened.splice(0)) stalled.stream.abort('closed', false)
})

/** A stream whose socket takes what is written only when told to. */
interface Stalled {
  readonly stream: PortalStream
  readonly written: Uint8Array[]
  readonly said: string[]
  readonly ends: string[]
  readonly take: () => void
}

function stalledStream(options: { readonly isExtended?: boolean; readonly dispatch?: () => Pressure } = {}): Stalled {
  const written: Uint8Array[] = []
  const taken: ((error?: Error | null) => void)[] = []
  const said: string[] = []
  const ends: string[] = []
  const socket = new Duplex({ read: () => undefined }) as Socket
  socket.write = (data: unknown, done: unknown): boolean => {
    written.push(data as Uint8Array)
    taken.push(done as () => void)
    return false
  }
  const stream = new PortalStream({
    socket: { socket, reader: eventReader(socket), remote: 'test', canReset: false },
    context: {
      dispatch: ({ payload }: { payload: Uint8Array }) => {
        said.push(hexOf(payload))
        return options.dispatch?.()
      },
    } as unknown as Context,
    clock: systemClock,
    onwardRoute: Route.of('there'),
    returnRoute: Route.of('here'),
    isExtended: options.isExtended ?? false,
    path: undefined,
    answersMarks: true,
    traffic: { sentBytes: 0, receivedBytes: 0 },
    windowBytes: 512 * 1024,
    maxInFlightBytes: 1024 * 1024,
    maxQueuedBytes: MAX_QUEUED_BYTES,
    stallTimeoutMs: 60_000,
    lingerTimeoutMs: 60_000,
    onOver: (reason) => void ends.push(reason),
  })
  const stalled = { stream, written, said, ends, take: () => taken.splice(0).forEach((done) => done()) }
  opened.push(stalled)
  return stalled
}

/** A Payload as it is decoded, with `junk` bytes behind it. */
function payload(data: Uint8Array, counter?: number, junk = 0): PortalMessage {
  const tail = counter === undefined ? [0] : [1, counter & 0xff, counter >>> 8]
  const head = data.length < 0x80 ? [3, data.length] : [3, (data.length & 0x7f) | 0x80, data.length >>> 7]
  const message = decodePortalMessage(Uint8Array.of(...head, ...data, ...tail, ...new Uint8Array(junk)))
  if (message === undefined) throw new Error('That is no Payload.')
  return message
}

describe('with an end of another make', () => {
  test('empty Payloads are not written, however many come', () => {
    const { stream, written, ends } = stalledStream()
    for (let i = 0; i < 1000; i++) expect(stream.receive(payload(new Uint8Array()))).toBeUndefined()
    expect(written).toEqual([])
    expect(ends).toEqual([])
  })

  test('empty Payloads count for the counter', () => {
    const { stream, written, ends } = stalledStream()
    dropPressure(stream.receive(payload(new Uint8Array(), 0)))
    dropPressure(stream.receive(payload(Uint8Array.of(7), 1)))
    expect(written).toHaveLength(1)
    dropPressure(stream.receive(payload(new Uint8Array(), 1)))
    expect(ends).toEqual(['protocol-violation'])
  })

  test('a byte with junk behind it does not keep the junk; a message that is data is not copied', () => {
    const { stream, written } = stalledStream()
    dropPressure(stream.receive(payload(Uint8Array.of(7), undefined, 40_000)))
    const large = payload(new Uint8Array(8000).fill(9))
    dropPressure(stream.receive(large))
    expect(written[0]).toEqual(Uint8Array.of(7))
    expect(written[0]?.buffer.byteLength).toBe(1)
    expect(written[1]).toBe((large as { data: Uint8Array }).data)
  })

  test('single bytes make the sender wait too, until half of them are taken', async () => {
    const { stream, written, take } = stalledStream()
    let pressure: Pressure
    while (pressure === undefined && written.length < 1000) pressure = stream.receive(payload(Uint8Array.of(7)))
    expect(pressure).toBeInstanceOf(Promise)
    expect(written.length).toBeLessThan(MAX_QUEUED_BYTES / 500)
    take()
    await pressure
    // All of it was taken off again: the next waits after just as many.
    const before = written.length
    pressure = undefined
    while (pressure === undefined && written.length < 1000) pressure = stream.receive(payload(Uint8Array.of(7)))
    expect(written.length - before).toBe(before)
  })
})

test('between our own ends an empty Payload gives its credit back at once', () => {
  const { stream, written, said, ends } = stalledStream({ isExtended: true })
  stream.start()
  for (let i = 0; i < 20_000; i++) dropPressure(stream.receive(payload(new Uint8Array(), i)))
  expect(ends).toEqual([])
  expect(written).toEqual([])
  // Credit, and nothing else.
  expect(said.every((hex) => hex.startsWith('04'))).toBe(true)
  expect(said.length).toBeGreaterThan(2)
})

describe('a peer that asks and does not read what it is answered', () => {
  const questions = ['00', '070000000000000000', '0600000000']

  test('makes nobody wait: what it asks for is sent, and the messages of others that come behind are handled', () => {
    const { stream, said } = stalledStream({ isExtended: true, dispatch: () => new Promise(() => undefined) })
    for (const hex of questions) expect(stream.receive(decodePortalMessage(bytesOf(hex)) as PortalMessage)).toBeUndefined()
    expect(said).toEqual(['01', '080000000000000000', '0600000000'])
  })

  test('ends its connection when there is no room for more answers', () => {
    for (const hex of questions) {
      const full = new OckamError('routing/mailbox-overflow', 'Full.')
      const { stream, ends } = stalledStream({
        isExtended: true,
        dispatch: () => {
          throw full
        },
      })
      dropPressure(stream.receive(decodePortalMessage(bytesOf(hex)) as PortalMessage))
      expect(ends).toEqual(['route-lost'])
    }
  })
})
