/**
 * Random attacks in random order over two live channels of the same two nodes. Whatever the network does: nothing is delivered that was not sent, nothing
 * twice, nothing out of one channel into the other; and as long as no more than the window was lost in a row, both channels work on afterwards.
 *
 * Time stands still, so that no channel ends for what an attacker could do by dropping everything as well.
 */

import { dropPressure, type LocalMessage } from '@ockam/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SecureChannel } from '../../src/index.ts'
import { bytes, closeNodes, collect, everyone, MovableClock, settle, type TestNode, text, twoNodes, until } from '../world.ts'
import { ManInTheMiddle, type Plan } from './man-in-the-middle.ts'

/** Of one channel. */
interface Model {
  sent: number
  /** Sent since the last message that surely arrived. */
  atRisk: number
}

interface Ends {
  /** Alice's side. */
  readonly channel: SecureChannel
  /** Bob's side. */
  readonly accepted: SecureChannel
}

interface Real {
  readonly alice: TestNode
  readonly ends: readonly [Ends, Ends]
  readonly attacker: ManInTheMiddle
  readonly inbox: readonly LocalMessage[]
}

type Models = readonly [Model, Model]
type Command = fc.AsyncCommand<Models, Real>
/** Which of the two channels. */
type Which = 0 | 1

/** So many may be in danger at once that the window surely still fits. */
const MOST_AT_RISK = 30

/** What arrived through a channel: the first hop of an answer is the encryptor of the channel that a message came through. */
const arrivedThrough = ({ accepted }: Ends, { inbox }: Real): string[] =>
  inbox.filter(({ returnRoute }) => returnRoute.next?.equals(accepted.address) === true).map(({ payload }) => text(payload))

/** Holds at any time: through each channel came what was sent into it, unchanged, each message once. */
function invariant(models: Models, real: Real): void {
  for (const [i, ends] of real.ends.entries()) {
    const contents = arrivedThrough(ends, real)
    expect(new Set(contents).size).toBe(contents.length)
    const sent = new Set(Array.from({ length: (models[i] as Model).sent }, (_, n) => contentOf(i as Which, n)))
    for (const content of contents) expect(sent).toContain(content)
    // Bob sends nothing, so whatever comes to Alice is the attacker's.
    expect(ends.channel.statistics().received).toBe(0)
  }
}

/** What Bob's side has opened is what arrived. */
function nothingElse(ends: Ends, real: Real): void {
  expect(ends.accepted.statistics().received).toBe(arrivedThrough(ends, real).length)
}

const contentOf = (which: Which, n: number): string => `message ${n} of ${which}`

function send(which: Which, models: Models, { alice, ends }: Real): string {
  const content = contentOf(which, models[which].sent++)
  dropPressure(alice.router.context.send([ends[which].channel.address, 'inbox'], bytes(content)))
  return content
}

class Send implements Command {
  readonly which: Which
  readonly plan: Plan
  readonly count: number
  readonly flipAt: number
  constructor(which: Which, plan: Plan, count: number, flipAt: number) {
    this.which = which
    this.plan = plan
    this.count = count
    this.flipAt = flipAt
  }
  check(models: Readonly<Models>): boolean {
    return models[this.which].atRisk + this.count <= MOST_AT_RISK
  }
  async run(models: Models, real: Real): Promise<void> {
    real.attacker.plan(this.plan, 'alice', this.flipAt)
    for (let i = 0; i < this.count; i++) send(this.which, models, real)
    models[this.which].atRisk += this.count
    await settle()
    real.attacker.plan('pass')
    invariant(models, real)
  }
  toString(): string {
    return `send(${this.which}, ${this.count}, ${this.plan})`
  }
}

class Attack implements Command {
  readonly kind: 'replay' | 'reflect' | 'invent' | 'release'
  readonly which: Which
  readonly index: number
  constructor(kind: Attack['kind'], which: Which, index: number) {
    this.kind = kind
    this.which = which
    this.index = index
  }
  check(): boolean {
    return true
  }
  async run(models: Models, real: Real): Promise<void> {
    const { attacker, ends } = real
    if (attacker.captured.length === 0) return
    if (this.kind === 'replay') attacker.replay(this.index)
    else if (this.kind === 'reflect') attacker.reflect(this.index, ends[this.which].channel.decryptorAddress)
    else if (this.kind === 'release') attacker.release([this.index % 7, this.index % 3, this.index % 5])
    else
      attacker.invent(
        'alice',
        Uint8Array.from({ length: 24 + (this.index % 90) }, (_, i) => (i < 7 ? 0 : (i * this.index) & 0xff)),
      )
    await settle()
    invariant(models, real)
  }
  toString(): string {
    return `${this.kind}(${this.which}, ${this.index})`
  }
}

/** Puts ciphertexts of either channel where those of one of them go: as they are, with the nonce of another, or with the tag of another. */
class Splice implements Command {
  readonly into: Which
  readonly index: number
  readonly other: number
  readonly part: 'whole' | 'nonce' | 'tag'
  constructor(into: Which, index: number, other: number, part: Splice['part']) {
    this.into = into
    this.index = index
    this.other = other
    this.part = part
  }
  check(): boolean {
    return true
  }
  async run(models: Models, real: Real): Promise<void> {
    const { attacker, ends } = real
    const { captured } = attacker
    if (captured.length === 0) return
    const payload = captured[this.index % captured.length]?.message.payload.slice() as Uint8Array<ArrayBuffer>
    const other = captured[this.other % captured.length]?.message.payload as Uint8Array<ArrayBuffer>
    if (this.part === 'nonce') payload.set(other.subarray(0, 8))
    else if (this.part === 'tag') payload.set(other.subarray(-16), payload.length - 16)
    attacker.splice(this.index, ends[this.into].accepted.decryptorAddress, payload)
    await settle()
    invariant(models, real)
  }
  toString(): string {
    return `splice(${this.index} into ${this.into}, ${this.part} of ${this.other})`
  }
}

class StillWorks implements Command {
  readonly which: Which
  constructor(which: Which) {
    this.which = which
  }
  check(): boolean {
    return true
  }
  async run(models: Models, real: Real): Promise<void> {
    const ends = real.ends[this.which]
    const content = send(this.which, models, real)
    await until(() => arrivedThrough(ends, real).includes(content), content)
    models[this.which].atRisk = 0
    invariant(models, real)
    nothingElse(ends, real)
  }
  toString(): string {
    return `stillWorks(${this.which})`
  }
}

test('whatever a man in the middle does to two channels, each message arrives once, unchanged, through its own, or not at all', async () => {
  const plans = fc.constantFrom<Plan>('pass', 'drop', 'hold', 'duplicate', 'flip')
  const which = fc.constantFrom<Which>(0, 1)
  const commands = fc.commands(
    [
      fc
        .tuple(which, plans, fc.integer({ min: 1, max: 12 }), fc.nat(60))
        .map(([into, plan, count, flipAt]) => new Send(into, plan, count, 8 + flipAt)),
      fc
        .tuple(fc.constantFrom('replay', 'reflect', 'invent', 'release'), which, fc.nat(200))
        .map(([kind, into, index]) => new Attack(kind, into, index)),
      fc
        .tuple(which, fc.nat(200), fc.nat(200), fc.constantFrom('whole', 'nonce', 'tag'))
        .map(([into, index, other, part]) => new Splice(into, index, other, part)),
      which.map((into) => new StillWorks(into)),
    ],
    { size: '+1', maxCommands: 24 },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const [alices, bobs] = [new MovableClock({ isStopped: true }), new MovableClock({ isStopped: true })]
      const { network, alice, bob, toBob } = await twoNodes({ alice: { clock: alices }, bob: { clock: bobs } })
      const inbox = collect(bob, 'inbox')
      await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
      const open = async (): Promise<Ends> => {
        const known = bob.channels.channels().length
        const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
        await until(() => bob.channels.channels().length > known)
        return { channel, accepted: bob.channels.channels()[known] as SecureChannel }
      }
      const ends = [await open(), await open()] as const
      const attacker = new ManInTheMiddle(network)
      const real: Real = { alice, ends, attacker, inbox }
      const model: Models = [
        { sent: 0, atRisk: 0 },
        { sent: 0, atRisk: 0 },
      ]
      try {
        await fc.asyncModelRun(() => ({ model, real }), steps)
        for (const each of [0, 1] as const) await new StillWorks(each).run(model, real)
        expect(inbox).toHaveLength(ends.reduce((sum, each) => sum + arrivedThrough(each, real).length, 0))
      } finally {
        // Whoever is closed waits for nothing that the attacker holds.
        const closing = closeNodes()
        for (const clock of [alices, bobs]) clock.move(10_000)
        await closing
      }
    }),
    { numRuns: 15 },
  )
}, 60_000)
