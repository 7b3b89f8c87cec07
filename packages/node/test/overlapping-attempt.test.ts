import { describe, expect, test } from 'vitest'
import { overlapping } from '../src/overlapping-attempt.ts'
import { StillClock } from './fixture/still-clock.ts'

interface Attempt {
  readonly signal: AbortSignal
  readonly succeed: () => void
  readonly fail: (error: unknown) => void
}

class Door {
  isOpen = true
  async close(): Promise<void> {
    this.isOpen = false
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function begun(signal = new AbortController().signal) {
  const clock = new StillClock()
  const attempts: Attempt[] = []
  const doors: Door[] = []
  const outcome = overlapping(clock, signal, (one) => {
    const door = new Door()
    doors.push(door)
    return new Promise<Door>((resolve, reject) => attempts.push({ signal: one, succeed: () => resolve(door), fail: reject }))
  })
  outcome.catch(() => undefined)
  return { clock, attempts, doors, outcome }
}

describe('attempts beside each other', () => {
  test('begin every 30 seconds until one is done, and give each all the time there is', async () => {
    const { clock, attempts, doors, outcome } = begun()
    for (const seconds of [30, 30, 29]) clock.advance(seconds * 1000)
    expect(attempts).toHaveLength(3)
    expect(attempts.map(({ signal }) => signal.aborted)).toEqual([false, false, false])
    attempts[0]?.succeed()
    expect(await outcome).toBe(doors[0])
    expect(attempts.map(({ signal }) => signal.aborted)).toEqual([true, true, true])
    expect(clock.tasks.size).toBe(0)
  })

  test('close what is open too late', async () => {
    const { clock, attempts, doors, outcome } = begun()
    clock.advance(30_000)
    attempts[1]?.succeed()
    expect(await outcome).toBe(doors[1])
    attempts[0]?.succeed()
    await settled()
    expect(doors.map(({ isOpen }) => isOpen)).toEqual([false, true])
  })

  test('fail when none is under way any more, with the last reason', async () => {
    const { clock, attempts, outcome } = begun()
    clock.advance(30_000)
    attempts[1]?.fail(new Error('refused'))
    await settled()
    attempts[0]?.fail(new Error('silent'))
    await expect(outcome).rejects.toThrow('silent')
    expect(clock.tasks.size).toBe(0)
  })

  test('fail at once when the first fails at once, or throws', async () => {
    const { clock, attempts, outcome } = begun()
    attempts[0]?.fail(new Error('refused'))
    await expect(outcome).rejects.toThrow('refused')
    expect(clock.tasks.size).toBe(0)
    const thrown = overlapping(clock, new AbortController().signal, () => {
      throw new Error('no such way')
    })
    await expect(thrown).rejects.toThrow('no such way')
    expect(clock.tasks.size).toBe(0)
  })

  test('end with the signal, when all have let go of what they have', async () => {
    const controller = new AbortController()
    const { clock, attempts, doors, outcome } = begun(controller.signal)
    clock.advance(30_000)
    let isSettled = false
    outcome.catch(() => (isSettled = true))
    controller.abort(new Error('too slow'))
    expect(attempts.map(({ signal }) => signal.reason)).toEqual([controller.signal.reason, controller.signal.reason])
    attempts[0]?.fail(new Error('called off'))
    await settled()
    expect(isSettled).toBe(false)
    attempts[1]?.succeed()
    await expect(outcome).rejects.toBe(controller.signal.reason)
    expect(doors[1]?.isOpen).toBe(false)
    expect(clock.tasks.size).toBe(0)
  })

  test('do not begin when the signal has aborted already', async () => {
    const reason = new Error('closed')
    const { attempts, outcome } = begun(AbortSignal.abort(reason))
    await expect(outcome).rejects.toBe(reason)
    expect(attempts).toHaveLength(0)
  })
})
