/** Who is refused: by each trust policy of either side, by a proof that has run out, and by a history older than a known one. */

import { type Clock, OckamError, type Timer } from '@ockam/core'
import { trustEveryone, trustIdentifier, trustIdentifiers } from '@ockam/node'
import { describe, expect, test } from 'vitest'
import type { Json } from './fixture/rust-peer.ts'
import { hex, ours, rust, rustListener, socketOf, unhex, utf8 } from './fixture/world.ts'

const STRANGER = `I${'0'.repeat(63)}1`
/** Refusal is silence, so that a refused side waits; long enough for a slow machine to have answered. */
const WAIT_MS = 1500

describe('a Rust listener', () => {
  const policies: readonly [string, (own: string) => Json, boolean][] = [
    ['trusts everyone', () => ({ trust: 'everyone' }), true],
    ['trusts this identifier', (own) => ({ trust: 'identifier', trusted: [own] }), true],
    ['trusts another identifier', () => ({ trust: 'identifier', trusted: [STRANGER] }), false],
    ['trusts a list with it', (own) => ({ trust: 'identifiers', trusted: [STRANGER, own] }), true],
    ['trusts a list without it', () => ({ trust: 'identifiers', trusted: [STRANGER] }), false],
    ['demands two identifiers at once', (own) => ({ trust: 'both', trusted: [own, STRANGER] }), false],
    ['trusts one of two', (own) => ({ trust: 'either', trusted: [STRANGER, own] }), true],
  ]
  test.each(policies)('that %s answers us accordingly', async (_name, policy, isAccepted) => {
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

describe('we, towards a Rust listener,', () => {
  test('open no channel to another identity than the trusted one, and never show it ours', async () => {
    const responder = await rustListener()
    const node = await ours()
    const identity = await node.createIdentity()
    const opening = node.openSecureChannel(`${responder.address}/secure/api`, { identity, trust: trustIdentifier(STRANGER) })
    await expect(opening).rejects.toMatchObject({ code: 'secure-channel/untrusted-peer' })
    expect((await responder.peer.ask('channel.list')).channels).toHaveLength(0)
    await expect(responder.peer.ask('identity.export', { identifier: String(identity.identifier) })).rejects.toThrow('identity not found')
  })

  test('get a proof that holds from a Rust node whose own has run out: it makes another', async () => {
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
  test.each([
    ['trusts this identifier', true],
    ['trusts others', false],
  ])('that %s answers a Rust node accordingly', async (_name, isAccepted) => {
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustIdentifiers(isAccepted ? [STRANGER, identifier] : [STRANGER]) })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
    const request = peer.ask('message.request', { route: [encryptor, 'echo'], payload: '3f', timeoutMs: isAccepted ? 30_000 : WAIT_MS })
    if (isAccepted) expect((await request).payload).toBe('3f')
    else await expect(request).rejects.toThrow('timeout')
  })

  test('is refused by a Rust node that expects another identity, which then shows nothing of its own', async () => {
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const opening = peer.ask('channel.create', {
      identifier,
      route: [worker, 'api'],
      trust: 'identifier',
      trusted: [STRANGER],
      timeoutMs: WAIT_MS,
    })
    await expect(opening).rejects.toThrow('timeout')
    expect(node.channels.channels()).toHaveLength(0)
  })
})

describe('time', () => {
  test('a Rust node refuses our proof when its clock is past the proof, and ours refuses a Rust proof likewise', async () => {
    // Our node lives six years in the future: Rust proofs last five years.
    const responder = await rustListener()
    const node = await ours({ clock: shiftedClock(6 * 365 * 24 * 3600 * 1000) })
    const identity = await node.createIdentity()
    const opening = node.openSecureChannel(`${responder.address}/secure/api`, { identity, trust: trustEveryone() })
    await expect(opening).rejects.toSatisfy(
      (error) => (OckamError.is(error) && error.code.startsWith('identity/')) || OckamError.is(error, 'secure-channel/invalid-identity'),
    )

    // And one that lives six years ago makes proofs that are over by now.
    const past = await ours({ clock: shiftedClock(-6 * 365 * 24 * 3600 * 1000) })
    const old = await past.createIdentity()
    await past.listenSecureChannels('api', { identity: old, trust: trustEveryone() })
    const { address } = await past.listen('/ip4/127.0.0.1/tcp/0')
    const { identifier } = await responder.peer.ask('identity.create')
    const { worker } = await responder.peer.ask('tcp.connect', { to: socketOf(address) })
    const refused = responder.peer.ask('channel.create', { identifier, route: [worker, 'api'], timeoutMs: WAIT_MS })
    await expect(refused).rejects.toThrow('timeout')
  })
})

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
function shiftedClock(byMs: number): Clock {
  return {
    now: () => Date.now() + byMs,
    monotonic: () => performance.now(),
    schedule(delayMs: number, fn: () => void): Timer {
      const timer = setTimeout(fn, delayMs)
      timer.unref()
      return { cancel: () => clearTimeout(timer) }
    },
  }
}
