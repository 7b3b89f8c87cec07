/** When a Rust node ends a UDP puncture: as long as it is answered it goes on, and some time after the last Pong it falls silent. */

import { expect, test } from 'vitest'
import { byteString, DatagramClient, partsOf, routingMessage } from './fixture/datagram-client.ts'
import { negotiatePuncture } from './fixture/puncture.ts'

/** Pings come every second; ten seconds without a Pong are the end. */
const TIMEOUT = 120_000
const PING = '820080'
const PONG = '820180'
const SILENCE_MS = 3000

test(
  'a Rust node keeps a puncture open while its Pings are answered, and ends it when no Pong has come for ten seconds, whatever else comes',
  async () => {
    const client = await DatagramClient.to('127.0.0.1:9')
    const { peer, worker } = await negotiatePuncture(client)
    let number = 0
    const send = (content: string): void => client.send(...partsOf(++number, routingMessage([worker], ['me'], content)))
    const count = (content: string): number => client.received.filter((one) => one.endsWith(`${byteString(content)}627b7d`)).length
    const workers = async (): Promise<number> => (await peer.ask('peer.workers')).workers.length

    await expect.poll(() => count(PING)).toBeGreaterThan(0)
    send(PING)
    await expect.poll(() => count(PONG)).toBe(1)
    for (let answered = 0; answered < 13; answered++) {
      const before = count(PING)
      await expect.poll(() => count(PING)).toBeGreaterThan(before)
      send(PONG)
    }
    const [open, answers] = [await workers(), count(PONG)]
    const isEnded = async (): Promise<boolean> => {
      send(PING)
      return (await workers()) < open
    }
    await expect.poll(isEnded, { interval: 500, timeout: 60_000 }).toBe(true)
    expect(count(PONG)).toBeGreaterThan(answers)

    const received = client.received.length
    send(PING)
    await new Promise((resolve) => setTimeout(resolve, SILENCE_MS))
    expect(client.received).toHaveLength(received)
  },
  TIMEOUT,
)
