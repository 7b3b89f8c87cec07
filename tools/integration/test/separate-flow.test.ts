/** Twenty flows, each over a connection of its own, and one receiver that takes nothing: its neighbours must not notice. */

import { afterEach, describe, expect, test } from 'vitest'
import type { SinkSettings } from '../src/sink.ts'
import type { SourceSettings } from '../src/source.ts'
import type { StreamProgress } from '../src/stream/numbered-stream.ts'
import { type Bounds, largestKernelBytes, MIB, sumOfBounds } from './fixture/bound.ts'
import { Child, endChildren, until } from './fixture/child.ts'

afterEach(endChildren)

const FLOWS = 20
const STUCK = 7

const EACH = 8 * MIB

async function twentyFlows(way: 'direct' | 'relay', bounds: Bounds): Promise<void> {
  // The stuck one offers more than all bounds and kernel buffers on its way can swallow, or it would seem to have finished.
  const stuckBytes = sumOfBounds(bounds) + bounds.connections * largestKernelBytes() + MIB
  const totalBytes = Array.from({ length: FLOWS }, (_, i) => (i === STUCK ? stuckBytes : EACH))
  const relay = way === 'relay' ? await Child.start('relay') : undefined
  const sinkSettings: SinkSettings = { flows: FLOWS, ...(relay && { relay: relay.ready as string }) }
  const sink = await Child.start('sink', sinkSettings)
  const sourceSettings: SourceSettings = { to: (relay ?? sink).ready as string, way, totalBytes }
  const source = await Child.start('source', sourceSettings)
  const taken = (): Promise<readonly StreamProgress[]> => sink.ask('progress')

  await sink.ask('setPace', { flow: STUCK, pace: 'stuck' })
  await source.ask('start')
  const isFinished = ({ bytes }: StreamProgress, flow: number): boolean => bytes >= (totalBytes[flow] as number)
  const others = await until(taken, (flows) => flows.every((flow, i) => i === STUCK || isFinished(flow, i)), 'nineteen flows finished')
  expect(others[STUCK]?.messages).toBe(1)
  const sent = await source.ask<readonly StreamProgress[]>('progress')
  expect(sent[STUCK]?.bytes).toBeLessThan(stuckBytes)

  await sink.ask('setPace', { flow: STUCK, pace: 'open' })
  const all = await until(taken, (flows) => flows.every(isFinished), 'the stuck flow finished too')
  expect(all.map(({ problem }) => problem)).toEqual(new Array(FLOWS).fill(undefined))
  await source.ask('finished')
  expect(await sink.ask('digests')).toEqual(await source.ask('digests'))
}

describe('twenty flows between two processes, on separate connections, one stuck', () => {
  test('directly: the nineteen others finish, and the stuck one does as soon as it is taken from', async () => {
    await twentyFlows('direct', { mailboxes: 2, connections: 1 })
  }, 60_000)

  test('through one relay process: the same holds', async () => {
    await twentyFlows('relay', { mailboxes: 4, connections: 2 })
  }, 60_000)
})
