import { Address, type Producer } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import type { NodeFlowControls } from '../../src/flow-control.ts'
import { turn } from '../fixture/settle.ts'
import { Introductions } from '../../src/service/introduction.ts'

interface Side {
  readonly address: Address
  readonly producer: Producer
  readonly close: () => Promise<void>
}

function setUp(count: number): { readonly flowControls: NodeFlowControls; readonly sides: readonly Side[] } {
  const router = createRouter()
  const flowControls = router.flowControls as NodeFlowControls
  const sides = Array.from({ length: count }, (_, i) => {
    const producer = flowControls.createProducer('transport')
    const address = Address.local(`side-${i}`)
    const worker = router.startWorker(address, () => undefined, { from: 'local', producer })
    return { address, producer, close: () => worker.close() }
  })
  return { flowControls, sides }
}

describe('introductions', () => {
  test('go one way, once, and never from a side to itself', () => {
    const { flowControls, sides } = setUp(2)
    const [a, b] = sides as [Side, Side]
    const introductions = new Introductions(flowControls)
    for (let i = 0; i < 3; i++) introductions.allow(a.address, a.producer, b.producer, a.producer)
    introductions.allow(a.address, a.producer, a.producer, a.producer)
    expect(introductions.size).toBe(1)
    expect([introductions.has(a.producer, b.producer), introductions.has(b.producer, a.producer)]).toEqual([true, false])
    expect([flowControls.isConsumer(a.address, b.producer), flowControls.isConsumer(b.address, a.producer)]).toEqual([true, false])
    expect(flowControls.isConsumer(a.address, a.producer)).toBe(false)
  })

  test('leave rights alone that somebody else gave', () => {
    const { flowControls, sides } = setUp(2)
    const [a, b] = sides as [Side, Side]
    flowControls.addConsumer(a.address, b.producer.flowControlId)
    const introductions = new Introductions(flowControls)
    introductions.allow(a.address, a.producer, b.producer, a.producer)
    introductions.forget(b.producer)
    introductions.close()
    expect(flowControls.isConsumer(a.address, b.producer)).toBe(true)
  })

  test('are forgotten for one side, whichever way they go, and kept for others', () => {
    const { flowControls, sides } = setUp(3)
    const [a, b, c] = sides as [Side, Side, Side]
    const introductions = new Introductions(flowControls)
    introductions.allow(a.address, a.producer, b.producer, a.producer)
    introductions.allow(b.address, b.producer, a.producer, a.producer)
    introductions.allow(b.address, b.producer, c.producer, a.producer)
    introductions.forget(a.producer)
    expect(introductions.size).toBe(1)
    expect(flowControls.isConsumer(b.address, c.producer)).toBe(true)
    expect(flowControls.consumerCount).toBe(1)
  })

  test.each([0, 1])('are forgotten when a side ends: side %i', async (ending) => {
    const { flowControls, sides } = setUp(2)
    const [a, b] = sides as [Side, Side]
    const introductions = new Introductions(flowControls)
    introductions.allow(a.address, a.producer, b.producer, a.producer)
    await sides[ending]?.close()
    await turn()
    expect([introductions.size, flowControls.consumerCount]).toEqual([0, 0])
  })

  test('are bounded for whoever causes them: its oldest right ends, and nobody else loses one', () => {
    const { flowControls, sides } = setUp(12)
    const [busy, calm, ...others] = sides as [Side, Side, ...Side[]]
    const introductions = new Introductions(flowControls, { perProducer: 4 })
    introductions.allow(busy.address, busy.producer, calm.producer, calm.producer)
    for (const other of others) introductions.allow(other.address, other.producer, busy.producer, busy.producer)
    expect(others.map(({ address }) => flowControls.isConsumer(address, busy.producer))).toEqual([
      ...Array(6).fill(false),
      ...Array(4).fill(true),
    ])
    expect(flowControls.isConsumer(busy.address, calm.producer)).toBe(true)
    expect([introductions.size, introductions.displaced, flowControls.consumerCount]).toEqual([5, 6, 5])
  })

  test('are bounded in total: the oldest right of whoever caused most ends', () => {
    const { flowControls, sides } = setUp(10)
    const introductions = new Introductions(flowControls, { total: 20 })
    const [honest, service, ...attackers] = sides as [Side, Side, ...Side[]]
    for (const a of attackers) for (const b of attackers) introductions.allow(a.address, a.producer, b.producer, b.producer)
    introductions.allow(service.address, service.producer, honest.producer, honest.producer)
    introductions.allow(honest.address, honest.producer, service.producer, honest.producer)
    for (const a of attackers) for (const b of attackers) introductions.allow(a.address, a.producer, b.producer, b.producer)
    expect([introductions.size, flowControls.consumerCount]).toEqual([20, 20])
    expect(flowControls.isConsumer(service.address, honest.producer)).toBe(true)
    expect(flowControls.isConsumer(honest.address, service.producer)).toBe(true)
  })

  test('do not limit somebody many others are introduced to', () => {
    const { flowControls, sides } = setUp(20)
    const [popular, ...others] = sides as [Side, ...Side[]]
    const introductions = new Introductions(flowControls, { perProducer: 2 })
    for (const other of others) {
      introductions.allow(popular.address, popular.producer, other.producer, other.producer)
      introductions.allow(other.address, other.producer, popular.producer, other.producer)
    }
    expect([introductions.size, introductions.displaced]).toEqual([38, 0])
  })

  test('leave nothing behind: neither accounts nor tasks', async () => {
    const { flowControls, sides } = setUp(6)
    let tasks = 0
    const onEnd = flowControls.onEnd.bind(flowControls)
    flowControls.onEnd = (producer, task) => {
      tasks++
      const callOff = onEnd(producer, task)
      return () => {
        tasks--
        callOff()
      }
    }
    const introductions = new Introductions(flowControls, { perProducer: 3, total: 7 })
    for (let round = 0; round < 3; round++) {
      for (const a of sides) for (const b of sides) introductions.allow(a.address, a.producer, b.producer, b.producer)
      for (const side of sides.slice(0, 3)) introductions.forget(side.producer)
    }
    expect(tasks).toBe(3)
    for (const { close } of sides) await close()
    await turn()
    expect([introductions.size, flowControls.consumerCount, tasks]).toEqual([0, 0, 0])
  })
})
