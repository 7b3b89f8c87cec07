import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { Route, systemClock, type TransportMessage } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../src/frame-reader.ts'
import { FrameWriter } from '../src/frame-writer.ts'
import { PartialBudget } from '../src/partial-budget.ts'
import { SlabPool } from '../src/slab-pool.ts'
import { WriteWatch } from '../src/write-watch.ts'

const message = (fill: number, length: number): TransportMessage => ({
  onwardRoute: Route.of('receiver'),
  returnRoute: Route.of('sender'),
  payload: new Uint8Array(length).fill(fill),
})

interface Write {
  readonly bytes: Uint8Array
  /** What the bytes were when they were handed over. */
  readonly copy: Uint8Array
  readonly complete: (error?: Error) => void
}

/** A socket whose writes complete when the test says so, as with a slow network. */
class SlowSocket extends EventEmitter {
  readonly writes: Write[] = []
  writableLength = 0
  writableCorked = 0

  cork(): void {
    this.writableCorked++
  }

  uncork(): void {
    this.writableCorked--
  }

  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean {
    this.writableLength += bytes.length
    const { length } = bytes
    const complete = (error: Error | null = null): void => {
      this.writableLength -= length
      done?.(error)
    }
    this.writes.push({ bytes, copy: bytes.slice(), complete })
    return false
  }

  /** Everything written so far, as the kernel would read it now. */
  get sent(): Uint8Array {
    return Buffer.concat(this.writes.map(({ bytes }) => bytes))
  }
}

const writing = (pressureBytes = 512 * 1024) => {
  const socket = new SlowSocket()
  const due: (() => void)[] = []
  const turns = { soon: (task: () => void) => void due.push(task), afterIo: (task: () => void) => void due.push(task) }
  const slabs = new SlabPool()
  const watch = new WriteWatch({ clock: systemClock, turns }, 0, socket as unknown as Socket, () => undefined)
  const writer = new FrameWriter(socket as unknown as Socket, slabs, turns, watch, { maxMessageBytes: 16 * 1024 * 1024, pressureBytes })
  const endTurn = (): void => {
    for (const task of due.splice(0)) task()
  }
  return { socket, writer, endTurn, slabs }
}

const framesIn = (bytes: Uint8Array): number => {
  let frames = 0
  const reader: FrameReader = new FrameReader(16 * 1024 * 1024, new PartialBudget(1e9), { network: 'a', evict: () => undefined }, () => {
    frames++
  })
  reader.push(bytes, 0, bytes.length)
  expect(reader.partialBytes).toBe(0)
  return frames
}

describe('The frame writer', () => {
  test('puts all small messages of a turn into one write', () => {
    const { socket, writer, endTurn } = writing()
    for (let i = 0; i < 500; i++) writer.write(message(i, 64))
    expect(socket.writes.length).toBe(0)
    endTurn()
    expect(socket.writes.length).toBe(1)
    expect(framesIn(socket.sent)).toBe(500)
  })

  test('uses a slab again only after the last write on it has completed', () => {
    const { socket, writer, endTurn } = writing()
    // Ten turns while nothing completes: ten slabs, none of them written to again.
    for (let turn = 0; turn < 10; turn++) {
      for (let i = 0; i < 100; i++) writer.write(message(turn, 300))
      endTurn()
    }
    for (const { bytes, copy } of socket.writes) expect(Buffer.compare(bytes, copy)).toBe(0)
    expect(new Set(socket.writes.map(({ bytes }) => bytes.buffer)).size).toBe(10)
    // One completes: its memory, and no other, is used by the next turn.
    const [first] = socket.writes as [Write]
    first.complete()
    writer.write(message(99, 300))
    endTurn()
    expect(socket.writes[10]?.bytes.buffer).toBe(first.bytes.buffer)
    for (const { bytes, copy } of socket.writes.slice(1)) expect(Buffer.compare(bytes, copy)).toBe(0)
  })

  test('keeps a slab until its last piece is written, not its first', () => {
    const { socket, writer, endTurn } = writing()
    writer.write(message(1, 100))
    writer.write(message(2, 100_000))
    writer.write(message(3, 100))
    endTurn()
    const [front, payload, back] = socket.writes as [Write, Write, Write]
    expect(socket.writes.length).toBe(3)
    expect(front.bytes.buffer).toBe(back.bytes.buffer)
    front.complete()
    payload.complete()
    writer.write(message(4, 100))
    endTurn()
    expect(socket.writes[3]?.bytes.buffer).not.toBe(back.bytes.buffer)
    back.complete()
    writer.write(message(5, 100))
    endTurn()
    expect(socket.writes[4]?.bytes.buffer).toBe(back.bytes.buffer)
  })

  test('hands large payloads over without copying them, in the right place', () => {
    const { socket, writer, endTurn } = writing()
    const large = message(7, 200_000)
    writer.write(message(6, 10))
    writer.write(large)
    writer.write(message(8, 10))
    endTurn()
    expect(socket.writes.some(({ bytes }) => bytes === large.payload)).toBe(true)
    expect(framesIn(socket.sent)).toBe(3)
    expect(socket.writableCorked).toBe(0)
  })

  test('gives the memory of a large payload back when it is written, if nobody else holds it', () => {
    const { socket, writer, endTurn } = writing()
    const memory = new Uint8Array(200_000).fill(3)
    const own = { ...message(1, 100_000), isExclusive: true }
    const failed = { ...message(2, 100_000), isExclusive: true }
    const shared = message(4, 100_000)
    const part = { ...message(0, 0), payload: memory.subarray(0, 100_000), isExclusive: true }
    for (const each of [own, failed, shared, part]) writer.write(each)
    endTurn()
    const written = (payload: Uint8Array): Write => socket.writes.find(({ bytes }) => bytes === payload) as Write
    const lengths = (): number[] => [own, failed, shared, part].map(({ payload }) => payload.length)
    expect(lengths()).toEqual([100_000, 100_000, 100_000, 100_000])
    written(own.payload).complete()
    written(failed.payload).complete(new Error('write EPIPE'))
    written(shared.payload).complete()
    written(part.payload).complete()
    expect(lengths()).toEqual([0, 100_000, 100_000, 100_000])
    expect(memory.every((byte) => byte === 3)).toBe(true)
  })

  test('leaves small payloads alone, which it has copied', () => {
    const { socket, writer, endTurn } = writing()
    const own = { ...message(1, 40_000), isExclusive: true }
    writer.write(own)
    endTurn()
    for (const { complete } of socket.writes) complete()
    expect(own.payload.length).toBe(40_000)
  })

  test('writes routes that are longer than a slab', () => {
    const { socket, writer, endTurn } = writing()
    const long = Route.of(...['a', 'b', 'c'].map((letter) => letter.repeat(65_000)))
    writer.write({ onwardRoute: long, returnRoute: Route.empty, payload: new Uint8Array(5) })
    writer.write({ onwardRoute: long, returnRoute: Route.empty, payload: new Uint8Array(100_000) })
    endTurn()
    expect(framesIn(socket.sent)).toBe(2)
  })

  test('refuses a message over the limit and stays as it was', () => {
    const { socket, writer, endTurn } = writing()
    expect(writer.write(message(1, 16 * 1024 * 1024))).toBe(false)
    endTurn()
    expect(socket.writes.length).toBe(0)
    expect(writer.write(message(1, 16 * 1024 * 1024 - 40))).toBe(true)
    endTurn()
    expect(framesIn(socket.sent)).toBe(1)
  })

  test('asks to wait above the bound and no longer below half of it', async () => {
    const { socket, writer, endTurn } = writing(100_000)
    let isOver = false
    for (let i = 0; i < 5; i++) {
      writer.write(message(i, 19_000))
      endTurn()
      expect(writer.pressure()).toBeUndefined()
    }
    writer.write(message(5, 19_000))
    endTurn()
    const pressure = writer.pressure()
    expect(pressure).toBeInstanceOf(Promise)
    expect(writer.pressure()).toBe(pressure)
    const over = pressure?.then(() => {
      isOver = true
    })
    for (let i = 0; i < 3; i++) socket.writes[i]?.complete()
    await Promise.resolve()
    expect(isOver).toBe(false)
    socket.writes[3]?.complete()
    await over
    expect(writer.pressure()).toBeUndefined()
  })
})
