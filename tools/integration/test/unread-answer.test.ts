/** A stranger who asks for more than he ever reads, over a real socket: the service goes on for everybody else. */

import { connect, type Socket } from 'node:net'
import { encodeTransportMessage, Route, type WorkerFunction } from '@ockam/core'
import { messagePack, unchecked } from '@ockam/core/message-pack'
import { createNode, type OckamNode } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from './fixture/child.ts'

const REQUESTS = 400
const LENGTH = 60_000
const texts = messagePack({ request: unchecked<string>(), response: unchecked<string>() })

const nodes: OckamNode[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const node of nodes.splice(0)) await node.close()
})

/** Connects, says its version, asks, and reads nothing. */
function askWithoutReading(port: number, payload: Uint8Array): void {
  const message = encodeTransportMessage({ onwardRoute: Route.of('service'), returnRoute: Route.of('me'), payload })
  const frame = Buffer.alloc(4 + message.length)
  frame.writeUInt32BE(message.length)
  frame.set(message, 4)
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.pause()
  socket.write(Uint8Array.of(1))
  for (let i = 0; i < REQUESTS; i++) socket.write(frame)
}

const services: readonly (readonly [string, () => WorkerFunction])[] = [
  ['made from a schema', () => texts.worker((text) => text)],
  ['that replies', () => (message, context) => context.reply(message, message.payload)],
]

describe('400 requests of somebody who reads no answer', () => {
  test.each(services)(
    'to a service %s are handled, what does not fit is dropped and counted, and others are answered meanwhile',
    async (_, start) => {
      const server = await createNode({ transports: [tcp()] })
      const client = await createNode({ transports: [tcp()] })
      nodes.push(server, client)
      let handled = 0
      const worker = start()
      server.startWorker(
        'service',
        async (message, context) => {
          await worker(message, context)
          handled++
        },
        { from: 'anyone' },
      )
      const { address } = await server.listen('/ip4/127.0.0.1/tcp/0')
      const connection = await client.connect(address)
      const ask = async (text: string): Promise<string> => {
        const request = texts.encodeRequest(7, text)
        const { payload } = await client.request([connection.address, 'service'], request, { timeoutMs: 10_000 })
        // The one that replies gives the request back.
        return payload.length === request.length && payload[1] === 1 ? text : texts.decodeReply(payload, 7)
      }

      expect(await ask('before')).toBe('before')
      askWithoutReading(Number(address.pieces.at(-1)?.value), texts.encodeRequest(1, 'x'.repeat(LENGTH)))
      let answers = 1
      await until(
        async () => {
          expect(await ask('meanwhile')).toBe('meanwhile')
          return handled - ++answers
        },
        (ofTheStranger) => ofTheStranger === REQUESTS,
        'all requests of the stranger are handled',
      )
      const { dropped, waitingBytes } = server.router.statistics()
      expect(Object.keys(dropped)).toEqual(['nobody-reads'])
      expect(dropped['nobody-reads']).toBeGreaterThan(REQUESTS / 4)
      expect(waitingBytes).toBeLessThan(4 * 1024 * 1024)
    },
  )
})
