import type { Session, SessionEvents, SessionOptions } from '@ockam/core'
import { createRouter, createSessions } from '@ockam/routing'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../fixture/manual-clock.ts'
import { RecordingDiagnostics } from '../fixture/recording-diagnostics.ts'
import { isResolved, turn, until } from '../fixture/settle.ts'
import { advanceUntil, refused, ScriptedWay } from './fixture.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function world(ways = 1) {
  const clock = new ManualClock()
  const diagnostics = new RecordingDiagnostics()
  const router = createRouter({ clock, diagnostics })
  const sessions = createSessions(router)
  open.push(sessions)
  const scripted = Array.from({ length: ways }, () => new ScriptedWay(router))
  const workers = router.statistics().workers
  const start = (options: Partial<SessionOptions> = {}): Session & { events: [string, SessionEvents[keyof SessionEvents]][] } => {
    const session = sessions.open({ name: 'test', ways: scripted.map(({ establish }) => establish), ...options })
    const events: [string, SessionEvents[keyof SessionEvents]][] = []
    session.on('up', (event) => events.push(['up', event]))
    session.on('down', (event) => events.push(['down', event]))
    return Object.assign(session, { events })
  }
  return { clock, diagnostics, router, sessions, ways: scripted, way: scripted[0] as ScriptedWay, start, workers }
}

/** Moves the clock in steps that tell a clock that ticks from one that jumped. */
async function seconds(clock: ManualClock, count: number): Promise<void> {
  await turn()
  for (let i = 0; i < count; i++) {
    clock.advance(1000)
    for (let turns = 0; turns < 6; turns++) await turn()
  }
}

describe('a session', () => {
  test('opens its way, hears an answer, and is up then and not before', async () => {
    const { way, start } = world()
    way.answers = false
    const session = start()
    expect([session.state, session.route, session.way]).toEqual(['connecting', undefined, undefined])
    await until(() => way.pings.length === 1)
    expect(session.state).toBe('connecting')
    way.answers = true
    const waiting = session.whenUp()
    expect(await isResolved(waiting)).toBe(false)
  })

  test('pings with a CBOR unsigned integer of 64 bits and nothing around it, never twice the same, to echo behind the route', async () => {
    const { clock, way, start } = world()
    const session = start()
    await session.whenUp()
    await seconds(clock, 60)
    expect(way.pings.length).toBe(7)
    for (const ping of way.pings) expect([ping.length, ping[0]]).toEqual([9, 0x1b])
    expect(new Set(way.pings.map(String)).size).toBe(7)
  })

  test('gives a route up after three pings without an answer, and opens it again', async () => {
    const { clock, way, start } = world()
    const session = start()
    const first = await session.whenUp()
    way.answers = false
    await seconds(clock, 39)
    expect([session.state, way.closed]).toEqual(['up', 0])
    await seconds(clock, 1)
    expect([session.state, way.closed]).toEqual(['down', 1])
    expect(session.events.at(-1)).toMatchObject(['down', { error: { code: 'routing/path-silent' } }])
    way.answers = true
    clock.advance(500)
    const second = await session.whenUp()
    expect(second).not.toBe(first)
    expect(session.events.map(([name]) => name)).toEqual(['up', 'down', 'up'])
  })

  test('takes whatever comes from the route for a sign of life', async () => {
    const { clock, way, start } = world()
    const session = start()
    await session.whenUp()
    way.answers = false
    for (let i = 0; i < 20; i++) {
      way.say(Uint8Array.of(i))
      await seconds(clock, 10)
    }
    expect([session.state, way.closed]).toEqual(['up', 0])
    await seconds(clock, 40)
    expect(way.closed).toBeGreaterThan(0)
  })

  test('takes an answer with another number, or a copy of an old answer, for no answer', async () => {
    const { clock, router, start } = world()
    const way = new ScriptedWay(router)
    way.answers = false
    const session = start({ ways: [way.establish] })
    await until(() => way.pings.length === 1)
    way.say(Uint8Array.of(0x1b, 1, 2, 3, 4, 5, 6, 7, 8))
    await seconds(clock, 2)
    expect(session.events.map(([name]) => name)).toEqual(['down'])
    expect(session.events[0]).toMatchObject(['down', { error: { code: 'routing/timeout' } }])
  })

  test('judges nothing while a worker of this node keeps the route waiting', async () => {
    const { clock, router, way, start } = world()
    let goOn: () => void = () => undefined
    const stuck = new Promise<void>((resolve) => {
      goOn = resolve
    })
    router.startWorker('nobody', () => stuck, { from: 'anyone', maxMessages: 1 })
    const session = start()
    await session.whenUp()
    way.answers = false
    way.say(Uint8Array.of(1))
    await seconds(clock, 200)
    expect(session.state).toBe('up')
    goOn()
    await seconds(clock, 41)
    expect(way.closed).toBeGreaterThan(0)
  })

  test('judges nothing across a time in which the process did not run, and pings at once afterwards', async () => {
    const { clock, way, start } = world()
    const session = start()
    await session.whenUp()
    await seconds(clock, 11)
    way.answers = false
    await seconds(clock, 20)
    const before = way.pings.length
    clock.advance(3_600_000)
    await turn()
    expect(session.state).toBe('up')
    await until(() => way.pings.length === before + 1)
    way.answers = true
    await seconds(clock, 100)
    expect(session.events.map(([name]) => name)).toEqual(['up'])
  })

  test('notices at once that the connection has ended, and waits longer after each attempt in vain, at random, up to the maximum', async () => {
    const { clock, way, start } = world()
    const session = start({ backoff: { initialMs: 1000, maximumMs: 8000 } })
    await session.whenUp()
    way.failure = refused()
    way.cut()
    await until(() => session.state === 'down')
    expect(session.events.at(-1)).toMatchObject(['down', { error: { code: 'routing/path-lost' } }])
    await advanceUntil(clock, () => session.events.length >= 9)
    const waits = session.events.flatMap(([, event]) => ('retryInMs' in event ? [event.retryInMs] : []))
    const bounds = [1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000]
    for (const [i, most] of bounds.entries()) {
      expect(waits[i]).toBeGreaterThanOrEqual(most / 2)
      expect(waits[i]).toBeLessThanOrEqual(most)
    }
    expect(new Set(waits).size).toBe(waits.length)
    expect(way.attempts).toBe(8)
  })

  test('begins the waits anew only after a route that lasted', async () => {
    const { clock, way, start } = world()
    const session = start({ backoff: { initialMs: 1000, maximumMs: 64_000 } })
    const retries = (): number[] => session.events.flatMap(([, event]) => ('retryInMs' in event ? [event.retryInMs] : []))
    for (let i = 0; i < 4; i++) {
      await advanceUntil(clock, () => session.state === 'up')
      way.cut()
      await until(() => session.state === 'down')
    }
    expect(retries().at(-1)).toBeGreaterThanOrEqual(4000)
    await advanceUntil(clock, () => session.state === 'up')
    await seconds(clock, 11)
    way.cut()
    await until(() => session.state === 'down')
    expect(retries().at(-1)).toBeLessThanOrEqual(1000)
  })

  test('gives an attempt up that takes too long, and closes what it opens after all', async () => {
    const { clock, way, start } = world()
    let pass: () => void = () => undefined
    way.gate = new Promise((resolve) => {
      pass = resolve
    })
    way.ignoresSignal = true
    const session = start({ backoff: { attemptMs: 5000, firstAttemptMs: 5000 } })
    await seconds(clock, 5)
    expect(session.events).toMatchObject([['down', { error: { code: 'routing/timeout' } }]])
    await seconds(clock, 30)
    // The function has not let go: it is not called again before it does.
    expect([way.attempts, way.underWay]).toEqual([1, 1])
    pass()
    await until(() => way.closed === 1)
    way.gate = undefined
    await advanceUntil(clock, () => session.state === 'up')
    expect([way.attempts, way.opened, way.closed]).toEqual([2, 2, 1])
  })

  test('counts the time of an attempt in vain as part of the wait behind it, so that silence costs no more than refusal', async () => {
    const { clock, way, start } = world()
    way.answers = false
    const backoff = { initialMs: 500, maximumMs: 30_000, firstAttemptMs: 30_000, attemptMs: 30_000 }
    const session = start({ backoff })
    for (let attempt = 1; attempt <= 8; attempt++) {
      await advanceUntil(clock, () => session.events.length === attempt)
      // At most 30 seconds of waiting, all of which the attempt took.
      const [, { retryInMs }] = session.events.at(-1) as [string, { retryInMs: number }]
      expect(retryInMs).toBeLessThanOrEqual(500)
      expect(retryInMs).toBeGreaterThanOrEqual(250)
    }
  })

  test('gives the first attempt little time and each after one that was too slow twice as much, up to the limit', async () => {
    const { clock, way, start } = world()
    way.answers = false
    const session = start({ backoff: { initialMs: 1, maximumMs: 1, firstAttemptMs: 1000, attemptMs: 6000 } })
    const limits: number[] = []
    for (let attempt = 1; attempt <= 5; attempt++) {
      await advanceUntil(clock, () => way.opened === attempt, 1)
      const openedAtMs = clock.monotonic()
      await advanceUntil(clock, () => way.closed === attempt, 100)
      limits.push(Math.round((clock.monotonic() - openedAtMs) / 100) * 100)
    }
    expect(limits).toEqual([1000, 2000, 4000, 6000, 6000])
    way.answers = true
    await advanceUntil(clock, () => session.state === 'up', 100)
    way.cut()
    way.answers = false
    await advanceUntil(clock, () => way.opened === 7, 1)
    const openedAtMs = clock.monotonic()
    await advanceUntil(clock, () => way.closed === 7, 100)
    expect(clock.monotonic() - openedAtMs).toBeLessThan(2000)
  })

  test('asks again within an attempt, because a ping may get lost', async () => {
    const { clock, way, start } = world()
    way.answers = false
    const session = start()
    await until(() => way.pings.length === 1)
    way.answers = true
    await seconds(clock, 1)
    expect([session.state, way.opened]).toEqual(['up', 1])
  })

  test('closes from every state, and leaves no timer, no worker and no route behind', async () => {
    for (const state of ['new', 'connecting', 'proving', 'up', 'down'] as const) {
      const { clock, router, way, start, workers } = world()
      if (state === 'connecting') way.gate = new Promise(() => undefined)
      if (state === 'proving') way.answers = false
      if (state === 'down') way.failure = refused()
      const session = start()
      if (state === 'proving') await until(() => way.pings.length === 1)
      if (state === 'up') await session.whenUp()
      if (state === 'down') await until(() => session.state === 'down')
      if (state === 'connecting') await until(() => way.underWay === 1)
      const waiting = state === 'up' ? undefined : session.whenUp()
      waiting?.catch(() => undefined)
      await Promise.all([session.close(), session.close(), session[Symbol.asyncDispose]()])
      await session.closed
      expect([state, session.state, session.route, way.opened - way.closed, clock.pending]).toEqual([state, 'closed', undefined, 0, 0])
      await until(() => router.statistics().workers === workers + 1, `the workers of ${state} to end`)
      if (waiting !== undefined) await expect(waiting).rejects.toMatchObject({ code: 'routing/stopped' })
      await expect(session.whenUp()).rejects.toMatchObject({ code: 'routing/stopped' })
      const { attempts } = way
      await seconds(clock, 60)
      expect(way.attempts).toBe(attempts)
    }
  })

  test('ends with the router, without being told', async () => {
    const { router, way, start, sessions } = world()
    const session = start()
    await session.whenUp()
    await router.close()
    await session.closed
    expect([session.state, way.closed, sessions.sessions.length]).toEqual(['closed', 1, 0])
    expect(() => start()).toThrow(expect.objectContaining({ code: 'routing/stopped' }))
  })

  test('tells those who wait when they waited too long, or when they gave up', async () => {
    const { clock, way, start } = world()
    way.failure = refused()
    const session = start()
    const late = session.whenUp({ timeoutMs: 100 })
    const controller = new AbortController()
    const givenUp = session.whenUp({ signal: controller.signal })
    clock.advance(100)
    await expect(late).rejects.toMatchObject({ code: 'routing/timeout' })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(givenUp).rejects.toBe(reason)
    await expect(session.whenUp({ signal: controller.signal })).rejects.toBe(reason)
    await expect(session.whenUp({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'routing/invalid-argument' })
  })

  test('goes on when a listener throws, and says so; a listener that was removed hears nothing', async () => {
    const { diagnostics, start, way } = world()
    const session = start()
    const heard: string[] = []
    const listener = (): void => void heard.push('up')
    const remove = session.on('up', listener)
    session.on('up', listener)
    remove()
    session.on('up', () => {
      throw new Error('a bug of the listener')
    })
    await session.whenUp()
    expect(heard).toEqual(['up'])
    expect(diagnostics.named('routing/session-listener-failed')).toEqual([{ session: 'test', event: 'up' }])
    expect(way.closed).toBe(0)
  })

  test('does not judge a node that never answered when answers are not required, and says so once', async () => {
    const { clock, diagnostics, way, start } = world()
    way.answers = false
    const session = start({ ping: { isRequired: false } })
    await session.whenUp()
    await seconds(clock, 300)
    expect(session.state).toBe('up')
    expect(diagnostics.named('routing/session-unanswered')).toEqual([{ session: 'test', way: 0, service: 'echo' }])
    way.answers = true
    await seconds(clock, 10)
    way.answers = false
    await seconds(clock, 40)
    expect(way.closed).toBe(1)
  })

  test('sends no pings when told so, and still notices the end of the connection', async () => {
    const { clock, way, start } = world()
    const session = start({ ping: false })
    await session.whenUp()
    await seconds(clock, 300)
    expect([session.state, way.pings.length]).toEqual(['up', 0])
    way.cut()
    await until(() => session.state === 'down')
  })

  test('refuses options that make no sense', () => {
    const { sessions, way } = world()
    const ways = [way.establish]
    for (const options of [
      { name: '', ways },
      { name: 'x', ways: [] },
      { name: 'x', ways: ['/ip4/127.0.0.1/tcp/4000'] },
      { name: 'x', ways, ping: { intervalMs: 0 } },
      { name: 'x', ways, ping: { losses: 1.5 } },
      { name: 'x', ways, ping: { losses: 101 } },
      { name: 'x', ways, backoff: { initialMs: 10, maximumMs: 5 } },
      { name: 'x', ways, backoff: { attemptMs: Number.POSITIVE_INFINITY } },
      { name: 'x', ways, primary: { answers: 0 } },
    ]) {
      expect(() => sessions.open(options as SessionOptions)).toThrow(expect.objectContaining({ code: 'routing/invalid-argument' }))
    }
    expect(sessions.sessions).toEqual([])
  })
})
