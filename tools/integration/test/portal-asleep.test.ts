/**
 * A node with inlets that does not run while its clients download, as a laptop whose lid is closed: whoever else uses the same service through the same
 * relay notices nothing. With `npm run soak` it sleeps for a minute.
 */

import { createCipheriv, createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { MIB } from './fixture/bound.ts'
import { Child, endChildren, until } from './fixture/child.ts'
import { ask, DigestReader, echoes, endClients } from './fixture/portal-client.ts'
import { PortalWorld } from './fixture/portal-world.ts'

afterEach(async () => {
  endClients()
  await endChildren()
})

const ASLEEP_MS = process.env.OCKAM_SOAK === '1' ? 60_000 : 0
const DOWNLOADS = 20
const BYTES = 16 * MIB

test(
  'a node that sleeps in the middle of 20 downloads silences nobody else; when it wakes up its downloads go on',
  async () => {
    const world = await PortalWorld.start()
    const target = await Child.start('portal-target')
    const portal = await world.portalTo(target.ready as number)
    const port = await portal.neighbour()
    const conversation = await ask(port, 'echo')
    await says(conversation, 'hello')

    const downloads = await Promise.all(
      Array.from({ length: DOWNLOADS }, async () => new DigestReader(await ask(portal.port, `flood ${BYTES}`))),
    )
    const digests = Promise.all(downloads.map((download) => download.finish()))
    // Waited for below.
    digests.catch(() => undefined)
    await until(
      () => portal.statistics(),
      ({ inlet }) => inlet.receivedBytes > DOWNLOADS * MIB,
      'the downloads are under way',
    )
    world.inlet.suspend()
    // What waits for it has filled all it may fill when the service sends no more.
    let sent = -1
    let looks = 0
    await until(
      async () => {
        const { sentBytes } = await world.outlet.ask<{ readonly sentBytes: number }>('portal', portal.name)
        looks = sentBytes === sent ? looks + 1 : 0
        sent = sentBytes
        return looks
      },
      (unchanged) => unchanged >= 20,
      'the downloads came to rest',
    )
    expect(sent).toBeLessThan(DOWNLOADS * BYTES)
    for (let i = 0; i < 10; i++) {
      await echoes(port, 256 * 1024)
      await says(conversation, `still here ${i}`)
    }
    await sleep(ASLEEP_MS)
    await echoes(port, 4 * MIB)
    await says(conversation, 'and here')

    world.inlet.resume()
    const stream = createCipheriv('aes-128-ctr', new Uint8Array(16), new Uint8Array(16))
    const digest = createHash('sha256')
      .update(stream.update(new Uint8Array(BYTES)))
      .digest('hex')
    expect(await digests).toEqual(Array(DOWNLOADS).fill(digest))
    await says(conversation, 'bye')
  },
  120_000 + ASLEEP_MS,
)

/** Sends a line to an echo that has nothing else under way, and reads it. */
async function says(socket: Socket, text: string): Promise<void> {
  socket.write(text)
  let came = ''
  while (came.length < text.length) {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) await once(socket, 'readable')
    else came += String(chunk)
  }
  expect(came).toBe(text)
}
