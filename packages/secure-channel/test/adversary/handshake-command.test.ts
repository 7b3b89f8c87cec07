/**
 * Random attacks in random order on handshakes under way. Every message of every handshake is in the hands of an attacker, who lets it go on, drops,
 * repeats or flips it, puts it in the place of any other, and takes part as Mallory, who shows histories and attestations of others.
 *
 * Whatever happens: the identity at the other end of a channel is of who wrote a message that came there, both ends have the same transcript, and nobody
 * else has it. Afterwards nothing of it is left half-open, and honest nodes still find each other. Time stands still until then.
 */

import type { ChannelProof } from '@ockam/core'
import { memoryNetwork } from '@ockam/transport-memory'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChannelListener, SecureChannel } from '../../src/index.ts'
import { bytes, closeNodes, createTestNode, everyone, MovableClock, settle, startEcho, type TestNode, text, until } from '../world.ts'
import { lying } from './lying-identities.ts'
import { ManInTheMiddle } from './man-in-the-middle.ts'

const NAMES = ['alice', 'carol', 'bob', 'mallory'] as const
type Name = (typeof NAMES)[number]
/** Who accepts channels. */
type Host = 'bob' | 'mallory'

/** What Mallory shows, in either role. */
const SHOWN = ['her own', 'history of alice', 'attestation of alice', 'all of alice', 'all of bob'] as const
type Shown = (typeof SHOWN)[number]

const MOST_HANDSHAKES = 8

class Network {
  readonly nodes: Readonly<Record<Name, TestNode>>
  readonly attacker: ManInTheMiddle
  readonly listener: ChannelListener
  readonly #mallory: { shown: Shown }
  readonly #ways: ReadonlyMap<string, Awaited<ReturnType<TestNode['router']['connect']>>>
  /** Indices of captured messages that nobody has got yet, the oldest first. */
  readonly #waiting: number[] = []
  #noted = 0
  /** Who wrote what was delivered, by the address it went to. Whatever was changed on the way was written by nobody. */
  readonly #writers = new Map<string, Set<Name | 'nobody'>>()

  private constructor(
    nodes: Network['nodes'],
    attacker: ManInTheMiddle,
    listener: ChannelListener,
    mallory: { shown: Shown },
    ways: ReadonlyMap<string, Awaited<ReturnType<TestNode['router']['connect']>>>,
  ) {
    this.nodes = nodes
    this.attacker = attacker
    this.listener = listener
    this.#mallory = mallory
    this.#ways = ways
  }

  static async create(): Promise<Network> {
    const network = memoryNetwork()
    const mallory = { shown: 'her own' as Shown }
    const victims = new Map<string, ChannelProof>()
    const changed = (own: ChannelProof): ChannelProof => {
      const [what, whose] = mallory.shown.split(' of ')
      const { changeHistory, attestation } = victims.get(whose ?? '') ?? own
      if (what === 'history') return { ...own, changeHistory }
      if (what === 'attestation') return { ...own, attestation }
      return { ...own, changeHistory, attestation }
    }
    const create = async (name: Name): Promise<[Name, TestNode]> => {
      const lie = name === 'mallory' ? { lie: lying(changed) } : {}
      return [name, await createTestNode(name, { network, clock: new MovableClock({ isStopped: true }), ...lie })]
    }
    const nodes = Object.fromEntries(await Promise.all(NAMES.map(create))) as Record<Name, TestNode>
    for (const name of ['alice', 'bob'] as const)
      victims.set(name, await nodes[name].identities.channelProof(nodes[name].identity.identifier))
    for (const name of ['bob', 'mallory'] as const) await nodes[name].router.listen(`/memory/${name}`)
    startEcho(nodes.bob)
    const listen = ({ channels, identity }: TestNode) => channels.createListener('api', { identity: identity.identifier, trust: everyone })
    const listener = await listen(nodes.bob)
    await listen(nodes.mallory)
    const ways = new Map<string, Awaited<ReturnType<TestNode['router']['connect']>>>()
    for (const from of ['alice', 'carol', 'mallory'] as const) {
      for (const to of ['bob', 'mallory'] as const)
        if (from !== to) ways.set(`${from} to ${to}`, await nodes[from].router.connect(`/memory/${to}`))
    }
    const attacker = new ManInTheMiddle(network)
    attacker.plan('drop')
    return new Network(nodes, attacker, listener, mallory, ways)
  }

  get captured(): number {
    return this.attacker.captured.length
  }

  /** Begins a handshake; what comes of it shows in the channels of the nodes. */
  async begin(from: Name, to: Host, shown: Shown): Promise<void> {
    this.#mallory.shown = shown
    this.open(from, to).catch(() => undefined)
    await this.quiet()
  }

  open(from: Name, to: Host): Promise<SecureChannel> {
    const { channels, identity } = this.nodes[from]
    const way = this.#ways.get(`${from} to ${to}`)
    if (way === undefined) throw new Error(`${from} has no way to ${to}`)
    return channels.createChannel([way.address, 'api'], { identity: identity.identifier, trust: everyone })
  }

  /** Takes one of the messages that wait away. */
  take(which: number): number | undefined {
    return this.#waiting.splice(which % Math.max(1, this.#waiting.length), 1)[0]
  }

  /** Delivers one message where the captured one of that index went. */
  async deliver(index: number, payload?: Uint8Array<ArrayBuffer>, writer = this.attacker.captured[index]?.from): Promise<void> {
    const to = this.attacker.captured[index]?.message.onwardRoute.next?.key ?? ''
    this.#writers.set(to, new Set([...(this.#writers.get(to) ?? []), writer as Name | 'nobody']))
    this.attacker.deliver(index, payload)
    await this.quiet()
  }

  /** Who wrote what was delivered where the ciphertexts of a channel go. */
  writersTo({ decryptorAddress }: SecureChannel): ReadonlySet<Name | 'nobody'> {
    return this.#writers.get(decryptorAddress.key) ?? new Set()
  }

  /** Whom a channel is with. */
  nameOf({ peer }: SecureChannel): Name | undefined {
    return NAMES.find((name) => this.nodes[name].identity.identifier.equals(peer))
  }

  /** What was caused waits in the attacker's hands. */
  async quiet(): Promise<void> {
    await settle()
    for (; this.#noted < this.captured; this.#noted++) this.#waiting.push(this.#noted)
    invariant(this)
  }
}

/** Holds at any time. */
function invariant(network: Network): void {
  const ends = new Map<string, { readonly name: Name; readonly channel: SecureChannel }[]>()
  for (const name of NAMES) {
    for (const channel of network.nodes[name].channels.channels()) {
      expect(network.writersTo(channel)).toContain(network.nameOf(channel))
      const binding = channel.channelBinding().join()
      ends.set(binding, [...(ends.get(binding) ?? []), { name, channel }])
    }
  }
  for (const same of ends.values()) {
    const [initiator, responder, ...others] = same.toSorted((a, b) => (a.channel.role < b.channel.role ? -1 : 1))
    expect(others).toEqual([])
    // It is there first: message 3 may still be under way, or lost.
    expect(initiator?.channel.role).toBe('initiator')
    if (initiator === undefined || responder === undefined) continue
    expect(responder.channel.role).toBe('responder')
    expect([network.nameOf(initiator.channel), network.nameOf(responder.channel)]).toEqual([responder.name, initiator.name])
  }
}

interface Model {
  begun: number
}

type Command = fc.AsyncCommand<Model, Network>

class Begin implements Command {
  readonly from: Name
  readonly to: Host
  readonly shown: Shown
  constructor(from: Name, to: Host, shown: Shown) {
    this.from = from
    this.to = from === 'mallory' ? 'bob' : to
    this.shown = shown
  }
  check({ begun }: Readonly<Model>): boolean {
    return begun < MOST_HANDSHAKES
  }
  async run(model: Model, network: Network): Promise<void> {
    model.begun++
    await network.begin(this.from, this.to, this.shown)
  }
  toString(): string {
    return `begin(${this.from} to ${this.to}, Mallory shows ${this.shown})`
  }
}

/** Lets so many messages go on, and those that they cause. */
class Pass implements Command {
  readonly count: number
  readonly which: number
  constructor(count: number, which: number) {
    this.count = count
    this.which = which
  }
  check(): boolean {
    return true
  }
  async run(_model: Model, network: Network): Promise<void> {
    for (let i = 0; i < this.count; i++) {
      const index = network.take(this.which)
      if (index !== undefined) await network.deliver(index)
    }
  }
  toString(): string {
    return `pass(${this.count}, ${this.which})`
  }
}

class Attack implements Command {
  readonly kind: 'drop' | 'replay' | 'flip' | 'swap'
  readonly index: number
  readonly other: number
  constructor(kind: Attack['kind'], index: number, other: number) {
    this.kind = kind
    this.index = index
    this.other = other
  }
  check(): boolean {
    return true
  }
  async run(_model: Model, network: Network): Promise<void> {
    const { attacker, captured } = network
    if (captured === 0) return
    const index = this.index % captured
    if (this.kind === 'drop') network.take(this.index)
    else if (this.kind === 'replay') await network.deliver(index)
    else if (this.kind === 'swap') {
      const other = attacker.captured[this.other % captured]
      await network.deliver(index, other?.message.payload.slice(), other?.from)
    } else {
      const flipped = attacker.captured[index]?.message.payload.slice() as Uint8Array<ArrayBuffer>
      const at = this.other % flipped.length
      flipped[at] = (flipped[at] as number) ^ (1 << (this.other & 7))
      await network.deliver(index, flipped, 'nobody')
    }
  }
  toString(): string {
    return `${this.kind}(${this.index}, ${this.other})`
  }
}

test('the harness itself: what is let through opens channels at both ends, what is flipped or a lie opens none, and for known reasons', async () => {
  const network = await Network.create()
  const { nodes, attacker } = network
  const channels = (): number[] => NAMES.map((name) => nodes[name].channels.channels().length)
  const codes = (name: Name): unknown[] => nodes[name].events.flatMap(({ details }) => details['code'] ?? [])
  /** The oldest message that waits, as soon as there is one. */
  const next = async (): Promise<number> => {
    for (let i = 0; i < 100; i++) {
      const index = network.take(0)
      if (index !== undefined) return index
      await network.quiet()
    }
    throw new Error('no message came')
  }
  const passUntil = async (condition: () => boolean): Promise<void> => {
    for (let i = 0; i < 100 && !condition(); i++) {
      const index = network.take(0)
      if (index === undefined) await network.quiet()
      else await network.deliver(index)
    }
  }
  try {
    await network.begin('alice', 'bob', 'her own')
    await passUntil(() => channels().join() === '1,0,1,0')
    await network.begin('carol', 'mallory', 'her own')
    await passUntil(() => channels().join() === '1,1,1,1')
    for (const [i, shown] of SHOWN.slice(1).entries()) {
      await network.begin('mallory', 'bob', shown)
      await passUntil(() => codes('bob').length > i)
    }
    expect(codes('bob')).toEqual(SHOWN.slice(1).map(() => 'secure-channel/invalid-identity'))
    await network.begin('alice', 'bob', 'her own')
    await network.deliver(await next())
    const message2 = await next()
    const flipped = attacker.captured[message2]?.message.payload.slice() as Uint8Array<ArrayBuffer>
    flipped[100] = (flipped[100] as number) ^ 1
    await network.deliver(message2, flipped, 'nobody')
    await until(() => codes('alice').length > 0)
    expect(codes('alice')).toEqual(['secure-channel/invalid-handshake'])
    // Mallory believes to have a channel with Bob each time she lies: he does not.
    expect(channels()).toEqual([1, 1, 1, 5])
  } finally {
    const closing = closeNodes()
    for (const { clock } of Object.values(nodes)) clock.move(121_000)
    await closing
  }
})

test('whatever a man in the middle and a liar do to handshakes, a channel has who it says at its other end, and nobody else', async () => {
  const commands = fc.commands(
    [
      fc
        .tuple(
          fc.constantFrom<Name>('alice', 'carol', 'mallory'),
          fc.constantFrom<Host>('bob', 'bob', 'mallory'),
          fc.constantFrom(...SHOWN),
        )
        .map(([from, to, shown]) => new Begin(from, to, shown)),
      fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(20)).map(([count, which]) => new Pass(count, which)),
      fc
        .tuple(fc.constantFrom('drop', 'replay', 'flip', 'swap'), fc.nat(60), fc.nat(900))
        .map(([kind, index, other]) => new Attack(kind, index, other)),
    ],
    { size: '+1', maxCommands: 24 },
  )
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const network = await Network.create()
      const { nodes, attacker, listener } = network
      try {
        await fc.asyncModelRun(() => ({ model: { begun: 0 }, real: network }), steps)
        attacker.stop()
        for (const { clock } of Object.values(nodes)) clock.move(121_000)
        await until(() => listener.statistics().halfOpen === 0, 'the deadline ends what is half-open')
        for (const name of ['alice', 'carol'] as const) {
          const { address, peer } = await network.open(name, 'bob')
          expect(peer.equals(nodes.bob.identity.identifier)).toBe(true)
          expect(text((await nodes[name].router.context.request([address, 'echo'], bytes(name))).payload)).toBe(name)
        }
      } finally {
        const closing = closeNodes()
        for (const { clock } of Object.values(nodes)) clock.move(10_000)
        await closing
      }
    }),
    { numRuns: 15 },
  )
}, 60_000)
