/** Connections that wait for themselves: found when they have stood still for long enough, and only then. */
import { type Address, dropPressure, type LocalMessage, type Pressure, Route, type Router, type WorkerFunction } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { ManualClock } from './fixture/manual-clock.ts'
import { RecordingDiagnostics } from './fixture/recording-diagnostics.ts'
import { type ScriptedConnection, ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved, turn } from './fixture/settle.ts'

const TIMEOUT_MS = 25_000
const mirror: WorkerFunction = (message, context) => context.send(message.returnRoute, message.payload)

class Bench {
  readonly clock = new ManualClock()
  readonly diagnostics = new RecordingDiagnostics()
  readonly transport = new ScriptedTransport()
  readonly router: Router

  private constructor() {
    this.router = createRouter({ transports: [this.transport], clock: this.clock, diagnostics: this.diagnostics })
  }

  static async create(): Promise<Bench> {
    const bench = new Bench()
    await bench.router.listen('/script/here')
    return bench
  }

  /** Somebody connects who reads when he is told to. */
  accept(): { readonly connection: ScriptedConnection; readonly read: () => void } {
    const connection = this.transport.accept()!
    const reads: (() => void)[] = []
    connection.sendBatch = (messages) => {
      for (const message of messages) dropPressure(connection.send(message))
      return new Promise<void>((resolve) => reads.push(resolve))
    }
    return { connection, read: () => reads.shift()?.() }
  }

  /** Delivers until the connection is asked to wait and nothing moves any more. @returns what it waits for; wrapped, because it is not to be awaited. */
  async stuck(connection: ScriptedConnection, onward: string): Promise<{ readonly pressure: Promise<void> }> {
    for (let i = 0; i < 20_000; i++) {
      const pressure = this.transport.arrive(connection, onward, 'me')
      if (pressure !== undefined) {
        for (let turns = 0; turns < 10; turns++) await turn()
        if (!(await isResolved(pressure))) return { pressure }
      } else if (i % 100 === 0) await turn()
    }
    throw new Error('It never stands still.')
  }

  /** Time passes as it does for timers: step by step. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1000) {
      this.clock.advance(Math.min(1000, ms - passed))
      for (let turns = 0; turns < 10; turns++) await turn()
    }
  }

  get dropped(): Readonly<Record<string, number>> {
    return this.router.statistics().dropped
  }
}

describe('a connection that is not read because a worker waits for what it takes', () => {
  test('is read again when it has taken nothing for the time allowed; answers that find no room are dropped and counted', async () => {
    const bench = await Bench.create()
    bench.router.startWorker('mirror', mirror, { from: 'anyone' })
    const { connection } = bench.accept()
    const { pressure } = await bench.stuck(connection, 'mirror')
    await bench.pass(TIMEOUT_MS - 1000)
    expect(await isResolved(pressure)).toBe(false)
    expect(bench.dropped).toEqual({})
    await bench.pass(2000)
    expect(await isResolved(pressure)).toBe(true)
    expect(bench.dropped['deadlock']).toBeGreaterThan(500)
    expect(bench.diagnostics.named('routing/message-dropped')[0]).toMatchObject({ reason: 'deadlock', from: '0#mirror' })
    // As long as there is no room, nobody waits.
    const before = bench.dropped['deadlock'] as number
    for (let i = 0; i < 3000; i++) {
      expect(bench.transport.arrive(connection, 'mirror', 'me')).toBeUndefined()
      if (i % 100 === 0) await turn()
    }
    await turn()
    expect(bench.dropped).toEqual({ deadlock: before + 3000 })
    expect(bench.router.statistics().waitingMessages).toBeLessThanOrEqual(1025)
  })

  test('waits without losing anything once there is room again, and needs the whole time again to be let go on after a while', async () => {
    const bench = await Bench.create()
    bench.router.startWorker('mirror', mirror, { from: 'anyone' })
    const { connection, read } = bench.accept()
    await bench.stuck(connection, 'mirror')
    await bench.pass(TIMEOUT_MS + 1000)
    const { deadlock } = bench.dropped
    await bench.pass(TIMEOUT_MS)
    for (let i = 0; i < 100 && bench.router.statistics().waitingMessages > 0; i++) {
      read()
      await turn()
    }
    await bench.stuck(connection, 'mirror')
    await bench.pass(TIMEOUT_MS - 1000)
    expect(bench.dropped).toEqual({ deadlock })
    await bench.pass(2000)
    expect(bench.dropped['deadlock']).toBeGreaterThan(deadlock as number)
  })

  test('is let go on sooner when that happens again and again', async () => {
    const bench = await Bench.create()
    bench.router.startWorker('mirror', mirror, { from: 'anyone' })
    const { connection, read } = bench.accept()
    await bench.stuck(connection, 'mirror')
    await bench.pass(TIMEOUT_MS + 1000)
    for (let times = 0; times < 5; times++) {
      for (let i = 0; i < 100 && bench.router.statistics().waitingMessages > 0; i++) {
        read()
        await turn()
      }
      const { pressure } = await bench.stuck(connection, 'mirror')
      await bench.pass(2 * (TIMEOUT_MS / 30))
      expect(await isResolved(pressure)).toBe(true)
    }
  })

  test('waits for ever, and loses nothing, as long as it takes something now and then', async () => {
    const bench = await Bench.create()
    bench.router.startWorker('mirror', mirror, { from: 'anyone' })
    const { connection, read } = bench.accept()
    for (let minutes = 0; minutes < 5; minutes++) {
      await bench.stuck(connection, 'mirror')
      await bench.pass(TIMEOUT_MS - 2000)
      read()
      await turn()
    }
    expect(bench.dropped).toEqual({})
  })

  test('lets the others go on whom the worker kept waiting, and loses nothing of theirs', async () => {
    const bench = await Bench.create()
    bench.router.startWorker('mirror', mirror, { from: 'anyone' })
    const [silent, honest] = [bench.accept().connection, bench.transport.accept()!]
    await bench.stuck(silent, 'mirror')
    const pressure = bench.transport.arrive(honest, 'mirror', 'me')
    expect(pressure).toBeInstanceOf(Promise)
    await bench.pass(TIMEOUT_MS + 1000)
    await pressure
    for (let i = 0; i < 5000; i++) {
      await bench.transport.arrive(honest, 'mirror', 'me')
      if (i % 100 === 0) await turn()
    }
    await turn()
    expect(honest.sent).toHaveLength(5001)
  })

  test('is left alone, however long that lasts, when the wait leads to another connection, or nowhere', async () => {
    const bench = await Bench.create()
    const [one, other, third] = [bench.accept(), bench.accept(), bench.accept()]
    const names: Address[] = []
    bench.router.startWorker('names', ({ returnRoute }) => void names.push(returnRoute.next as Address), { from: 'anyone' })
    dropPressure(bench.transport.arrive(other.connection, 'names', 'me'))
    bench.router.startWorker('gateway', (message, context) => context.send([names[0] as Address, 'peer'], message.payload), {
      from: 'anyone',
    })
    bench.router.startWorker('busy', () => new Promise(() => {}), { from: 'anyone' })
    bench.router.startWorker('mirror', mirror, { from: 'anyone' })
    await turn()
    const { pressure: gatewayIsFull } = await bench.stuck(one.connection, 'gateway')
    const { pressure: workerIsBusy } = await bench.stuck(third.connection, 'busy')
    // Nothing of what these have to send leaves, either.
    for (const { connection } of [one, third]) for (let i = 0; i < 10; i++) await bench.transport.arrive(connection, 'mirror', 'me')
    await bench.pass(20 * TIMEOUT_MS)
    expect(await isResolved(gatewayIsFull)).toBe(false)
    expect(await isResolved(workerIsBusy)).toBe(false)
    expect(bench.dropped).toEqual({})
    // Once there is room again, all arrives.
    for (let i = 0; i < 100 && !(await isResolved(gatewayIsFull)); i++) other.read()
    expect(await isResolved(gatewayIsFull)).toBe(true)
  })

  test('goes on keeping all others waiting that send something along it, and lets none of them go on', async () => {
    const bench = await Bench.create()
    const names: Address[] = []
    bench.router.startWorker('names', ({ returnRoute }) => void names.push(returnRoute.next as Address), { from: 'anyone' })
    bench.router.startWorker('mirror', mirror, { from: 'anyone' })
    const { connection, read } = bench.accept()
    dropPressure(bench.transport.arrive(connection, 'names', 'me'))
    await bench.stuck(connection, 'mirror')
    const sender = bench.router.createMailbox()
    const pressure = sender.send([names[0] as Address, 'peer'], new Uint8Array(1))
    await bench.pass(TIMEOUT_MS + 1000)
    expect(bench.dropped['deadlock']).toBeGreaterThan(500)
    expect(await isResolved(pressure as Promise<void>)).toBe(false)
    for (let i = 0; i < 100 && !(await isResolved(pressure as Promise<void>)); i++) read()
    expect(await isResolved(pressure as Promise<void>)).toBe(true)
    expect(Object.keys(bench.dropped)).toEqual(['deadlock'])
  })

  test('is watched by no timer any more when it has ended', async () => {
    const bench = await Bench.create()
    bench.router.startWorker('mirror', mirror, { from: 'anyone' })
    const { connection } = bench.accept()
    await bench.stuck(connection, 'mirror')
    expect(bench.clock.pending).toBe(1)
    connection.cut('peer')
    await turn()
    expect(bench.clock.pending).toBe(0)
  })

  test('is found also when its worker is a mailbox that somebody empties by hand, and behind a worker that passes on', async () => {
    const bench = await Bench.create()
    const mailbox = bench.router.createMailbox('mirror', { from: 'anyone' })
    const empty = async (): Promise<void> => {
      for (;;) {
        const message = await mailbox.receive({ timeoutMs: Number.POSITIVE_INFINITY })
        await mailbox.send(message.returnRoute, message.payload)
      }
    }
    const stopped = empty().catch((error: unknown) => error)
    bench.router.startWorker('front', (message, context) => context.forward(message, Route.of('mirror')), { from: 'anyone' })
    const { connection } = bench.accept()
    const { pressure } = await bench.stuck(connection, 'front')
    await bench.pass(TIMEOUT_MS + 1000)
    expect(await isResolved(pressure)).toBe(true)
    expect(bench.dropped['deadlock']).toBeGreaterThan(500)
    await mailbox.close()
    expect(await stopped).toMatchObject({ code: 'routing/stopped' })
  })

  test('loses messages in front of a secure channel, never ciphertexts', async () => {
    const bench = await Bench.create()
    const { router } = bench
    const { connection, read } = bench.accept()
    const names: Address[] = []
    router.startWorker('names', ({ returnRoute }) => void names.push(returnRoute.next as Address), { from: 'anyone' })
    dropPressure(bench.transport.arrive(connection, 'names', 'me'))
    await turn()
    const producer = router.flowControls.createProducer('channel', router.flowControls.createId())
    // As a channel does: what comes in is handed on in the name of the channel, and waits; what goes out waits as well, however long.
    let sealed = 0
    const seal: WorkerFunction = (message, context) => {
      sealed++
      return context.dispatch({ onwardRoute: Route.of(names[0] as Address, 'peer'), returnRoute: Route.empty, payload: message.payload })
    }
    const encryptor = router.startWorker('encryptor', seal, { from: 'local', producer, isTransit: true })
    const open = (message: LocalMessage, context: Parameters<WorkerFunction>[1]): Pressure =>
      context.dispatch({
        onwardRoute: Route.of('mirror'),
        returnRoute: Route.of(encryptor.address, 'asker'),
        payload: message.payload,
        origin: producer,
      })
    router.startWorker('decryptor', open, { from: 'anyone', isTransit: true })
    let mirrored = 0
    router.startWorker(
      'mirror',
      (message, context) => {
        mirrored++
        return context.send(message.returnRoute, message.payload)
      },
      { from: 'anyone' },
    )
    const { pressure } = await bench.stuck(connection, 'decryptor')
    const before = mirrored
    await bench.pass(TIMEOUT_MS + 1000)
    expect(await isResolved(pressure)).toBe(true)
    expect(mirrored).toBeGreaterThan(before + 1000)
    const { deadlock } = bench.dropped
    expect(bench.dropped).toEqual({ deadlock })
    // What was sealed waits for the connection or has left; all that is missing was never sealed.
    const waitingForSeal = mirrored - sealed - (deadlock as number)
    expect(waitingForSeal).toBeGreaterThan(0)
    read()
    for (let i = 0; i < 100 && router.statistics().waitingMessages > 0; i++) {
      read()
      for (let turns = 0; turns < 10; turns++) await turn()
    }
    expect(bench.dropped).toEqual({ deadlock })
    expect(connection.sent).toHaveLength(sealed)
    expect(sealed).toBe(mirrored - (deadlock as number))
  })
})
