import type { Socket } from 'node:net'
import { ManualClock, RecordingServices } from '@ockam/conformance'
import { type Connection, dropPressure, Route } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { WriteWatch } from '../src/write-watch.ts'
import { type Bench, type RawPeer, settle, until, withTransport } from './raw-peer.ts'

const STALL_MS = 120_000
const MIB = 1024 * 1024

const message = (length: number) => ({ onwardRoute: Route.of('a'), returnRoute: Route.of('b'), payload: new Uint8Array(length) })

interface Pair {
  readonly peer: RawPeer
  /** Our end. */
  readonly connection: Connection
}

/** Connections that have greeted each other, by who opened them. */
const KINDS: Readonly<Record<string, (bench: Bench) => Promise<Pair>>> = {
  'a connection that the peer opened': async ({ services, dial }) => {
    const peer = await dial()
    await until(() => services.acceptances.length > 0, 'it is accepted')
    const [{ connection }] = services.acceptances.splice(0) as [(typeof services.acceptances)[0]]
    return greeted({ peer, connection })
  },
  'a connection that we opened': async ({ accept }) => greeted(await accept()),
}

async function greeted(pair: Pair): Promise<Pair> {
  pair.peer.write('01')
  await until(() => pair.peer.received === '01', 'both sides have said their version')
  await settle()
  return pair
}

/** Sends to a peer that reads nothing until bytes wait that the operating system does not take. */
async function stall({ peer, connection }: Pair): Promise<{ hasEnded: boolean; readonly pressure: Promise<void> }> {
  peer.socket.pause()
  for (let i = 0; i < 4; i++) {
    const pressure = connection.send(message(15_000_000))
    if (pressure === undefined) continue
    const waiting = { hasEnded: false, pressure }
    dropPressure(
      pressure.then(() => {
        waiting.hasEnded = true
      }),
    )
    for (let moment = 0; moment < 4; moment++) await settle()
    if (!waiting.hasEnded) return waiting
  }
  throw new Error('The operating system takes 60 megabytes that nobody reads.')
}

for (const [kind, open] of Object.entries(KINDS)) {
  describe(`A peer that takes nothing, on ${kind}`, () => {
    test('is cut after stallTimeoutMs, and whoever waits for it waits no longer', () =>
      withTransport({ stallTimeoutMs: 120 }, async (bench) => {
        const codes: unknown[] = []
        bench.services.onEvent = (name, details) => codes.push([name, details?.code])
        const pair = await open(bench)
        const honest = await open(bench)
        const { pressure } = await stall(pair)
        expect(await pair.connection.closed).toBe('error')
        await pressure
        expect(pair.connection.send(message(10))).toBeUndefined()
        expect(codes).toEqual([['transport/connection-failed', 'transport/timeout']])
        await honest.connection.send(message(10))
        await until(() => honest.peer.received.length > 2, 'the honest peer is served')
      }))

    test('is given 120 seconds when nothing else was said', () => {
      const clock = new ManualClock()
      return withTransport(
        { maxUnsentBytes: 100_000_000 },
        async (bench) => {
          const pair = await open(bench)
          const waiting = await stall(pair)
          clock.advance(STALL_MS - 1)
          await settle()
          expect(waiting.hasEnded).toBe(false)
          // What was taken while it was filled counts as progress; a stall is found a quarter late at most.
          clock.advance(STALL_MS / 4 + 1)
          expect(await pair.connection.closed).toBe('error')
          await waiting.pressure
        },
        new RecordingServices(clock),
      )
    })

    test('gets one frame of 16 MiB, however slowly it takes it', () => {
      const clock = new ManualClock()
      return withTransport(
        {},
        async (bench) => {
          const { peer, connection } = await open(bench)
          const services = bench.services
          // `data` events would hold the hundreds of chunks of a read that was asked for: this reader counts and forgets.
          peer.socket.removeAllListeners('data').pause()
          let read = 0
          const readUpTo = async (bytes: number): Promise<void> => {
            await until(() => {
              for (let chunk: Buffer | null = null; read < bytes && (chunk = peer.socket.read() as Buffer | null) !== null; )
                read += chunk.length
              return read >= bytes
            }, `${bytes} bytes are read`)
          }
          const frame = 16 * MIB
          const pressure = connection.send(message(frame - 17))
          // In parts that are larger than what an operating system takes at a time, which is up to a third of what it holds.
          for (let part = 1; part <= 4; part++) {
            await readUpTo(part * 4 * MIB)
            await settle()
            clock.advance(STALL_MS / 2)
            await settle()
          }
          await pressure
          await readUpTo(4 + frame)
          expect(services.events).toEqual([])
        },
        new RecordingServices(clock),
      )
    })

    test('is not watched with 0', () => {
      const clock = new ManualClock()
      return withTransport(
        { stallTimeoutMs: 0 },
        async (bench) => {
          const waiting = await stall(await open(bench))
          expect(clock.waiting).toBe(0)
          expect(waiting.hasEnded).toBe(false)
        },
        new RecordingServices(clock),
      )
    })
  })
}

describe('The watch over writes', () => {
  /** A socket of which the test says how much waits and how much was taken. */
  const watching = () => {
    const handle = { bytesWritten: 0, writeQueueSize: 0 }
    const socket = { _handle: handle, writableLength: 0 }
    const clock = new ManualClock()
    const due: (() => void)[] = []
    const turns = { soon: (task: () => void) => void due.push(task), afterIo: (task: () => void) => void due.push(task) }
    const problems: string[] = []
    const watch = new WriteWatch({ clock, turns }, 1_000, socket as unknown as Socket, (problem) => problems.push(problem))
    return {
      clock,
      watch,
      problems,
      write: (bytes: number): void => {
        handle.bytesWritten += bytes
        handle.writeQueueSize += bytes
        socket.writableLength += bytes
        watch.wrote()
      },
      /** Part of a write: the stream counts whole ones only. */
      take: (bytes: number): void => {
        handle.writeQueueSize -= bytes
        if (handle.writeQueueSize === 0) socket.writableLength = 0
      },
      afterIo: (): void => {
        for (const task of due.splice(0)) task()
      },
    }
  }

  test('runs no timer while nothing waits, and one however much is written', () => {
    const { clock, watch, write, take } = watching()
    watch.wrote()
    expect(clock.waiting).toBe(0)
    for (let i = 0; i < 10; i++) write(100)
    expect(clock.waiting).toBe(1)
    take(1_000)
    clock.advance(250)
    expect(clock.waiting).toBe(0)
    write(100)
    expect(clock.waiting).toBe(1)
    watch.stop()
    write(100)
    expect(clock.waiting).toBe(0)
  })

  test('finds a stall no earlier than the time allowed, and is restarted by a single byte', () => {
    const { clock, problems, write, take, afterIo } = watching()
    write(1_000_000)
    for (let i = 0; i < 20; i++) {
      clock.advance(900)
      afterIo()
      take(1)
    }
    expect(problems).toEqual([])
    clock.advance(999)
    afterIo()
    expect(problems).toEqual([])
    clock.advance(251)
    afterIo()
    expect(problems).toEqual(['Bytes wait to be sent, and for 1000 ms the other side has taken none of them.'])
    expect(clock.waiting).toBe(0)
  })

  test('does not take more writes for progress', () => {
    const { clock, problems, write, afterIo } = watching()
    for (let i = 0; i < 4; i++) {
      write(1_000)
      clock.advance(250)
      afterIo()
    }
    expect(problems.length).toBe(1)
  })

  test('judges only after the operating system has had its turn, because this process itself may have slept', () => {
    const { clock, problems, write, take, afterIo } = watching()
    write(1_000)
    clock.advance(1_000)
    expect(problems).toEqual([])
    take(1)
    afterIo()
    expect(problems).toEqual([])
    clock.advance(1_000)
    afterIo()
    expect(problems.length).toBe(1)
  })

  test('blames nobody when the connection has ended meanwhile', () => {
    const { clock, watch, problems, write, afterIo } = watching()
    write(1_000)
    clock.advance(1_000)
    watch.stop()
    afterIo()
    expect(problems).toEqual([])
    expect(clock.waiting).toBe(0)
  })
})
