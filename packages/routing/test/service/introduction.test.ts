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
    for (let i = 0; i < 3; i++) introductions.allow(a.address, a.producer, b.producer)
    introductions.allow(a.address, a.producer, a.producer)
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
    introductions.allow(a.address, a.producer, b.producer)
    introductions.forget(b.producer)
    introductions.close()
    expect(flowControls.isConsumer(a.address, b.producer)).toBe(true)
  })

  test('are forgotten for one side, whichever way they go, and kept for others', () => {
    const { flowControls, sides } = setUp(3)
    const [a, b, c] = sides as [Side, Side, Side]
    const introductions = new Introductions(flowControls)
    introductions.allow(a.address, a.producer, b.producer)
    introductions.allow(b.address, b.producer, a.producer)
    introductions.allow(b.address, b.producer, c.producer)
    introductions.forget(a.producer)
    expect(introductions.size).toBe(1)
    expect(flowControls.isConsumer(b.address, c.producer)).toBe(true)
    expect(flowControls.consumerCount).toBe(1)
  })

  test.each([0, 1])('are forgotten when a side ends: side %i', async (ending) => {
    const { flowControls, sides } = setUp(2)
    const [a, b] = sides as [Side, Side]
    const introductions = new Introductions(flowControls)
    introductions.allow(a.address, a.producer, b.producer)
    await sides[ending]?.close()
    await turn()
    expect([introductions.size, flowControls.consumerCount]).toEqual([0, 0])
  })

  test('are bounded: beyond the bound nobody new is introduced until others have left', () => {
    const { flowControls, sides } = setUp(10)
    const introductions = new Introductions(flowControls, 20)
    for (const a of sides) for (const b of sides) introductions.allow(a.address, a.producer, b.producer)
    expect([introductions.size, flowControls.consumerCount]).toEqual([20, 20])
    const [first, , , , , , , eighth, ninth] = sides
    introductions.forget(first?.producer as Producer)
    introductions.allow(eighth?.address as Address, eighth?.producer as Producer, ninth?.producer as Producer)
    expect(flowControls.isConsumer(eighth?.address as Address, ninth?.producer as Producer)).toBe(true)
  })
})
