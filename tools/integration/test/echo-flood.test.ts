/** Floods in both directions at once, each answered by the other side: nobody may end up waiting for himself, and timers must run. */

import { afterEach, describe, expect, test } from 'vitest'
import type { BounceReport, FloodReport } from '../src/flood.ts'
import { Child, endChildren, until } from './fixture/child.ts'

afterEach(endChildren)

const MESSAGES = 200_000

async function floodBothWays(one: Child, other: Child, viaOther: readonly string[] = [], viaOne: readonly string[] = []): Promise<void> {
  const report = (child: Child): Promise<FloodReport> => child.ask('report')
  await Promise.all([one.ask('flood', { messages: MESSAGES, via: viaOther }), other.ask('flood', { messages: MESSAGES, via: viaOne })])

  // An echo service that cannot keep up drops questions, and an asker that does not read loses answers; neither makes anybody wait.
  let before = ''
  const settled = await until(
    async () => [await report(one), await report(other)] as const,
    (reports) => {
      const now = JSON.stringify(reports.map(({ answers }) => answers))
      const isAtRest = now === before
      before = now
      return isAtRest
    },
    'the last answer came',
  )
  for (const [own, peer] of [settled, [settled[1], settled[0]] as const]) {
    expect(own.sent).toBe(MESSAGES)
    expect(own.answers).toBeGreaterThan(0)
    expect(own.answers + (peer.dropped['mailbox-full'] ?? 0)).toBeLessThanOrEqual(MESSAGES)
    expect(own.ticks).toBeGreaterThan(10)
    expect(Object.keys(own.dropped).filter((reason) => reason !== 'mailbox-full')).toEqual([])
  }
  expect(await one.ask('ping', viaOther)).toBe(64)
  expect(await other.ask('ping', viaOne)).toBe(64)
}

describe('two programs that flood each other and echo what they get', () => {
  test('over one connection: neither deadlocks, timers run, and both still answer afterwards', async () => {
    const [one, other] = [await Child.start('flood'), await Child.start('flood')]
    await one.ask('connect', other.ready)
    await until(() => other.ask<boolean>('hasPeer'), Boolean, 'the other side knows the connection')
    await floodBothWays(one, other)
  }, 60_000)

  test('through a relay process: the same holds', async () => {
    const relay = await Child.start('relay')
    const [one, other] = [await Child.start('flood'), await Child.start('flood')]
    await one.ask('join', { relay: relay.ready, name: 'one' })
    await other.ask('join', { relay: relay.ready, name: 'other' })
    await floodBothWays(one, other, ['forward_to_other'], ['forward_to_one'])
  }, 60_000)
})

test('a flood between two workers of one node does not starve a 10 ms timer: every turn of the event loop handles a bounded number of messages', async () => {
  const program = await Child.start('flood')
  const { handled, ticks, mostInOneTurn } = await program.ask<BounceReport>('bounce', { atMost: 50_000_000, untilTicks: 20 })
  expect(ticks).toBeGreaterThanOrEqual(20)
  expect(handled).toBeGreaterThan(1000)
  // 512 by the run queue's own rule, and as many again that were begun before the turn was counted.
  expect(mostInOneTurn).toBeLessThanOrEqual(1024)
})
