/** A client or target that does not read: what it costs, and that it costs its neighbours nothing. */

import type { Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import { createTcpOutlet } from '../src/index.ts'
import { connectTo, cutOf, endSockets, pattern, readAll, readBytes, startServer, until } from './fixture/socket.ts'
import { Spender } from './fixture/spender.ts'
import { portalTo, World } from './fixture/world.ts'

const world = { current: new World() }
afterEach(async () => {
  endSockets()
  await world.current.close()
  world.current = new World()
})

const LARGE = 64 * 1024 * 1024
/** What system buffers of two loopback connections, reads in hand and one window may hold. */
const ON_THE_WAY = 24 * 1024 * 1024

/** Offers 64 MiB to whoever says `flood`, and echoes whatever else it gets. */
function startFloodServer(sent: { bytes: number }): Promise<number> {
  return startServer((socket) => {
    socket.once('data', (first) => {
      if (String(first) !== 'flood') {
        socket.write(first)
        socket.pipe(socket)
        return
      }
      const piece = pattern(64 * 1024)
      const offer = (): void => {
        while (sent.bytes < LARGE && !socket.destroyed) {
          sent.bytes += piece.length
          if (!socket.write(piece)) {
            socket.once('drain', offer)
            return
          }
        }
        socket.end()
      }
      offer()
    })
  })
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Objects and buffers, after everything that is garbage has gone. */
async function bytesInUse(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function echoes(port: number | undefined, length = 2_000_000): Promise<void> {
  const socket = await connectTo(port)
  const bytes = pattern(length, 7)
  socket.write(bytes)
  expect((await readBytes(socket, length)).equals(bytes)).toBe(true)
  socket.destroy()
}

describe('between our own ends', () => {
  test('a client that stands still holds its own window, its neighbours on the same channel go on, and it gets all when it reads again', async () => {
    const sent = { bytes: 0 }
    const { inlet, outlet } = await portalTo(world.current, await startFloodServer(sent))
    const stuck = await connectTo(inlet.port)
    stuck.pause()
    stuck.write('flood')
    await until(() => outlet.statistics().sentBytes > 512 * 1024, 'the flood began')
    for (let i = 0; i < 5; i++) await echoes(inlet.port)
    const held = inlet.statistics().receivedBytes
    expect(sent.bytes).toBeLessThan(ON_THE_WAY)
    for (let i = 0; i < 5; i++) await echoes(inlet.port)
    // Nothing more of the flood came while the neighbours were served.
    expect(inlet.statistics().receivedBytes - held).toBe(5 * 2_000_000)
    expect((await readAll(stuck)).length).toBe(LARGE)
  })

  test('a target that stands still stops its client, and no other', async () => {
    const served: Socket[] = []
    const port = await startServer((socket) => {
      served.push(socket)
      if (served.length > 1) socket.pipe(socket)
    })
    const { inlet, outlet } = await portalTo(world.current, port)
    const sender = await connectTo(inlet.port)
    sender.write(pattern(LARGE))
    await until(() => inlet.statistics().sentBytes >= 1024 * 1024, 'the flood began')
    for (let i = 0; i < 5; i++) await echoes(inlet.port)
    expect(outlet.statistics().receivedBytes).toBeLessThan(ON_THE_WAY)
    sender.end()
    expect((await readAll(served[0]!)).length).toBe(LARGE)
  })

  test('both directions at their limit do not block each other', async () => {
    const { inlet } = await portalTo(world.current, await startServer((socket) => void socket.pipe(socket)))
    const socket = await connectTo(inlet.port)
    const bytes = pattern(20_000_000)
    // Nothing is read before all is offered: both directions fill up.
    socket.pause()
    socket.end(bytes)
    await until(() => inlet.statistics().receivedBytes > 1024 * 1024, 'the answers began to wait')
    expect((await readAll(socket)).equals(bytes)).toBe(true)
  })

  test('single bytes hold no more memory than they cost credit, when their target stands still, and one more than there is credit for ends it', async () => {
    const served: Socket[] = []
    const server = await world.current.server()
    const client = await world.current.side()
    const to = await startServer((socket) => void served.push(socket.pause()))
    const outlet = await createTcpOutlet(server.node, 'outlet', { to, allow: [client.identifier] })
    const spenders: Spender[] = []
    for (let i = 0; i < 8; i++) spenders.push(await Spender.open(client, i))
    await until(() => served.length === 8, 'the target was reached')
    for (const spender of spenders) await spender.fill(450_000)
    const received = outlet.statistics().receivedBytes
    const before = await bytesInUse()
    let sent = 0
    for (const spender of spenders) sent += await spender.spend()
    await until(() => outlet.statistics().receivedBytes === received + sent, 'all single bytes have come')
    expect(sent).toBeGreaterThan(8 * 700)
    expect((await bytesInUse()) - before).toBeLessThan(sent * 513)
    expect(outlet.statistics().connections).toBe(8)
    for (const spender of spenders) await spender.send(1)
    await until(() => outlet.statistics().connections === 0, 'all have ended')
    expect(server.ledger.of('portals/connection-closed').map(({ reason }) => reason)).toEqual(Array(8).fill('protocol-violation'))
  })
})

describe('with an end of another make', () => {
  test('a client that reads slowly makes the sender wait, and gets all', async () => {
    const sent = { bytes: 0 }
    const { inlet } = await portalTo(world.current, await startFloodServer(sent), { outlet: { isExtended: false } })
    const socket = await connectTo(inlet.port)
    socket.pause()
    socket.write('flood')
    await until(() => inlet.statistics().receivedBytes > 1024 * 1024, 'the flood began')
    expect(sent.bytes).toBeLessThan(ON_THE_WAY)
    expect((await readAll(socket)).length).toBe(LARGE)
  })

  test('a client that takes nothing for the limit is cut off, so that its neighbours go on', async () => {
    const sent = { bytes: 0 }
    const { inlet, client } = await portalTo(world.current, await startFloodServer(sent), {
      outlet: { isExtended: false },
      inlet: { stallTimeoutMs: 300 },
    })
    const stuck = await connectTo(inlet.port)
    stuck.pause()
    stuck.write('flood')
    await until(() => client.ledger.of('portals/connection-closed').length === 1, 'it was ended')
    expect(client.ledger.of('portals/connection-closed')).toMatchObject([{ reason: 'stalled' }])
    await echoes(inlet.port)
    // Node does not see that it was a reset, when it was not reading at that time: what it can see is that not all has come.
    await cutOf(stuck)
    expect(stuck.bytesRead).toBeLessThan(LARGE)
  })

  test('what is left for a client after the other side has ended is kept as long as it takes something', async () => {
    const bytes = pattern(3_000_000)
    const { inlet } = await portalTo(world.current, await startServer((socket) => void socket.end(bytes)), {
      outlet: { isExtended: false },
      inlet: { maxQueuedBytes: 16 * 1024 * 1024 },
    })
    const socket = await connectTo(inlet.port)
    socket.pause()
    await until(() => inlet.statistics().opened === 1 && inlet.statistics().connections === 0, 'the outlet has ended')
    expect((await readAll(socket)).equals(bytes)).toBe(true)
  })

  test('and is given up when the client takes nothing for the limit', async () => {
    const { inlet } = await portalTo(world.current, await startServer((socket) => void socket.end(pattern(16_000_000))), {
      outlet: { isExtended: false },
      inlet: { maxQueuedBytes: 32 * 1024 * 1024, lingerTimeoutMs: 200 },
    })
    const socket = await connectTo(inlet.port)
    socket.pause()
    await until(() => inlet.statistics().opened === 1 && inlet.statistics().connections === 0, 'the outlet has ended')
    // A client that does not read only notices when it writes.
    await until(() => {
      socket.write('?')
      return socket.destroyed
    }, 'it was cut off')
    expect(socket.bytesRead).toBeLessThan(16_000_000)
  })
})
