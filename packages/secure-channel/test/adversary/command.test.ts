/**
 * Random attacks in random order over real code. Whatever the network does: nothing is delivered that was not sent, nothing twice, nothing to the wrong
 * channel; and as long as no more than the window was lost in a row, the channel works on afterwards.
 */

import { dropPressure } from '@ockam/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SecureChannel } from '../../src/index.ts'
import { bytes, closeNodes, collect, everyone, settle, type TestNode, text, twoNodes, until } from '../world.ts'
import { ManInTheMiddle, type Plan } from './man-in-the-middle.ts'

interface Model {
  sent: number
  /** Sent since the last message that surely arrived. */
  atRisk: number
}

interface Real {
  readonly alice: TestNode
  readonly channel: SecureChannel
  readonly accepted: SecureChannel
  readonly attacker: ManInTheMiddle
  readonly arrived: () => string[]
}

type Command = fc.AsyncCommand<Model, Real>

/** So many may be in danger at once that the window surely still fits. */
const MOST_AT_RISK = 30

class Send implements Command {
  readonly plan: Plan
  readonly count: number
  readonly flipAt: number
  constructor(plan: Plan, count: number, flipAt: number) {
    this.plan = plan
    this.count = count
    this.flipAt = flipAt
  }
  check(model: Readonly<Model>): boolean {
    return model.atRisk + this.count <= MOST_AT_RISK
  }
  async run(model: Model, { alice, channel, attacker }: Real): Promise<void> {
    attacker.plan(this.plan, 'alice', this.flipAt)
    for (let i = 0; i < this.count; i++)
      dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes(`message ${model.sent++}`)))
    model.atRisk += this.count
    await settle()
    attacker.plan('pass')
  }
  toString(): string {
    return `send(${this.count}, ${this.plan})`
  }
}

class Attack implements Command {
  readonly kind: 'replay' | 'reflect' | 'invent' | 'release'
  readonly index: number
  constructor(kind: Attack['kind'], index: number) {
    this.kind = kind
    this.index = index
  }
  check(): boolean {
    return true
  }
  async run(_model: Model, { attacker, channel }: Real): Promise<void> {
    if (attacker.captured.length === 0) return
    if (this.kind === 'replay') attacker.replay(this.index)
    else if (this.kind === 'reflect') attacker.reflect(this.index, channel.decryptorAddress)
    else if (this.kind === 'release') attacker.release([this.index % 7, this.index % 3, this.index % 5])
    else
      attacker.invent(
        'alice',
        Uint8Array.from({ length: 24 + (this.index % 90) }, (_, i) => (i < 7 ? 0 : (i * this.index) & 0xff)),
      )
    await settle()
  }
  toString(): string {
    return `${this.kind}(${this.index})`
  }
}

class StillWorks implements Command {
  check(): boolean {
    return true
  }
  async run(model: Model, { alice, channel, accepted, arrived }: Real): Promise<void> {
    const content = `message ${model.sent++}`
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes(content)))
    await until(() => arrived().includes(content), content)
    model.atRisk = 0
    if (accepted.statistics().received !== arrived().length) throw new Error('delivered is not what was received')
  }
  toString(): string {
    return 'stillWorks'
  }
}

test('whatever a man in the middle does, each message arrives once, unchanged, or not at all', async () => {
  const plans = fc.constantFrom<Plan>('pass', 'drop', 'hold', 'duplicate', 'flip')
  const commands = fc.commands(
    [
      fc.tuple(plans, fc.integer({ min: 1, max: 12 }), fc.nat(60)).map(([plan, count, flipAt]) => new Send(plan, count, 8 + flipAt)),
      fc.tuple(fc.constantFrom('replay', 'reflect', 'invent', 'release'), fc.nat(200)).map(([kind, index]) => new Attack(kind, index)),
      fc.constant(new StillWorks()),
    ],
    { size: '+1', maxCommands: 20 },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const { network, alice, bob, toBob } = await twoNodes()
      const inbox = collect(bob, 'inbox')
      await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
      const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
      await until(() => bob.channels.channels().length === 1)
      const accepted = bob.channels.channels()[0] as SecureChannel
      const attacker = new ManInTheMiddle(network)
      const arrived = (): string[] => inbox.map(({ payload }) => text(payload))
      const model: Model = { sent: 0, atRisk: 0 }
      try {
        await fc.asyncModelRun(() => ({ model, real: { alice, channel, accepted, attacker, arrived } }), steps)
        await new StillWorks().run(model, { alice, channel, accepted, attacker, arrived })
        const contents = arrived()
        expect(new Set(contents).size).toBe(contents.length)
        for (const content of contents) expect(content).toMatch(/^message \d+$/)
        expect(channel.statistics().received).toBe(0)
      } finally {
        await closeNodes()
      }
    }),
    { numRuns: 15 },
  )
}, 60_000)
