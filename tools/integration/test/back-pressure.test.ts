/**
 * Back-pressure between processes, over real TCP: a sender that offers 512 MiB to a receiver that stops, reads with pauses, and then drains.
 *
 * The stages: everything flows (warm-up); the receiver takes nothing, until the sender has come to rest; it reads slowly; it drains. From the end of
 * the warm-up on no process may grow by more than 64 MiB.
 */

import { afterEach, describe, expect, test } from 'vitest'
import type { MemoryReport } from '../src/control/memory-watch.ts'
import type { SinkSettings } from '../src/sink.ts'
import type { SourceSettings } from '../src/source.ts'
import type { StreamProgress } from '../src/stream/numbered-stream.ts'
import type { PaceName } from '../src/stream/pace.ts'
import { type Bounds, kernelBytesNow, largestKernelBytes, MIB, sumOfBounds } from './fixture/bound.ts'
import { Child, endChildren, until } from './fixture/child.ts'

afterEach(endChildren)

const OFFERED = 512 * MIB
const WARM_UP = 64 * MIB
const SLOW_UNTIL = 160 * MIB
const MAX_GROWTH = 64 * MIB
const AT_REST = 8

async function progressOf(child: Child): Promise<StreamProgress> {
  const [progress] = await child.ask<readonly StreamProgress[]>('progress')
  return progress as StreamProgress
}

async function offer(way: SourceSettings['way'], bounds: Bounds): Promise<void> {
  const limit = sumOfBounds(bounds) + bounds.connections * largestKernelBytes()
  const relay = way === 'direct' ? undefined : await Child.start('relay')
  const sinkSettings: SinkSettings = { flows: 1, ...(relay && { relay: relay.ready as string }) }
  const sink = await Child.start('sink', sinkSettings)
  const sourceSettings: SourceSettings = { to: (relay ?? sink).ready as string, way, totalBytes: [OFFERED] }
  const source = await Child.start('source', sourceSettings)
  const all = [source, sink, ...(relay ? [relay] : [])]
  const setPace = (pace: PaceName): Promise<void> => sink.ask('setPace', { flow: 0, pace })

  // What was accepted before a look at what was delivered is delivered by then, but for what the bounds allow.
  const look = async (): Promise<{ accepted: number; delivered: number }> => {
    const { bytes: accepted, problem } = await progressOf(source)
    expect(problem).toBeUndefined()
    const delivered = (await progressOf(sink)).bytes
    expect(accepted - delivered).toBeLessThanOrEqual(limit)
    return { accepted, delivered }
  }

  await source.ask('start')
  await until(look, ({ delivered }) => delivered >= WARM_UP, 'the warm-up was delivered')
  for (const child of all) await child.ask('markMemory')

  await setPace('stuck')
  let unchanged = 0
  let before = -1
  const stuck = await until(
    look,
    ({ accepted }) => {
      unchanged = accepted === before ? unchanged + 1 : 0
      before = accepted
      return unchanged >= AT_REST
    },
    'the sender came to rest behind a receiver that takes nothing',
  )
  // Nothing moves now: this is exact, and what the kernel holds can be counted. Less than a mailbox's worth would mean that nothing was stuck at all.
  const kernelBytes = kernelBytesNow(sourceSettings.to)
  if (kernelBytes !== undefined) expect(stuck.accepted - stuck.delivered - kernelBytes).toBeLessThanOrEqual(sumOfBounds(bounds))
  expect(stuck.accepted - stuck.delivered).toBeGreaterThan(MIB)
  expect(stuck.accepted).toBeLessThan(OFFERED)

  await setPace('slow')
  await until(look, ({ delivered }) => delivered >= SLOW_UNTIL, 'the slow part was delivered')
  await setPace('open')
  await until(look, ({ accepted, delivered }) => accepted >= OFFERED && delivered === accepted, 'everything was delivered', 3000)

  await source.ask('finished')
  expect((await progressOf(sink)).problem).toBeUndefined()
  expect((await progressOf(sink)).messages).toBe((await progressOf(source)).messages)
  expect(await sink.ask('digests')).toEqual(await source.ask('digests'))
  expect((await source.ask<readonly number[]>('waits'))[0]).toBeGreaterThan(10)
  for (const child of all) {
    const { markedBytes, peakBytes, samples } = await child.ask<MemoryReport>('memory')
    expect(samples).toBeGreaterThan(10)
    expect(peakBytes - markedBytes).toBeLessThanOrEqual(MAX_GROWTH)
  }
}

describe('512 MiB offered to a slow receiver in another process', () => {
  test('directly: memory stays, what was accepted is delivered or within the bounds, nothing is lost, order holds', async () => {
    // The mailboxes of the sender's connection and of the receiving worker.
    await offer('direct', { mailboxes: 2, connections: 1 })
  }, 60_000)

  test('through a relay process: the same holds, for the relay too', async () => {
    // And those of the relay's worker and of its other connection.
    await offer('relay', { mailboxes: 4, connections: 2 })
  }, 60_000)

  test('through a secure channel behind a relay: the same holds, end to end', async () => {
    // And those of encryptor and decryptor.
    await offer('channel', { mailboxes: 6, connections: 2 })
  }, 60_000)
})
