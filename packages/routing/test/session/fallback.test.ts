import type { SessionOptions } from '@ockam/core'
import { createRouter, createSessions } from '@ockam/routing'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../fixture/manual-clock.ts'
import { turn, until } from '../fixture/settle.ts'
import { advanceUntil, refused, ScriptedWay } from './fixture.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function world(options: Partial<SessionOptions> = {}) {
  const clock = new ManualClock()
  const router = createRouter({ clock })
  const sessions = createSessions(router)
  open.push(sessions)
  const ways = [new ScriptedWay(router), new ScriptedWay(router)] as const
  const session = sessions.open({ name: 'test', ways: ways.map(({ establish }) => establish), ...options })
  const ups: number[] = []
  session.on('up', ({ way }) => void ups.push(way))
  return { clock, router, session, primary: ways[0], fallback: ways[1], ups }
}

async function onFallback(options: Partial<SessionOptions> = {}) {
  const all = world(options)
  all.primary.failure = refused()
  await all.session.whenUp()
  expect(all.session.way).toBe(1)
  return all
}

async function steps(clock: ManualClock, count: number, ms = 1000): Promise<void> {
  for (let i = 0; i < count; i++) {
    clock.advance(ms)
    for (let turns = 0; turns < 6; turns++) await turn()
  }
}

describe('a session with a fallback', () => {
  test('uses the primary way while it is good, and leaves the fallback alone', async () => {
    const { clock, session, fallback, ups } = world()
    await session.whenUp()
    await steps(clock, 100)
    expect([ups, fallback.attempts]).toEqual([[0], 0])
  })

  test('falls back when the primary way cannot be opened, without a wait', async () => {
    const { fallback, primary, ups } = await onFallback()
    expect([primary.attempts, fallback.attempts, ups]).toEqual([1, 1, [1]])
  })

  test('falls back when nobody answers along the primary way, although it opens', async () => {
    const { clock, session, primary, fallback } = world()
    primary.answers = false
    await advanceUntil(clock, () => session.state === 'up', 1000)
    expect([session.way, primary.opened, primary.closed, fallback.opened]).toEqual([1, 1, 1, 1])
  })

  test('tries a way that fell silent last, because it would use up the time of an attempt again', async () => {
    const { clock, session, primary, fallback, ups } = world()
    await session.whenUp()
    primary.answers = false
    await advanceUntil(clock, () => session.state === 'down', 1000)
    await advanceUntil(clock, () => session.state === 'up', 100)
    expect([primary.attempts, fallback.attempts, ups]).toEqual([1, 1, [0, 1]])
  })

  test('moves back only when the primary way has answered several pings, and keeps what was begun on the fallback for a while', async () => {
    const { clock, session, primary, fallback, ups } = await onFallback({ primary: { retryMs: 30_000, answers: 3, drainMs: 120_000 } })
    const before = session.route
    primary.failure = undefined
    await advanceUntil(clock, () => primary.opened === 1, 1000)
    await until(() => primary.pings.length === 1)
    await steps(clock, 19)
    expect([session.way, session.route]).toEqual([1, before])
    await steps(clock, 1)
    expect([session.way, session.state, ups]).toEqual([0, 'up', [1, 0]])
    expect(fallback.closed).toBe(0)
    await steps(clock, 119)
    expect(fallback.closed).toBe(0)
    await steps(clock, 1)
    expect([fallback.closed, session.state]).toEqual([1, 'up'])
  })

  test('is not taken along by a primary way that comes and goes', async () => {
    const { clock, session, primary, fallback, ups } = await onFallback()
    primary.failure = undefined
    for (let i = 1; i <= 5; i++) {
      primary.answers = true
      await advanceUntil(clock, () => primary.opened === i, 1000)
      await until(() => primary.pings.length > 0)
      await steps(clock, 5)
      if (i % 2 === 0) primary.cut()
      else primary.answers = false
      await advanceUntil(clock, () => primary.closed === i, 1000)
    }
    expect([session.way, ups, fallback.attempts, fallback.closed]).toEqual([1, [1], 1, 0])
  })

  test('stays on the fallback when told so', async () => {
    const { clock, session, primary } = await onFallback({ primary: false })
    primary.failure = undefined
    await steps(clock, 200)
    expect([session.way, primary.attempts]).toEqual([1, 1])
  })

  test('ends the search for the primary way when the fallback is lost, and begins with the primary then', async () => {
    const { clock, session, primary, fallback, ups } = await onFallback()
    primary.failure = undefined
    await advanceUntil(clock, () => primary.opened === 1, 1000)
    fallback.cut()
    await until(() => primary.closed === 1)
    await advanceUntil(clock, () => session.state === 'up', 100)
    expect([session.way, ups]).toEqual([0, [1, 0]])
  })

  test('never has two attempts along one way, and closes everything from the middle of moving back', async () => {
    for (const moment of ['searching', 'proving', 'draining'] as const) {
      const { clock, session, primary, fallback } = await onFallback({ primary: { drainMs: 100_000 } })
      primary.failure = undefined
      if (moment !== 'searching') await advanceUntil(clock, () => primary.opened === 1, 1000)
      if (moment === 'draining') await advanceUntil(clock, () => session.way === 0, 1000)
      expect(primary.underWay).toBe(0)
      await session.close()
      expect([moment, primary.opened - primary.closed, fallback.opened - fallback.closed]).toEqual([moment, 0, 0])
      await turn()
      expect(clock.pending).toBe(0)
    }
  })

  test('reports the attempt that failed last when no way opens, and tries all again', async () => {
    const { clock, session, primary, fallback } = world()
    const errors: unknown[] = []
    session.on('down', ({ error }) => void errors.push(error))
    primary.failure = refused()
    const last = refused()
    fallback.failure = last
    await until(() => errors.length === 1)
    expect(errors).toEqual([last])
    fallback.failure = undefined
    await advanceUntil(clock, () => session.state === 'up', 100)
    expect([primary.attempts, fallback.attempts, session.way]).toEqual([2, 2, 1])
  })
})
