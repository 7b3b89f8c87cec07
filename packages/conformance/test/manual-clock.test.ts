import { describe, expect, test } from 'vitest'
import { ManualClock } from '../src/index.ts'

describe('The manual clock', () => {
  test('stands still until it is moved, and moves both of its times', () => {
    const clock = new ManualClock(1_000)
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0])
    clock.advance(250)
    expect([clock.now(), clock.monotonic()]).toEqual([1_250, 250])
  })

  test('runs timers in the order of their time, each at its own time, those set by timers included', () => {
    const clock = new ManualClock()
    const ran: string[] = []
    const run = (name: string) => () => void ran.push(`${name} at ${clock.monotonic()}`)
    clock.schedule(20, run('late'))
    clock.schedule(5, run('first'))
    clock.schedule(10, () => {
      run('second')()
      clock.schedule(5, run('from a timer'))
      clock.schedule(50, run('never'))
    })
    clock.schedule(7, run('cancelled')).cancel()
    clock.advance(30)
    expect(ran).toEqual(['first at 5', 'second at 10', 'from a timer at 15', 'late at 20'])
    expect(clock.waiting).toBe(1)
  })
})
