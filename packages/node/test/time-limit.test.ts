import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { TimeLimit, within } from '../src/time-limit.ts'
import { StillClock } from './fixture/still-clock.ts'

describe('one limit in time for several steps', () => {
  test('gives each step what is left, and aborts when nothing is', () => {
    const clock = new StillClock()
    const limit = new TimeLimit(clock, { timeoutMs: 1000 }, 'Opening a door')
    expect(limit.left).toEqual({ timeoutMs: 1000 })
    clock.advance(700)
    expect(limit.left).toEqual({ timeoutMs: 300 })
    expect(limit.signal.aborted).toBe(false)
    clock.advance(300)
    expect(limit.left).toEqual({ timeoutMs: 1 })
    expect(limit.signal.reason).toMatchObject({ code: 'node/timeout', message: 'Opening a door took longer than 1000 ms.' })
  })

  test('leaves the steps to their own limits when none is given', () => {
    const clock = new StillClock()
    const limit = new TimeLimit(clock, {}, 'Opening a door')
    expect(limit.left).toEqual({})
    expect(clock.tasks.size).toBe(0)
  })

  test("passes on the caller's reason, also when it came first", () => {
    const reason = new Error('changed my mind')
    expect(new TimeLimit(new StillClock(), { signal: AbortSignal.abort(reason) }, 'x').signal.reason).toBe(reason)
    const controller = new AbortController()
    const limit = new TimeLimit(new StillClock(), { signal: controller.signal }, 'x')
    controller.abort(reason)
    expect(limit.signal.reason).toBe(reason)
  })

  test('leaves no timer and no listener behind', () => {
    const clock = new StillClock()
    const controller = new AbortController()
    const limit = new TimeLimit(clock, { timeoutMs: 5, signal: controller.signal }, 'x')
    limit.end()
    controller.abort()
    expect(clock.tasks.size).toBe(0)
    expect(limit.signal.aborted).toBe(false)
  })

  test('refuses what is not a duration', () => {
    for (const timeoutMs of [0, -1, Number.NaN]) {
      expect(() => new TimeLimit(new StillClock(), { timeoutMs }, 'x')).toThrowError(
        expect.objectContaining({ code: 'node/invalid-argument' }),
      )
    }
  })
})

describe('waiting for an end within limits', () => {
  test('leaves no timer and no listener behind, whichever way it is over', async () => {
    const clock = new StillClock()
    const controller = new AbortController()
    const { signal } = controller
    await within(clock, Promise.resolve(), { signal })
    const failure = new Error('The line cannot be closed.')
    await expect(within(clock, Promise.reject(failure), { signal })).rejects.toBe(failure)
    expect(clock.tasks.size).toBe(0)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('gives up when the time is over, or the signal aborts', async () => {
    const clock = new StillClock()
    const never = new Promise(() => undefined)
    const waiting = within(clock, never, {})
    clock.advance(5000)
    await waiting
    const controller = new AbortController()
    const hurried = within(clock, never, { signal: controller.signal, timeoutMs: Number.POSITIVE_INFINITY })
    controller.abort()
    await hurried
    await within(clock, never, { signal: controller.signal })
    expect(clock.tasks.size).toBe(0)
  })
})
