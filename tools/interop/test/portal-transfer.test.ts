/** What goes through portals between both kinds of nodes: much in both directions at once, along every way, and in many short connections. */

import { describe, expect, test } from 'vitest'
import { PORTALS, WAYS } from './fixture/portal-world.ts'
import { dial, drain, pour, readAll, startTarget } from './fixture/tcp-program.ts'

const MIB = 1024 * 1024

describe.each(PORTALS)('%s', (_name, open) => {
  /** Sends `length` bytes each way at the same time, over one connection. */
  async function exchange(length: number, way: (typeof WAYS)[number]): Promise<void> {
    let atTarget: Promise<readonly string[]> | undefined
    const target = await startTarget((socket) => {
      atTarget = Promise.all([drain(socket, length), pour(socket, length, 2)])
    })
    const { port, own } = await open(target, way)
    const socket = await dial(port)
    const [received, sent] = await Promise.all([drain(socket, length), pour(socket, length, 1)])
    expect(await atTarget).toEqual([sent, received])
    const counted = { sentBytes: length, receivedBytes: length, opened: 1, refused: {}, dropped: {} }
    expect(own.statistics()).toMatchObject(counted)
  }

  test('carry 100 MiB in each direction at once through a secure channel', { timeout: 180_000 }, async () => {
    await exchange(100 * MIB, 'channel')
  })

  test.each(WAYS)('carry 8 MiB in each direction at once (%s)', { timeout: 120_000 }, async (way) => {
    await exchange(8 * MIB, way)
  })

  test('carry 1000 short connections, twenty at a time, and keep none of them', { timeout: 120_000 }, async () => {
    const target = await startTarget((socket) => {
      let asked = ''
      socket.on('data', (chunk: Buffer) => {
        asked += String(chunk)
        if (asked.endsWith('\n')) socket.end(asked.repeat(100))
      })
    })
    const { port, own } = await open(target, 'channel')
    let next = 0
    const ask = async (): Promise<void> => {
      while (next < 1000) {
        const line = `connection ${next++}\n`
        const socket = await dial(port)
        socket.write(line)
        expect(String(await readAll(socket))).toBe(line.repeat(100))
        socket.destroy()
      }
    }
    await Promise.all(Array.from({ length: 20 }, ask))
    await expect.poll(() => own.statistics().connections, { timeout: 20_000 }).toBe(0)
    expect(own.statistics()).toMatchObject({ opened: 1000, refused: {} })
  })
})
