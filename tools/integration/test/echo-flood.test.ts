/** Floods in both directions at once, each answered by the other side: nobody may end up waiting for himself, and everything else goes on. */

import { afterEach, describe, expect, test } from 'vitest'
import type { BounceReport, FloodedService, FloodQuestion, FloodReport, FloodSettings } from '../src/flood.ts'
import { Child, endChildren, until } from './fixture/child.ts'

afterEach(endChildren)

const MESSAGES = 20_000
/** Requests to another worker that have to be answered before the flood ends. */
const OTHERS = 3
/** Short, so that tests need not wait: what is under test is that they end at all. */
const SETTINGS: FloodSettings = { deadlockTimeoutMs: 300 }
/** What of the questions is answered at least: one in so many. The built-in service drops questions besides, when it cannot keep up. */
const SERVICES: readonly (readonly [FloodedService, number])[] = [
  ['echo', 50],
  ['replying', 20],
  ['waiting', 20],
]

/** A service that cannot keep up drops questions, and an asker that does not read loses answers. */
const COUNTED = ['mailbox-full', 'nobody-reads', 'deadlock']

type Pair = readonly [Child, Child]

interface Ways {
  readonly viaOther?: readonly string[]
  readonly viaOne?: readonly string[]
}

async function floodBothWays(
  service: FloodedService,
  oneIn: number,
  [one, other]: Pair,
  { viaOther = [], viaOne = [] }: Ways = {},
): Promise<void> {
  const report = (child: Child): Promise<FloodReport> => child.ask('report')
  const question = (via: readonly string[]): FloodQuestion => ({ messages: MESSAGES, others: OTHERS, via, service })
  await Promise.all([one.ask('flood', question(viaOther)), other.ask('flood', question(viaOne))])

  // All that is missing was counted.
  const missing = (own: FloodReport, { dropped }: FloodReport): number =>
    COUNTED.reduce((left, reason) => left - (dropped[reason] ?? 0), own.sent - own.answers)
  const settled = await until(
    async () => [await report(one), await report(other)] as const,
    ([ofOne, ofOther]) => missing(ofOne, ofOther) <= 0 && missing(ofOther, ofOne) <= 0,
    'everything was answered, or counted as dropped',
  )
  for (const [own, peer] of [settled, [settled[1], settled[0]] as const]) {
    expect(missing(own, peer)).toBe(0)
    expect(own.sent).toBeGreaterThanOrEqual(MESSAGES)
    expect(own.answers).toBeGreaterThan(own.sent / oneIn)
    expect(own.others).toBe(OTHERS)
    expect(own.ticks).toBeGreaterThan(10)
    expect(Object.keys(own.dropped).filter((reason) => !COUNTED.includes(reason))).toEqual([])
  }
  expect(await one.ask('ping', viaOther)).toBe(64)
  expect(await other.ask('ping', viaOne)).toBe(64)
}

const pair = async (): Promise<Pair> => [await Child.start('flood', SETTINGS), await Child.start('flood', SETTINGS)]

describe.each(SERVICES)('two programs that flood each other’s workers, %s', (service, oneIn) => {
  test('over one connection: neither deadlocks, timers and other requests go on, what is not answered is counted, and both answer afterwards', async () => {
    const [one, other] = await pair()
    await one.ask('connect', other.ready)
    await until(() => other.ask<boolean>('hasPeer'), Boolean, 'the other side knows the connection')
    await floodBothWays(service, oneIn, [one, other])
  }, 60_000)

  test('through a relay process, over the one connection each has with it: the same holds', async () => {
    const relay = await Child.start('relay')
    const [one, other] = await pair()
    await one.ask('joinOverOne', { relay: relay.ready, name: 'one' })
    await other.ask('joinOverOne', { relay: relay.ready, name: 'other' })
    await floodBothWays(service, oneIn, [one, other], { viaOther: ['forward_to_other'], viaOne: ['forward_to_one'] })
  }, 60_000)

  test('through one secure channel: the same holds, and the channel lives on', async () => {
    const [one, other] = await pair()
    await other.ask('acceptChannels')
    await one.ask('openChannel', other.ready)
    await until(() => other.ask<boolean>('hasPeer'), Boolean, 'the other side knows the channel')
    await floodBothWays(service, oneIn, [one, other])
  }, 60_000)
})

test('two programs that flood each other’s workers through a relay process, over separate connections for questions and answers: the same holds', async () => {
  const relay = await Child.start('relay')
  const [one, other] = await pair()
  await one.ask('join', { relay: relay.ready, name: 'one' })
  await other.ask('join', { relay: relay.ready, name: 'other' })
  await floodBothWays('echo', 50, [one, other], { viaOther: ['forward_to_other'], viaOne: ['forward_to_one'] })
}, 60_000)

test('a flood between two workers of one node does not starve a 10 ms timer: every turn of the event loop handles a bounded number of messages', async () => {
  const program = await Child.start('flood')
  const { handled, ticks, mostInOneTurn } = await program.ask<BounceReport>('bounce', { atMost: 50_000_000, untilTicks: 20 })
  expect(ticks).toBeGreaterThanOrEqual(20)
  expect(handled).toBeGreaterThan(1000)
  // 512 by the run queue's own rule, and as many again that were begun before the turn was counted.
  expect(mostInOneTurn).toBeLessThanOrEqual(1024)
})
