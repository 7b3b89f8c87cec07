/** Back to the primary way with everything that stands on the route, where whoever opens the ways can carry that over. */
import type { HandOver, ResolvedRoute, SessionEvents, SessionOptions } from '@ockam/core'
import { createRouter, createSessions } from '@ockam/routing'
import { afterEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../fixture/manual-clock.ts'
import { turn, until } from '../fixture/settle.ts'
import { advanceUntil, refused, ScriptedWay } from './fixture.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

interface Call {
  readonly from: ResolvedRoute
  readonly to: ResolvedRoute
  readonly isReady: boolean
  readonly isLost: boolean
}

/** A session on its fallback, whose primary way is good again, and what it asks for then. */
async function onFallback(carry: (call: Call) => Promise<ResolvedRoute> | ResolvedRoute, options: Partial<SessionOptions> = {}) {
  const clock = new ManualClock()
  const router = createRouter({ clock })
  const sessions = createSessions(router)
  open.push(sessions)
  const [primary, fallback, carried] = [new ScriptedWay(router), new ScriptedWay(router), new ScriptedWay(router)]
  const calls: Call[] = []
  const handOver: HandOver = async (from, to, { isReady, isLost }) => {
    const call = { from, to, isReady, isLost }
    calls.push(call)
    return carry(call)
  }
  const ways = [primary.establish, fallback.establish]
  const session = sessions.open({ name: 'test', ways, handOver, primary: { retryMs: 1000, answers: 2 }, ...options })
  const ups: number[] = []
  session.on('up', ({ way }) => void ups.push(way))
  const moves: SessionEvents['moving'][] = []
  session.on('moving', (move) => void moves.push(move))
  primary.failure = refused()
  await session.whenUp()
  primary.failure = undefined
  return { clock, session, primary, fallback, carried, calls, ups, moves, before: session.route }
}

const signal = new AbortController().signal

describe('a session that is back at its primary way', () => {
  test('takes the route to which everything was carried over, and closes the two it was made of', async () => {
    const carried: { route?: ResolvedRoute } = {}
    const all = await onFallback(async () => (carried.route = await all.carried.establish(signal)))
    const { clock, session, primary, fallback, calls, ups, before } = all
    await advanceUntil(clock, () => session.way === 0)
    expect(calls).toMatchObject([{ from: before, isReady: true, isLost: false }])
    expect([session.route, session.state, ups]).toEqual([carried.route, 'up', [1, 0]])
    await until(() => primary.closed === 1 && fallback.closed === 1)
    // It is watched as any other.
    await until(() => all.carried.pings.length > 0)
    all.carried.cut()
    await until(() => session.state === 'down')
    expect(all.carried.closed).toBe(1)
  })

  test('takes the primary route where nothing was carried over, and drains the former one', async () => {
    const all = await onFallback(({ to }) => to)
    const { clock, session, primary, fallback, calls } = all
    await advanceUntil(clock, () => session.way === 0)
    expect(session.route).toBe(calls[0]?.to)
    expect([primary.closed, fallback.closed]).toEqual([0, 0])
    clock.advance(600_000)
    await until(() => fallback.closed === 1)
    expect([session.way, primary.closed]).toEqual([0, 0])
  })

  test('stays where it is when carrying over fails, says so, and tries again', async () => {
    let failures = 2
    const all = await onFallback(async () => {
      if (failures-- > 0) throw refused()
      return all.carried.establish(signal)
    })
    const { clock, session, primary, fallback, calls, ups, before } = all
    await advanceUntil(clock, () => calls.length === 2)
    await until(() => primary.closed === 2)
    expect([session.route, session.way, ups, fallback.closed]).toEqual([before, 1, [1], 0])
    await advanceUntil(clock, () => session.way === 0)
    expect([calls.length, ups]).toEqual([3, [1, 0]])
  })

  test('waits for those who have something under way, and tells them when it is over', async () => {
    const all = await onFallback(() => all.carried.establish(signal))
    const { clock, session, calls, moves } = all
    const ready: (() => void)[] = []
    session.on('moving', (move) => move.waitUntil(new Promise<void>((resolve) => ready.push(resolve))))
    session.on('moving', (move) => move.waitUntil(new Promise<void>((resolve) => ready.push(resolve))))
    await advanceUntil(clock, () => moves.length === 1)
    let isOver = false
    moves[0]?.over.then(() => (isOver = true)).catch(() => undefined)
    ready[0]?.()
    for (let i = 0; i < 5; i++) await turn()
    expect([calls.length, isOver, session.way]).toEqual([0, false, 1])
    ready[1]?.()
    await until(() => isOver)
    expect(calls).toMatchObject([{ isReady: true }])
    expect(session.way).toBe(0)
  })

  test.each([
    ['cannot tell what is under way', () => Promise.reject(new Error('no'))],
    ['still has something under way after ten seconds', () => new Promise(() => undefined)],
  ])('has nothing carried over when somebody %s', async (_, ready) => {
    const all = await onFallback(({ to }) => to)
    const { clock, session, calls, moves, primary } = all
    session.on('moving', (move) => move.waitUntil(ready()))
    await advanceUntil(clock, () => moves.length === 1)
    const beganAtMs = clock.monotonic()
    await advanceUntil(clock, () => calls.length === 1)
    expect(calls).toMatchObject([{ isReady: false }])
    expect(clock.monotonic() - beganAtMs).toBeLessThanOrEqual(11_000)
    await until(() => session.way === 0)
    expect(session.route).toBe(calls[0]?.to)
    expect(primary.closed).toBe(0)
  })

  test('waits for nobody when the fallback is lost meanwhile', async () => {
    const all = await onFallback(() => all.carried.establish(signal))
    const { clock, session, calls, moves, fallback } = all
    session.on('moving', (move) => move.waitUntil(new Promise(() => undefined)))
    await advanceUntil(clock, () => moves.length === 1)
    fallback.cut()
    await until(() => session.way === 0)
    expect(calls).toMatchObject([{ isReady: true, isLost: true }])
    expect(session.state).toBe('up')
  })

  test('closes everything from the middle of it', async () => {
    for (const moment of ['waiting', 'carrying'] as const) {
      let carry: () => void = () => undefined
      const mayCarry = new Promise<void>((resolve) => {
        carry = resolve
      })
      const all = await onFallback(async () => {
        await mayCarry
        return all.carried.establish(signal)
      })
      const { clock, session, moves, calls, primary, fallback } = all
      if (moment === 'waiting') session.on('moving', (move) => move.waitUntil(new Promise(() => undefined)))
      await advanceUntil(clock, () => (moment === 'waiting' ? moves.length === 1 : calls.length === 1))
      const closing = session.close()
      carry()
      await closing
      await moves[0]?.over
      const open = [primary, fallback, all.carried].map(({ opened, closed }) => opened - closed)
      expect([moment, ...open]).toEqual([moment, 0, 0, 0])
      expect(clock.pending).toBe(0)
    }
  })
})

test('a session without anything to carry over tells nobody of a move', async () => {
  const all = await onFallback(({ to }) => to, { handOver: undefined } as unknown as Partial<SessionOptions>)
  await advanceUntil(all.clock, () => all.session.way === 0)
  expect(all.moves).toEqual([])
})
