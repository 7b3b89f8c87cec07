import { EventEmitter } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withOwnMemory } from '../src/accepted-socket.ts'
import { ReadSlab, SlabBudget } from '../src/read-slab.ts'
import { until, withTransport } from './raw-peer.ts'

const KIB = 1024
const GOOD = '0000001a 83818200446563686f81820046636c69656e74460568656c6c6f'

/** A slab with what Node does with it: asks for memory, and reads into it. */
function reading(budget = new SlabBudget(), frameLength = 100) {
  const slab = new ReadSlab(budget)
  const socket = new EventEmitter()
  const views: Uint8Array[] = []
  const receive = (bytes: Uint8Array, from: number, to: number): void => void views.push(bytes.subarray(from, to))
  slab.serve(socket as Socket, { frameLength, receive })
  const { buffer, callback } = slab.onread as { buffer: () => Uint8Array; callback: (length: number, bytes: Uint8Array) => boolean }
  let room = buffer()
  const read = (wanted: number, content = 0): number => {
    const length = Math.min(wanted, room.length)
    room.fill(content, 0, length)
    callback(length, room)
    room = buffer()
    return length
  }
  return { onread: slab.onread, views, read, close: () => socket.emit('close'), room: () => room.length }
}

describe('What a socket reads into', () => {
  test('is never read into again', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300_000 }), { maxLength: 60 }), (lengths) => {
        const { views, read } = reading()
        const expected = lengths.map((length, number) => [read(length, number), number] as const)
        expect(views.map((view) => [view.length, view[0]])).toEqual(expected)
        for (const [number, view] of views.entries()) expect(view.every((byte) => byte === number)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    [100, 128 * KIB],
    [64 * KIB, 256 * KIB],
  ])('grows while reads fill it, for frames of %i bytes up to %i bytes', (frameLength, largest) => {
    const { read, room } = reading(new SlabBudget(), frameLength)
    const rooms = Array.from({ length: 8 }, () => {
      read(Infinity)
      return room()
    })
    expect(rooms[0]).toBe(32 * KIB)
    expect(Math.max(...rooms)).toBe(largest)
    expect(rooms.at(-1)).toBe(largest)
  })

  test('stays small for an idle connection, and when what all may hold is used up', () => {
    const budget = new SlabBudget(1024 * KIB)
    const all = Array.from({ length: 100 }, () => reading(budget, 64 * KIB))
    expect(budget.used).toBe(0)
    for (const { read } of all) for (let i = 0; i < 10; i++) expect(read(Infinity)).toBeGreaterThanOrEqual(8 * KIB)
    expect(budget.used).toBeGreaterThan(700 * KIB)
    expect(budget.used).toBeLessThanOrEqual(1024 * KIB)
    expect(all.filter(({ room }) => room() === 16 * KIB).length).toBeGreaterThan(90)
    for (const { close } of all) close()
    expect(budget.used).toBe(0)
  })
})

describe('An accepted socket', () => {
  test('gives its place back when it is closed, by whomever', () =>
    withTransport({ maxConnections: 2 }, async ({ services, dial }) => {
      const first = await dial()
      const port = first.socket.remotePort as number
      const open = async (): Promise<Socket> => {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => undefined)
        await new Promise((resolve) => socket.once('close', resolve).once('data', resolve))
        return socket
      }
      for (let round = 0; round < 6; round++) {
        const second = await open()
        const third = await open()
        expect([second.destroyed, third.destroyed]).toEqual([false, true])
        const connection = services.acceptances.at(-1)?.connection
        if (round % 2 === 0) second.destroy()
        else await connection?.close()
        await connection?.closed
      }
      expect(services.acceptances).toHaveLength(7)
    }))

  test('is read by events where Node offers nothing else', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const probe = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const handle = (probe as unknown as { readonly _handle: object })._handle
    probe.destroy()
    server.close()
    let prototype: object = Object.getPrototypeOf(handle) as object
    while (!Object.hasOwn(prototype, 'useUserBuffer')) prototype = Object.getPrototypeOf(prototype) as object
    const descriptor = Object.getOwnPropertyDescriptor(prototype, 'useUserBuffer') as PropertyDescriptor
    Object.defineProperty(prototype, 'useUserBuffer', { value: undefined, configurable: true })
    try {
      await withTransport({ maxConnections: 1 }, async ({ services, dial }) => {
        const peer = await dial()
        peer.write(`01 ${GOOD}`)
        await until(() => services.deliveries.length === 1, 'the message arrives')
        peer.socket.destroy()
      })
    } finally {
      Object.defineProperty(prototype, 'useUserBuffer', descriptor)
    }
  })

  test('is left as it is when it is not one that a server has just accepted', () => {
    const strange = { _handle: { useUserBuffer: () => undefined }, _server: null, bytesRead: 0 }
    const before = { ...strange }
    expect(withOwnMemory(strange as unknown as Socket, reading().onread)).toBeUndefined()
    expect(strange).toEqual(before)
  })
})
