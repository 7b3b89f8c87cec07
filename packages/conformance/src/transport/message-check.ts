/**
 * Checks of what a transport carries: every message once, in order, byte for byte, and in memory that stays as it is.
 */

import { type BatchConnection, type Connection, Route, type TransportMessage } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { expectSame, expectThat } from './assertion.ts'
import {
  expectNumbered,
  isEqual,
  MAX_ADDRESSES,
  numberedMessage,
  numberedPayload,
  type Side,
  sendNumbered,
  type TransportFixture,
} from './transport-fixture.ts'

const messagesOf = (side: Side): readonly TransportMessage[] => side.services.deliveries.map(({ message }) => message)

export function messageChecks(fixture: TransportFixture): readonly ConformanceCheck[] {
  const arrived = (side: Side, count: number): Promise<void> =>
    fixture.until(() => side.services.deliveries.length >= count, `${count} messages arrive`)

  return [
    {
      name: 'carries routes and payload in both directions as they are',
      run: () =>
        fixture.withPair(async ({ server, client, dialled, accepted }) => {
          const request = { onwardRoute: Route.of('echo'), returnRoute: Route.of('a', '2#b', 'c'), payload: Uint8Array.of(1, 2, 3) }
          const reply = { onwardRoute: request.returnRoute, returnRoute: Route.empty, payload: Uint8Array.of(4) }
          await dialled.send(request)
          await arrived(server, 1)
          await accepted.send(reply)
          await arrived(client, 1)
          for (const [side, sent, connection] of [
            [server, request, accepted],
            [client, reply, dialled],
          ] as const) {
            const { message, connection: over } = side.services.deliveries[0] as { message: TransportMessage; connection: Connection }
            expectSame(message.onwardRoute.toString(), sent.onwardRoute.toString(), 'the onward route')
            expectSame(message.returnRoute.toString(), sent.returnRoute.toString(), 'the return route')
            expectThat(isEqual(message.payload, sent.payload), 'The payload arrives as it was sent.')
            expectThat(over === connection, 'A message is delivered with the connection it came over.')
          }
        }),
    },
    {
      name: 'carries as many addresses as the receiving node allows',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const names = Array.from({ length: MAX_ADDRESSES / 2 }, (_, i) => `hop-${i}`)
          await dialled.send({ onwardRoute: Route.of(...names), returnRoute: Route.of(...names), payload: Uint8Array.of(1) })
          await arrived(server, 1)
          const { onwardRoute, returnRoute } = messagesOf(server)[0] as TransportMessage
          expectSame(onwardRoute.toString(), Route.of(...names).toString(), 'the onward route')
          expectSame(returnRoute.toString(), Route.of(...names).toString(), 'the return route')
        }),
    },
    {
      name: 'carries payloads of every size from nothing to the limit',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const around = [0, 1, 4, 23, 24, 255, 256, 65_535, 65_536, 100_000, 131_072, 262_144].filter(
            (size) => size < fixture.maxPayloadBytes,
          )
          const sizes = [...around, fixture.maxPayloadBytes, 5]
          await sendNumbered(dialled, sizes.length, (index) => sizes[index] as number)
          await arrived(server, sizes.length)
          expectNumbered(messagesOf(server), sizes.length, (index) => sizes[index] as number)
        }),
    },
    {
      name: 'delivers many small messages once each and in order',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          await sendNumbered(dialled, 5_000, () => 64)
          await arrived(server, 5_000)
          await fixture.quiet()
          expectNumbered(messagesOf(server), 5_000, () => 64)
        }),
    },
    {
      name: 'keeps the order of messages of mixed sizes, sent singly and in batches',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const lengthOf = (index: number): number => (index % 10 === 0 ? Math.min(70_000, fixture.maxPayloadBytes) : (index * 37) % 2_000)
          const messages = Array.from({ length: 300 }, (_, index) => numberedMessage(index, lengthOf(index)))
          const { sendBatch } = dialled as Partial<BatchConnection>
          for (let at = 0; at < messages.length; at += 30) {
            await dialled.send(messages[at] as TransportMessage)
            const batch = messages.slice(at + 1, at + 30)
            if (sendBatch === undefined) for (const message of batch) await dialled.send(message)
            else await sendBatch.call(dialled, batch)
          }
          await arrived(server, messages.length)
          expectNumbered(messagesOf(server), messages.length, lengthOf)
        }),
    },
    {
      name: 'carries both directions at the same time',
      run: () =>
        fixture.withPair(async ({ server, client, dialled, accepted }) => {
          const lengthOf = (index: number): number => (index * 61) % 3_000
          await Promise.all([sendNumbered(dialled, 1_000, lengthOf), sendNumbered(accepted, 1_000, lengthOf)])
          await arrived(server, 1_000)
          await arrived(client, 1_000)
          expectNumbered(messagesOf(server), 1_000, lengthOf)
          expectNumbered(messagesOf(client), 1_000, lengthOf)
        }),
    },
    {
      name: 'delivers payloads as plain Uint8Array',
      run: () =>
        fixture.withPair(async ({ server, client, dialled, accepted }) => {
          const sizes = [0, 10, 5_000, Math.min(200_000, fixture.maxPayloadBytes)]
          await sendNumbered(dialled, sizes.length, (index) => sizes[index] as number)
          await sendNumbered(accepted, sizes.length, (index) => sizes[index] as number)
          await arrived(server, sizes.length)
          await arrived(client, sizes.length)
          for (const { payload } of [...messagesOf(server), ...messagesOf(client)]) {
            expectThat(
              Object.getPrototypeOf(payload) === Uint8Array.prototype,
              `A payload of ${payload.length} bytes is a ${payload.constructor.name}, not a plain Uint8Array.`,
            )
          }
        }),
    },
    {
      name: 'never changes a payload after it was delivered',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const lengthOf = (index: number): number => 100 + ((index * 131) % 5_000)
          const copies: Uint8Array[] = []
          server.services.onDeliver = ({ message }) => {
            copies.push(message.payload.slice())
            return undefined
          }
          // In several goes, so that memory that is used twice shows.
          for (let go = 0; go < 10; go++) {
            for (let index = go * 100; index < (go + 1) * 100; index++) await dialled.send(numberedMessage(index, lengthOf(index)))
            await arrived(server, (go + 1) * 100)
          }
          const kept = messagesOf(server)
          for (const [index, copy] of copies.entries()) {
            const { payload } = kept[index] as TransportMessage
            expectThat(isEqual(payload, copy), `The payload of message ${index} was changed after it was delivered.`)
          }
          expectNumbered(kept, 1_000, lengthOf)
        }),
    },
    {
      name: 'marks a payload exclusive only when overwriting it harms no other message',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const shared = numberedPayload(0, 500)
          const sent = shared.slice()
          const routes = numberedMessage(0, 0)
          const seen: Uint8Array[] = []
          server.services.onDeliver = ({ message, isExclusive }) => {
            seen.push(message.payload.slice())
            if (isExclusive) message.payload.fill(0xee)
            return undefined
          }
          for (let i = 0; i < 200; i++) await dialled.send({ ...routes, payload: shared })
          await arrived(server, 200)
          for (const [index, payload] of seen.entries())
            expectThat(isEqual(payload, sent), `Message ${index} was damaged by overwriting an earlier one that was marked exclusive.`)
          expectThat(isEqual(shared, sent), "The sender's own array was overwritten through a payload that was marked exclusive.")
        }),
    },
    {
      name: 'does not write to what it sends',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const sizes = [0, 10, 5_000, Math.min(200_000, fixture.maxPayloadBytes)]
          const messages = sizes.map((size, index) => numberedMessage(index, size))
          for (const message of messages) await dialled.send(message)
          await arrived(server, messages.length)
          expectNumbered(messages, messages.length, (index) => sizes[index] as number)
        }),
    },
    {
      name: 'sends payloads that nobody else holds, singly and in batches, before it uses their memory for anything else',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const lengthOf = (index: number): number => Math.min(64 * 1024, fixture.maxPayloadBytes) - (index % 3)
          const own = (index: number): TransportMessage => ({ ...numberedMessage(index, lengthOf(index)), isExclusive: true })
          const batching = dialled as Connection & Partial<BatchConnection>
          for (let index = 0; index < 64; index += 4) {
            const messages = [own(index), own(index + 1), own(index + 2), own(index + 3)]
            if (batching.sendBatch !== undefined && index % 8 === 0) await batching.sendBatch(messages)
            else for (const message of messages) await dialled.send(message)
          }
          await arrived(server, 64)
          expectNumbered(messagesOf(server), 64, lengthOf)
        }),
    },
    {
      name: 'refuses a message over its limit and carries on',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const payload = new Uint8Array(fixture.options.tooLargeBytes ?? 16 * 1024 * 1024 + 1)
          let code: unknown
          try {
            await dialled.send({ ...numberedMessage(0, 0), payload })
          } catch (error) {
            code = (error as { code?: unknown }).code
          }
          expectSame(code, 'transport/message-too-large', `the error of sending ${payload.length} bytes`)
          await dialled.send(numberedMessage(0, 10))
          await arrived(server, 1)
          expectNumbered(messagesOf(server), 1, () => 10)
        }),
    },
  ]
}
