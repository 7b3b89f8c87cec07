import { dropPressure, Route, systemClock } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { ManualClock } from './fixture/manual-clock.ts'
import { ManualTurns } from './fixture/manual-turns.ts'
import { settled } from './fixture/settle.ts'

const one = new Uint8Array(1)

describe('the run queue', () => {
  test('handles at most 512 messages before I/O has its chance', () => {
    const turns = new ManualTurns()
    const router = createRouter({ turns, clock: new ManualClock() })
    let handled = 0
    router.startWorker('sink', () => void handled++, { from: 'local' })
    for (let i = 0; i < 1000; i++) dropPressure(router.context.send('sink', one))
    turns.runSoon()
    expect(handled).toBe(512)
    expect(turns.afterIoCount).toBe(1)
    turns.runTurn()
    expect(handled).toBe(1000)
  })

  test('counts over turns: two workers that answer each other for ever do not starve I/O', () => {
    const turns = new ManualTurns()
    const router = createRouter({ turns, clock: new ManualClock() })
    let passes = 0
    const answer = Route.of('b')
    router.startWorker('a', (_, context) => context.send(answer, one), { from: 'local' })
    router.startWorker(
      'b',
      (_, context) => {
        passes++
        return context.send('a', one)
      },
      { from: 'local' },
    )
    dropPressure(router.context.send('a', one))
    for (let i = 1; i <= 10; i++) {
      turns.runTurn()
      expect(passes).toBeGreaterThanOrEqual(200 * i)
      expect(passes).toBeLessThanOrEqual(520 * (i + 1))
    }
    expect(turns.afterIoCount).toBeGreaterThanOrEqual(10)
  })

  test('counts over turns also when every message begins a new one', () => {
    const turns = new ManualTurns()
    const router = createRouter({ turns, clock: new ManualClock() })
    let handled = 0
    router.startWorker('sink', () => void handled++, { from: 'local' })
    for (let i = 0; i < 2000 && turns.afterIoCount === 0; i++) {
      dropPressure(router.context.send('sink', one))
      turns.runSoon()
    }
    expect(handled).toBeGreaterThanOrEqual(500)
    expect(handled).toBeLessThanOrEqual(520)
  })

  test('ends a turn after 2 ms of slow handlers, and never later than twice that', () => {
    const turns = new ManualTurns()
    const clock = new ManualClock()
    const router = createRouter({ turns, clock })
    let handled = 0
    router.startWorker(
      'slow',
      () => {
        handled++
        clock.advance(0.5)
      },
      { from: 'local' },
    )
    for (let i = 0; i < 100; i++) dropPressure(router.context.send('slow', one))
    turns.runSoon()
    expect(handled).toBeGreaterThanOrEqual(4)
    expect(handled).toBeLessThanOrEqual(8)
    expect(turns.afterIoCount).toBe(1)
  })

  test('gives every worker its turn: a flood to one does not keep another waiting for more than a turn', () => {
    const turns = new ManualTurns()
    const router = createRouter({ turns, clock: new ManualClock() })
    let flooded = 0
    let quiet = 0
    router.startWorker('flooded', () => void flooded++, { from: 'local' })
    router.startWorker('quiet', () => void quiet++, { from: 'local' })
    for (let i = 0; i < 4000; i++) dropPressure(router.context.send('flooded', one))
    dropPressure(router.context.send('quiet', one))
    turns.runTurn()
    expect(quiet).toBe(1)
    expect(flooded).toBeLessThan(1100)
  })

  test('lets a 10 ms timer fire again and again during a flood', async () => {
    const router = createRouter()
    let isFlooding = true
    let handled = 0
    router.startWorker(
      'echo',
      (message, context) => {
        handled++
        return isFlooding ? context.send(message.returnRoute, message.payload) : undefined
      },
      { from: 'local' },
    )
    for (let i = 0; i < 100; i++)
      dropPressure(router.context.dispatch({ onwardRoute: Route.of('echo'), returnRoute: Route.of('echo'), payload: one }))
    const handledAt: number[] = []
    await new Promise<void>((resolve) => {
      const tick = (): void => {
        handledAt.push(handled)
        if (handledAt.length === 5) resolve()
        else systemClock.schedule(10, tick, { isBackground: false })
      }
      systemClock.schedule(10, tick, { isBackground: false })
    })
    isFlooding = false
    await settled(router)
    // The flood went on between any two ticks of the timer.
    for (let i = 1; i < handledAt.length; i++) expect(handledAt[i]).toBeGreaterThan(handledAt[i - 1] as number)
  })

  test('does not run a worker within the call that sends to it, nor within another handler', async () => {
    const router = createRouter()
    const log: string[] = []
    router.startWorker('inner', () => void log.push('inner'), { from: 'local' })
    router.startWorker(
      'outer',
      (_, context) => {
        log.push('outer begins')
        dropPressure(context.send('inner', one))
        log.push('outer ends')
      },
      { from: 'local' },
    )
    dropPressure(router.context.send('outer', one))
    log.push('sent')
    await settled(router)
    expect(log).toEqual(['sent', 'outer begins', 'outer ends', 'inner'])
  })

  test('goes on when diagnostics themselves throw', async () => {
    const turns = new ManualTurns()
    const router = createRouter({
      turns,
      clock: new ManualClock(),
      diagnostics: {
        event: () => {
          throw new Error('the log is full')
        },
      },
    })
    let handled = 0
    router.startWorker(
      'sink',
      () => {
        if (handled++ === 0) throw new Error('first')
      },
      { from: 'local' },
    )
    dropPressure(router.context.send('sink', one))
    dropPressure(router.context.send('sink', one))
    turns.runTurn()
    turns.runTurn()
    expect(handled).toBe(2)
  })
})
