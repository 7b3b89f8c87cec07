/** What goes through a portal arrives, in both directions, and ends as it ended on the other side. */

import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { connectTo, cutOf, endSockets, pattern, readAll, readBytes, startEchoServer, startServer, until } from './fixture/socket.ts'
import { portalTo, World } from './fixture/world.ts'

let world: World | undefined
const newWorld = (): World => (world = new World())
afterEach(async () => {
  endSockets()
  await world?.close()
})

const PLAIN = { isExtended: false }
/** Both ends ours; an inlet of another make; an outlet of another make. */
const MAKES = [
  { make: 'two ends of ours', options: {}, isExtended: true },
  { make: 'an inlet of another make', options: { inlet: PLAIN }, isExtended: false },
  { make: 'an outlet of another make', options: { outlet: PLAIN }, isExtended: false },
] as const

describe.each(MAKES)('with $make', ({ options, isExtended }) => {
  test('bytes arrive in both directions, unchanged and in order', async () => {
    const { inlet, outlet, client } = await portalTo(newWorld(), await startEchoServer(), options)
    const socket = await connectTo(inlet.port)
    const bytes = pattern(3_000_001)
    socket.write(bytes)
    expect((await readBytes(socket, bytes.length)).equals(bytes)).toBe(true)
    socket.write('again')
    expect(String(await readBytes(socket, 5))).toBe('again')
    expect(inlet.statistics()).toMatchObject({ connections: 1, opened: 1, sentBytes: 3_000_006, receivedBytes: 3_000_006, dropped: {} })
    expect(outlet.statistics()).toMatchObject({ connections: 1, opened: 1, sentBytes: 3_000_006, receivedBytes: 3_000_006, dropped: {} })
    expect(client.ledger.of('portals/connection-opened')).toMatchObject([{ isExtended }])
  })

  test('a server that speaks first is heard at once', async () => {
    const { inlet } = await portalTo(newWorld(), await startServer((socket) => void socket.write('220 ready\r\n')), options)
    expect(String(await readBytes(await connectTo(inlet.port), 11))).toBe('220 ready\r\n')
  })

  test('all that a server sent before it ended arrives before the end', async () => {
    const bytes = pattern(2_000_000)
    const { inlet, outlet } = await portalTo(newWorld(), await startServer((socket) => void socket.resume().end(bytes)), options)
    const socket = await connectTo(inlet.port)
    expect((await readAll(socket)).equals(bytes)).toBe(true)
    socket.end()
    await until(() => inlet.statistics().connections === 0 && outlet.statistics().connections === 0, 'both connections ended')
  })

  test('many connections at a time do not mix', async () => {
    const { inlet, outlet } = await portalTo(newWorld(), await startEchoServer(), options)
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const socket = await connectTo(inlet.port)
        const bytes = pattern(100_000 + i, i + 1)
        socket.write(bytes)
        expect((await readBytes(socket, bytes.length)).equals(bytes)).toBe(true)
        socket.destroy()
      }),
    )
    await until(() => inlet.statistics().connections === 0 && outlet.statistics().connections === 0, 'all connections ended')
    expect(inlet.statistics().opened).toBe(50)
  })
})

describe('half-close', () => {
  test('between our own ends: a client that has ended gets the whole answer', async () => {
    const serve = async (socket: Socket): Promise<void> => {
      const asked = await readAll(socket)
      socket.end(`${asked.length} bytes asked`)
    }
    const { inlet, outlet, client } = await portalTo(newWorld(), await startServer((socket) => void serve(socket)))
    const socket = await connectTo(inlet.port)
    socket.end(pattern(700_000))
    expect(String(await readAll(socket))).toBe('700000 bytes asked')
    await until(() => inlet.statistics().connections === 0 && outlet.statistics().connections === 0, 'both connections ended')
    expect(client.ledger.of('portals/connection-closed')).toMatchObject([{ reason: 'ended' }])
  })

  test('with an end of another make: an end is a Disconnect, both directions end, what was sent before arrives', async () => {
    const heard: string[] = []
    const serve = (socket: Socket): void => {
      socket.on('data', (bytes) => heard.push(String(bytes)))
      socket.on('end', () => heard.push('end'))
    }
    const { inlet } = await portalTo(newWorld(), await startServer(serve), { outlet: PLAIN })
    const socket = await connectTo(inlet.port)
    socket.end('last words')
    expect(String(await readAll(socket))).toBe('')
    await until(() => heard.includes('end'), 'the server saw the end')
    expect(heard.join('')).toBe('last wordsend')
  })
})

describe('what ends otherwise', () => {
  test('a server that is cut off cuts its client off: half an answer does not look whole', async () => {
    const { inlet } = await portalTo(
      newWorld(),
      await startServer((socket) => {
        socket.once('data', () => socket.resetAndDestroy())
        socket.write('half of it')
      }),
    )
    const socket = await connectTo(inlet.port)
    // Node takes a reset for an end when both come with the last bytes; so these are read first.
    await readBytes(socket, 10)
    socket.write('go on')
    expect(await cutOf(socket)).toBe('ECONNRESET')
  })

  test('a client that is cut off cuts its server off', async () => {
    const served: Socket[] = []
    const { inlet } = await portalTo(newWorld(), await startServer((socket) => void served.push(socket)))
    const socket = await connectTo(inlet.port)
    socket.write('x')
    await until(() => served.length === 1, 'the server was reached')
    await readBytes(served[0] as Socket, 1)
    const ended = cutOf(served[0] as Socket)
    socket.resetAndDestroy()
    expect(await ended).toBe('ECONNRESET')
  })

  test('closing the inlet ends its connections and frees its port', async () => {
    const { inlet, outlet } = await portalTo(newWorld(), await startEchoServer())
    const socket = await connectTo(inlet.port)
    socket.write('x')
    await readBytes(socket, 1)
    const ended = cutOf(socket)
    await inlet.close()
    expect(await ended).toBe('ECONNRESET')
    await expect(connectTo(inlet.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await until(() => outlet.statistics().connections === 0, 'the outlet was told')
    await inlet.close()
  })

  test('closing the inlet lets go of a client that has not taken all that came before the end', async () => {
    const bytes = pattern(24_000_000)
    const { inlet, outlet } = await portalTo(newWorld(), await startServer((socket) => void socket.end(bytes)), {
      inlet: { windowBytes: 32 * 1024 * 1024 },
    })
    const socket = await connectTo(inlet.port)
    socket.pause()
    await until(() => outlet.statistics().sentBytes === bytes.length, 'all of it was sent')
    await until(() => inlet.statistics().receivedBytes === bytes.length, 'all of it has come')
    const served = inlet.close()
    await cutOf(socket)
    await served
    expect(socket.bytesRead).toBeLessThan(bytes.length)
    await until(() => outlet.statistics().connections === 0, 'the outlet was told')
  })

  test('closing the node closes the sockets of connections that have ended too, though their clients never end', async () => {
    const port = await startServer((socket) => void socket.end('all there is'))
    const { inlet, client } = await portalTo(newWorld(), port, { outlet: PLAIN })
    const socket = await connectTo(inlet.port)
    expect(String(await readAll(socket))).toBe('all there is')
    await until(() => inlet.statistics().connections === 0, 'the connection has ended')
    expect(inlet.statistics().lingering).toBe(1)
    await client.node.close()
    expect(inlet.statistics().lingering).toBe(0)
    await until(() => {
      socket.write('?')
      return socket.destroyed
    }, 'the client was cut off')
  })

  test('closing the node closes its inlets and outlets', async () => {
    const { inlet, client, server, outlet } = await portalTo(newWorld(), await startEchoServer())
    const socket = await connectTo(inlet.port)
    socket.write('x')
    await readBytes(socket, 1)
    await client.node.close()
    await expect(connectTo(inlet.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await until(() => outlet.statistics().connections === 0, 'the outlet noticed')
    await server.node.close()
  })

  test('a channel that is gone cuts the connections that it carried, on both sides', async () => {
    const served: Socket[] = []
    const { inlet, client, outlet } = await portalTo(newWorld(), await startServer((socket) => void served.push(socket)))
    const socket = await connectTo(inlet.port)
    socket.write('x')
    await until(() => served.length === 1, 'the server was reached')
    await readBytes(served[0] as Socket, 1)
    const both = [cutOf(socket), cutOf(served[0] as Socket)]
    await client.node.channels.close({ timeoutMs: 1000 })
    expect(await Promise.all(both)).toEqual(['ECONNRESET', 'ECONNRESET'])
    await until(() => inlet.statistics().connections === 0 && outlet.statistics().connections === 0, 'both connections ended')
  })

  test('an outlet that cannot reach its target says so, and the client is cut off', async () => {
    const port = await startEchoServer()
    endSockets()
    const { inlet, outlet, server } = await portalTo(newWorld(), port)
    const socket = await connectTo(inlet.port)
    expect(await cutOf(socket)).toBe('ECONNRESET')
    expect(inlet.statistics()).toMatchObject({ connections: 0, opened: 0, refused: { 'target-unreachable': 1 } })
    expect(outlet.statistics()).toMatchObject({ connections: 0, refused: { 'target-unreachable': 1 } })
    expect(server.ledger.of('portals/connection-refused')).toMatchObject([{ reason: 'target-unreachable', code: 'ECONNREFUSED' }])
  })
})
