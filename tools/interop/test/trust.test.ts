/** Who is refused: by each trust policy of either side in either role, by a proof that has run out, and by a history older than a known one. */

import type { Clock, Diagnostics, Timer, TrustPolicy } from '@ockam/core'
import { allOf, anyOf, type Identifier, type OckamNode, trustEveryone, trustIdentifier, trustIdentifiers } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import type { Json, RustPeer } from './fixture/rust-peer.ts'
import { hex, ours, rust, rustListener, socketOf, unhex, utf8 } from './fixture/world.ts'

const STRANGER = `I${'0'.repeat(63)}1`
/** Refusal is silence, so that a refused side waits; long enough for a slow machine to have answered. */
const WAIT_MS = 1500

/** All policies of a Rust node, by whom they refuse. */
const RUST_POLICIES: readonly [string, (other: string) => Json, boolean][] = [
  ['trusts everyone', () => ({ trust: 'everyone' }), true],
  ['trusts this identifier', (other) => ({ trust: 'identifier', trusted: [other] }), true],
  ['trusts another identifier', () => ({ trust: 'identifier', trusted: [STRANGER] }), false],
  ['trusts a list with it', (other) => ({ trust: 'identifiers', trusted: [STRANGER, other] }), true],
  ['trusts a list without it', () => ({ trust: 'identifiers', trusted: [STRANGER] }), false],
  ['demands it twice', (other) => ({ trust: 'both', trusted: [other, other] }), true],
  ['demands two identifiers at once', (other) => ({ trust: 'both', trusted: [other, STRANGER] }), false],
  ['trusts one of two', (other) => ({ trust: 'either', trusted: [STRANGER, other] }), true],
  ['trusts one of two others', () => ({ trust: 'either', trusted: [STRANGER, STRANGER] }), false],
]

/** A policy that a program writes itself, which takes its time. */
const written = (description: string, isTrusted: (identifier: string) => boolean): TrustPolicy => ({
  description,
  isTrusted: async ({ identifier }) => isTrusted(String(identifier)),
})

/** All of ours. */
const OUR_POLICIES: readonly [string, (other: string) => TrustPolicy, boolean][] = [
  ['trusts everyone', () => trustEveryone(), true],
  ['trusts this identifier', (other) => trustIdentifier(other), true],
  ['trusts another identifier', () => trustIdentifier(STRANGER), false],
  ['trusts a list with it', (other) => trustIdentifiers([STRANGER, other]), true],
  ['trusts a list without it', () => trustIdentifiers([STRANGER]), false],
  ['trusts nobody', () => trustIdentifiers([]), false],
  ['demands two policies that agree', (other) => allOf(trustEveryone(), trustIdentifier(other)), true],
  ['demands two policies of which one refuses', (other) => allOf(trustIdentifier(other), trustIdentifier(STRANGER)), false],
  ['needs one of two policies', (other) => anyOf(trustIdentifier(STRANGER), trustIdentifier(other)), true],
  ['needs one of two policies that refuse', () => anyOf(trustIdentifier(STRANGER), trustIdentifiers([])), false],
  ['has a policy of its own that agrees', (other) => written('own', (identifier) => identifier === other), true],
  ['has a policy of its own that refuses', () => written('own', () => false), false],
]

/** One of our nodes that listens; `identifier` is whom it shows, `refusals` gets the codes of handshakes that it refuses. */
async function ourListener(trust: (rust: string) => TrustPolicy, rustIdentifier: string, clock?: Clock) {
  const refusals: unknown[] = []
  const diagnostics: Diagnostics = {
    event: (name, details) => void (name === 'secure-channel/handshake-refused' && refusals.push(details?.['code'])),
  }
  const node = await ours({ diagnostics, ...(clock && { clock }) })
  const identity = await node.createIdentity()
  await node.listenSecureChannels('api', { identity, trust: trust(rustIdentifier) })
  const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
  return { node, refusals, socket: socketOf(address), identifier: identity.identifier }
}

describe('a Rust listener', () => {
  test.each(RUST_POLICIES)('that %s answers us accordingly', async (_name, policy, isAccepted) => {
    const node = await ours()
    const identity = await node.createIdentity()
    const responder = await rustListener({}, policy(String(identity.identifier)))
    const channel = await node.openSecureChannel(`${responder.address}/secure/api`, { identity, trust: trustEveryone() })
    const answer = channel.request('echo', utf8('?'), { timeoutMs: isAccepted ? 30_000 : WAIT_MS })
    if (isAccepted) expect(await answer).toEqual(utf8('?'))
    else await expect(answer).rejects.toMatchObject({ code: 'routing/timeout' })
    expect((await responder.peer.ask('channel.list')).channels).toHaveLength(isAccepted ? 1 : 0)
  })
})

describe('a Rust node', () => {
  test.each(RUST_POLICIES)(
    'that %s opens a channel to us accordingly, and shows nothing of its own to whom it refuses',
    async (_name, policy, isAccepted) => {
      const { peer } = await rust()
      const { identifier } = await peer.ask('identity.create')
      const { node, socket, identifier: own } = await ourListener(trustEveryone, identifier)
      const { worker } = await peer.ask('tcp.connect', { to: socket })
      const opening = peer.ask('channel.create', {
        identifier,
        route: [worker, 'api'],
        ...policy(String(own)),
        timeoutMs: isAccepted ? 30_000 : WAIT_MS,
      })
      if (isAccepted) {
        const { encryptor } = await opening
        expect((await peer.ask('message.request', { route: [encryptor, 'echo'], payload: '3f' })).payload).toBe('3f')
      } else {
        await expect(opening).rejects.toThrow('timeout')
        await expect(node.identities.export(identifier)).rejects.toMatchObject({ code: 'identity/unknown-identity' })
      }
      expect(node.channels.channels()).toHaveLength(isAccepted ? 1 : 0)
    },
  )
})

describe('our node', () => {
  test.each(OUR_POLICIES)(
    'that %s opens a channel to a Rust node accordingly, and shows nothing of its own to whom it refuses',
    async (_name, policy, isAccepted) => {
      const responder = await rustListener()
      const node = await ours()
      const identity = await node.createIdentity()
      const opening = node.openSecureChannel(`${responder.address}/secure/api`, { identity, trust: policy(responder.identifier) })
      const known = () => responder.peer.ask('identity.export', { identifier: String(identity.identifier) })
      if (isAccepted) {
        expect(await (await opening).request('echo', utf8('?'))).toEqual(utf8('?'))
        expect((await known()).history).toBe(hex(identity.changeHistory))
      } else {
        await expect(opening).rejects.toMatchObject({ code: 'secure-channel/untrusted-peer' })
        await expect(known()).rejects.toThrow('identity not found')
      }
      expect((await responder.peer.ask('channel.list')).channels).toHaveLength(isAccepted ? 1 : 0)
    },
  )

  test('gets a proof that holds from a Rust node whose own has run out: it makes another', async () => {
    const responder = await rust()
    const { peer, flow } = responder
    const { identifier } = await peer.ask('identity.create', { validFrom: 1_600_000_000, validUntil: 4_000_000_000 })
    await peer.ask('channel.listen', { identifier, consumerOf: [flow] })
    const node = await ours()
    const identity = await node.createIdentity()
    const { attestation } = await peer.ask('attestation.create', { identifier, createdAt: 1_650_000_000, expiresAt: 1_650_000_100 })
    await expect(peer.ask('attestation.verify', { attestation, subject: identifier })).rejects.toThrow(/./)
    // A Rust node looks at its own proof too before it shows it, and makes another: what it shows holds.
    const channel = await node.openSecureChannel(`${responder.address}/secure/api`, { identity, trust: trustIdentifier(identifier) })
    expect(String(channel.peer.identifier)).toBe(identifier)
  })
})

describe('our listener', () => {
  test.each(OUR_POLICIES)('that %s answers a Rust node accordingly', async (_name, policy, isAccepted) => {
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const { node, socket, refusals } = await ourListener(policy, identifier)
    const { worker } = await peer.ask('tcp.connect', { to: socket })
    const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
    const request = peer.ask('message.request', { route: [encryptor, 'echo'], payload: '3f', timeoutMs: isAccepted ? 30_000 : WAIT_MS })
    if (isAccepted) expect((await request).payload).toBe('3f')
    else await expect(request).rejects.toThrow('timeout')
    expect(refusals).toEqual(isAccepted ? [] : ['secure-channel/untrusted-peer'])
    expect(node.channels.channels()).toHaveLength(isAccepted ? 1 : 0)
  })
})

/** Proofs of either kind last five years at most. */
const SIX_YEARS_MS = 6 * 365 * 24 * 3600 * 1000
/** The same set-up with and without a shift, so that nothing but the time can be what was refused. */
const TIMES: readonly [string, number, boolean][] = [
  ['at its time', 0, true],
  ['when it has run out', SIX_YEARS_MS, false],
]

describe('a proof', () => {
  test.each(TIMES)('of a Rust listener: we take it or refuse it for its time (%s)', async (_when, byMs, isTaken) => {
    const responder = await rustListener()
    const node = await ours({ clock: new ShiftedClock(byMs) })
    const identity = await node.createIdentity()
    const opening = node.openSecureChannel(`${responder.address}/secure/api`, { identity, trust: trustEveryone() })
    if (isTaken) expect(await (await opening).request('echo', utf8('?'))).toEqual(utf8('?'))
    else
      await expect(opening).rejects.toMatchObject({
        code: 'secure-channel/invalid-identity',
        cause: { code: 'identity/attestation-expired' },
      })
  })

  test.each(TIMES)(
    'of a Rust node that opens a channel: our listener takes it or refuses it for its time (%s)',
    async (_when, byMs, isTaken) => {
      const { peer } = await rust()
      const { identifier } = await peer.ask('identity.create')
      const clock = new ShiftedClock(0)
      const { node, socket, refusals } = await ourListener(trustEveryone, identifier, clock)
      const proxy = await FrameProxy.to(socket)
      // Only when the last message of the handshake is on its way: before that our own proof has to hold at the Rust node.
      proxy.filter = ({ bytes }) => {
        if (proxy.messages('sent').length === 2) clock.byMs = byMs
        return [bytes]
      }
      const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
      const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
      const request = peer.ask('message.request', { route: [encryptor, 'echo'], payload: '3f', timeoutMs: isTaken ? 30_000 : WAIT_MS })
      if (isTaken) expect((await request).payload).toBe('3f')
      else await expect(request).rejects.toThrow('timeout')
      expect(refusals).toEqual(isTaken ? [] : ['secure-channel/invalid-identity'])
      expect(node.channels.channels()).toHaveLength(isTaken ? 1 : 0)
    },
  )

  test.each(TIMES)('of our listener: a Rust node takes it or refuses it for its time (%s)', async (_when, byMs, isTaken) => {
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const { node, socket, identifier: own } = await ourListener(trustEveryone, identifier, new ShiftedClock(-byMs))
    const { worker } = await peer.ask('tcp.connect', { to: socket })
    const opening = peer.ask('channel.create', { identifier, route: [worker, 'api'], timeoutMs: isTaken ? 30_000 : WAIT_MS })
    if (isTaken) expect((await opening).peer).toBe(String(own))
    else await expect(opening).rejects.toThrow('timeout')
    await expectVerdict(peer, node, own, isTaken)
  })

  test.each(TIMES)(
    'of ours when we open a channel: a Rust listener takes it or refuses it for its time (%s)',
    async (_when, byMs, isTaken) => {
      const responder = await rustListener()
      const clock = new ShiftedClock(-byMs)
      const node = await ours({ clock })
      const identity = await node.createIdentity()
      const proxy = await FrameProxy.to(responder.socket)
      await expectVerdict(responder.peer, node, identity.identifier, isTaken)
      // Our proof is made before the first message; when the answer is on its way we are in the present again, where the Rust proof holds.
      proxy.filter = ({ direction, bytes }) => {
        if (direction === 'answered') clock.byMs = 0
        return [bytes]
      }
      const channel = await node.openSecureChannel(`${proxy.address}/secure/api`, { identity, trust: trustEveryone() })
      const answer = channel.request('echo', utf8('?'), { timeoutMs: isTaken ? 30_000 : WAIT_MS })
      if (isTaken) expect(await answer).toEqual(utf8('?'))
      else await expect(answer).rejects.toMatchObject({ code: 'routing/timeout' })
      expect((await responder.peer.ask('channel.list')).channels).toHaveLength(isTaken ? 1 : 0)
    },
  )
})

/** The reason, as the verifier of a Rust node says it of the same proof, apart from any channel. */
async function expectVerdict(peer: RustPeer, node: OckamNode, identifier: Identifier, isTaken: boolean): Promise<void> {
  const { attestation, changeHistory } = await node.identities.channelProof(identifier)
  await peer.ask('identity.import', { history: hex(changeHistory) })
  const verdict = peer.ask('attestation.verify', { attestation: hex(attestation), subject: String(identifier) })
  if (isTaken) expect((await verdict).subject).toBe(String(identifier))
  else await expect(verdict).rejects.toThrow('PurposeKeyAttestationVerificationFailed')
}

describe('rotation', () => {
  test('of our identity between two channels is followed by a Rust node, which then refuses the history before it', async () => {
    const responder = await rustListener()
    const node = await ours()
    const identity = await node.createIdentity()
    const open = () => node.openSecureChannel(`${responder.address}/secure/api`, { identity: identity.identifier, trust: trustEveryone() })
    await (await open()).request('echo', utf8('before'))
    const rotated = await node.identities.rotate(identity.identifier)
    const channel = await open()
    expect(await channel.request('echo', utf8('after'))).toEqual(utf8('after'))
    const known = await responder.peer.ask('identity.export', { identifier: String(identity.identifier) })
    expect(known.history).toBe(hex(rotated.changeHistory))
    await expect(responder.peer.ask('identity.import', { history: hex(identity.changeHistory) })).rejects.toThrow(/./)
  })

  test('of our listener between two channels is followed by a Rust node', async () => {
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const { node, socket, identifier: own } = await ourListener(trustEveryone, identifier)
    const { worker } = await peer.ask('tcp.connect', { to: socket })
    const known = async () => {
      await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
      return (await peer.ask('identity.export', { identifier: String(own) })).history
    }
    const before = hex(await node.identities.export(own))
    expect(await known()).toBe(before)
    const rotated = await node.identities.rotate(own)
    expect(await known()).toBe(hex(rotated.changeHistory))
    await expect(peer.ask('identity.import', { history: before })).rejects.toThrow(/./)
  })

  test.each(['ed25519', 'p256'])('of a Rust node that opens channels to a %s key is followed by our listener', async (key) => {
    const { peer } = await rust()
    const { identifier, history } = await peer.ask('identity.create')
    const { node, socket } = await ourListener(trustIdentifier, identifier)
    const { worker } = await peer.ask('tcp.connect', { to: socket })
    const open = async () => {
      const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
      await peer.ask('message.request', { route: [encryptor, 'echo'], payload: '00' })
    }
    await open()
    expect(hex(await node.identities.export(identifier))).toBe(history)
    const after = await peer.ask('identity.rotate', { identifier, key })
    await open()
    expect(hex(await node.identities.export(identifier))).toBe(after.history)
    await expect(node.identities.import(unhex(history))).rejects.toMatchObject({ code: 'identity/older-history' })
  })

  test.each(['ed25519', 'p256'])('of a Rust identity to a %s key is followed by us, and the history before it refused', async (key) => {
    const responder = await rustListener()
    const { peer, identifier } = responder
    const before = (await peer.ask('identity.export', { identifier })).history
    const node = await ours()
    const identity = await node.createIdentity()
    const open = () => node.openSecureChannel(`${responder.address}/secure/api`, { identity, trust: trustIdentifier(identifier) })
    expect(await (await open()).request('echo', utf8('before'))).toEqual(utf8('before'))
    const after = await peer.ask('identity.rotate', { identifier, key })
    expect(await (await open()).request('echo', utf8('after'))).toEqual(utf8('after'))
    expect(String(await node.identities.import(unhex(after.history), identifier))).toBe(identifier)
    await expect(node.identities.import(unhex(before))).rejects.toMatchObject({ code: 'identity/older-history' })
  })
})

/** The system's clock, some time off. Timers run as usual. */
class ShiftedClock implements Clock {
  byMs: number

  constructor(byMs: number) {
    this.byMs = byMs
  }

  now(): number {
    return Date.now() + this.byMs
  }

  monotonic(): number {
    return performance.now()
  }

  schedule(delayMs: number, fn: () => void): Timer {
    const timer = setTimeout(fn, delayMs)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  }
}
