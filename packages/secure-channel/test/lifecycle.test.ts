import { dropPressure, type PeerIdentity, Route, type Vault } from '@ockam/core'
import { createIdentities } from '@ockam/identity'
import type { MemoryNetwork } from '@ockam/transport-memory'
import { softwareVault } from '@ockam/vault-software'
import { afterEach, describe, expect, test } from 'vitest'
import { type SecureChannel, trustIdentifier } from '../src/index.ts'
import { plugInVault } from './plug-in-vault.ts'
import {
  bytes,
  closeNodes,
  collect,
  createTestNode,
  everyone,
  MovableClock,
  settle,
  startEcho,
  type TestNode,
  text,
  twoNodes,
  until,
} from './world.ts'

afterEach(closeNodes)

const withCode = (code: string): unknown => expect.objectContaining({ code: `secure-channel/${code}` })

async function connected(options: Parameters<typeof twoNodes>[0] = {}) {
  const world = await twoNodes(options)
  const { alice, bob, toBob } = world
  startEcho(bob)
  const inbox = collect(bob, 'inbox')
  const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone, routeGraceMs: 10_000 })
  const { workers } = bob.router.statistics()
  const channel = await alice.channels.createChannel([toBob.address, 'api'], {
    identity: alice.identity.identifier,
    trust: everyone,
    routeGraceMs: 10_000,
  })
  await until(() => bob.channels.channels().length === 1)
  const accepted = bob.channels.channels()[0] as typeof channel
  return { ...world, inbox, listener, workers, channel, accepted }
}

/** So many messages of Alice's vanish on the way. */
async function lose(count: number, network: MemoryNetwork, alice: TestNode, { address }: SecureChannel): Promise<void> {
  let lost = 0
  const untap = network.tap(({ from }) => {
    if (from !== 'alice') return undefined
    lost++
    return []
  })
  for (let i = 0; i < count; i++) dropPressure(alice.router.context.send([address, 'inbox'], bytes('lost')))
  await until(() => lost === count)
  untap()
}

describe('how a channel ends', () => {
  test('closed here: everything sent before arrives, the peer is told, and both sides know which it was', async () => {
    const { alice, inbox, channel, accepted } = await connected()
    for (let i = 0; i < 100; i++) dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes(String(i))))
    await channel.close()
    expect(await channel.closed).toEqual({ reason: 'local' })
    expect(await accepted.closed).toEqual({ reason: 'peer' })
    await until(() => inbox.length === 100, 'all messages')
    expect(inbox.map(({ payload }) => text(payload))).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
  })

  test('closing twice is the same, and a closed channel says so', async () => {
    const { alice, channel } = await connected()
    await Promise.all([channel.close(), channel.close()])
    expect(() => channel.updateRoute(['x'])).toThrowError(withCode('closed'))
    expect(() => alice.router.context.send([channel.address, 'inbox'], bytes('late'))).toThrowError(
      expect.objectContaining({ code: 'routing/unknown-address' }),
    )
    expect(alice.channels.channels()).toHaveLength(0)
  })

  test('row 9: a connection that is cut makes the channel "cut", never "closed", and only after its grace', async () => {
    const { alice, bob, toBob, channel, accepted } = await connected()
    await toBob.close()
    await settle()
    for (const { clock } of [alice, bob]) clock.move(1_500)
    for (const { clock } of [alice, bob]) clock.move(9_000)
    expect(alice.channels.channels()).toHaveLength(1)
    for (const { clock } of [alice, bob]) clock.move(3_000)
    expect(await channel.closed).toMatchObject({ reason: 'cut', error: { code: 'secure-channel/route-lost' } })
    expect((await accepted.closed).reason).toBe('cut')
  })

  test('row 9: a channel opened for one resolved route is cut as soon as its connection is', async () => {
    const { network, alice, bob } = await connected()
    const resolved = await alice.router.resolve('/memory/bob/secure/api', { identity: alice.identity.identifier, trust: everyone })
    const channel = alice.channels.channelAt(resolved.route.next as never)
    network.tap(({ from }) => (from === 'bob' ? [] : undefined))
    await bob.router.close({ timeoutMs: 1 })
    await resolved.closed
    expect(await channel?.closed).toMatchObject({ reason: 'cut', error: { code: 'secure-channel/route-lost' } })
  })

  test('when nothing that the peer sent is missing, nothing waits for it: the channel is gone with its Close', async () => {
    const { alice, bob, channel, accepted, workers } = await connected({ bob: { clock: new MovableClock({ isStopped: true }) } })
    for (let i = 0; i < 40; i++) dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes(String(i))))
    await channel.close()
    expect((await accepted.closed).reason).toBe('peer')
    await until(() => bob.router.statistics().workers === workers, 'no worker of the channel is left, although no time has passed')
    expect(bob.channels.channels()).toHaveLength(0)
  })

  test('messages that the network delayed past the Close still arrive, later ones do not', async () => {
    const { network, alice, bob, channel, accepted, inbox, workers } = await connected()
    const held: (() => void)[] = []
    const untap = network.tap(({ from, message, inject }) => {
      if (from !== 'alice' || held.length > 0) return undefined
      held.push(() => inject(message))
      return []
    })
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('slow')))
    await settle()
    untap()
    const closing = channel.close()
    expect((await accepted.closed).reason).toBe('peer')
    await settle()
    expect(bob.router.statistics().workers).toBeGreaterThan(workers)
    held[0]?.()
    await until(() => inbox.length === 1, 'the delayed message')
    expect(text(inbox[0]?.payload as Uint8Array)).toBe('slow')
    await closing
  })

  test('row 22: a channel ends when what the peer showed about its identity expires, and not before', async () => {
    const clock = new MovableClock()
    const vault = softwareVault()
    const identities = createIdentities({ vault, clock, attestationValidForMs: 3_600_000 })
    const { alice, channel, accepted } = await connected({ bob: { vault, identities } })
    alice.clock.move(3_590_000)
    alice.clock.move(1_100)
    expect(alice.channels.channels()).toHaveLength(1)
    alice.clock.move(20_000)
    expect(await channel.closed).toMatchObject({ reason: 'expired', error: { code: 'secure-channel/expired' } })
    expect((await accepted.closed).reason).toBe('peer')
  })

  test('a node that shuts down says goodbye through its channels', async () => {
    const { alice, accepted, channel } = await connected()
    await alice.router.close()
    expect((await channel.closed).reason).toBe('local')
    expect((await accepted.closed).reason).toBe('peer')
  })

  test('row 2: when 32 messages in a row are lost, the receiver says so with a typed error instead of hanging', async () => {
    const { network, alice, bob, channel, accepted, inbox } = await connected()
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('before')))
    await until(() => inbox.length === 1)
    await lose(32, network, alice, channel)
    for (let i = 0; i < 3; i++) dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('too late')))
    await until(() => accepted.statistics().refused['ahead'] === 3)
    bob.clock.move(2_000)
    expect(await accepted.closed).toMatchObject({ reason: 'cut', error: { code: 'secure-channel/window-lost' } })
    expect(inbox).toHaveLength(1)
    // And the way to a new channel is free.
    const again = await alice.channels.createChannel([(await alice.router.connect('/memory/bob')).address, 'api'], {
      identity: alice.identity.identifier,
      trust: everyone,
    })
    expect(text((await alice.router.context.request([again.address, 'echo'], bytes('again'))).payload)).toBe('again')
  })

  test('row 2, regression: a refresh before the loss does not keep it from being noticed', async () => {
    const { network, alice, bob, channel, accepted } = await connected()
    const refreshed = new Promise<void>((resolve) => void accepted.on('refreshed', resolve))
    await channel.refreshCredentials()
    await refreshed
    await lose(33, network, alice, channel)
    for (let i = 0; i < 3; i++) dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('too late')))
    await until(() => accepted.statistics().refused['ahead'] === 3)
    bob.clock.move(2_000)
    expect((await accepted.closed).error?.code).toBe('secure-channel/window-lost')
  })

  test('row 2, regression: an invented nonce far ahead does not hide that the window is lost', async () => {
    const { network, alice, bob, toBob, channel, accepted } = await connected()
    await lose(33, network, alice, channel)
    for (const nonce of [
      [0, 0x1f],
      [0xff, 0xff],
    ]) {
      const payload = new Uint8Array(60)
      payload.set(nonce)
      const onwardRoute = Route.of(toBob.address, accepted.decryptorAddress)
      dropPressure(alice.router.context.dispatch({ onwardRoute, returnRoute: Route.empty, payload }))
    }
    for (let i = 0; i < 3; i++) dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('too late')))
    await until(() => accepted.statistics().refused['ahead'] === 5)
    bob.clock.move(2_000)
    expect((await accepted.closed).error?.code).toBe('secure-channel/window-lost')
  })

  test('row 26: a vault that opens messages into something impossible, or throws, ends the channel with a typed error', async () => {
    const throwing = (): never => {
      throw new Error('token removed')
    }
    for (const answer of [() => new Uint8Array(1), () => Promise.resolve(new Uint8Array(4)), throwing]) {
      let isBroken = false
      const vault = plugInVault((real) => ({
        openFresh: (input: Uint8Array, inAt: number, length: number, nonce: number) => {
          if (isBroken) return answer()
          const plaintext = new Uint8Array(length - 16)
          return real.openInto(plaintext, 0, input, inAt, length, nonce) ? plaintext : undefined
        },
      }))
      const { alice, accepted, channel, inbox } = await connected({ bob: { vault } })
      dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('whole')))
      await until(() => inbox.length === 1)
      isBroken = true
      for (let i = 0; i < 3; i++) dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('broken')))
      expect(await accepted.closed).toMatchObject({ reason: 'expired', error: { code: 'secure-channel/vault-failed' } })
      expect(inbox).toHaveLength(1)
      await closeNodes()
    }
  })

  test('row 2: 31 lost in a row are survived', async () => {
    const { network, alice, channel, inbox } = await connected()
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('before')))
    await until(() => inbox.length === 1)
    await lose(31, network, alice, channel)
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('after')))
    await until(() => inbox.length === 2)
  })
})

describe('what opening a channel may end in', () => {
  test('trust missing: nothing is sent', async () => {
    const { alice, toBob } = await twoNodes()
    const identity = alice.identity.identifier
    await expect(alice.channels.createChannel([toBob.address, 'api'], { identity } as never)).rejects.toThrowError(
      withCode('trust-missing'),
    )
    await expect(alice.router.resolve('/memory/bob/secure/api', { identity })).rejects.toThrowError(withCode('trust-missing'))
    await expect(alice.channels.createListener('api', { identity } as never)).rejects.toThrowError(withCode('trust-missing'))
  })

  test('an identity that this node does not own, or credentials that cannot be had: the error of whoever was asked, as it is', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const identity = bob.identity.identifier
    const unknown = expect.objectContaining({ code: 'identity/unknown-identity' })
    await expect(alice.channels.createChannel([toBob.address, 'api'], { identity, trust: everyone })).rejects.toThrowError(unknown)
    await expect(alice.channels.createListener('api', { identity, trust: everyone })).rejects.toThrowError(unknown)
    const offline = new Error('the authority is offline')
    const credentials = { credentials: () => Promise.reject(offline) }
    const own = { identity: alice.identity.identifier, trust: everyone, credentials }
    await expect(alice.channels.createChannel([toBob.address, 'api'], own)).rejects.toBe(offline)
  })

  test('nobody there: a timeout that says what may be wrong', async () => {
    const { alice, toBob } = await twoNodes()
    const opening = alice.channels.createChannel([toBob.address, 'api'], {
      identity: alice.identity.identifier,
      trust: everyone,
      timeoutMs: 30,
    })
    await expect(opening).rejects.toThrowError(withCode('timeout'))
  })

  test('no such first hop: unreachable', async () => {
    const alice = await createTestNode('alice')
    const opening = alice.channels.createChannel(['nowhere', 'api'], { identity: alice.identity.identifier, trust: everyone })
    await expect(opening).rejects.toThrowError(withCode('unreachable'))
  })

  test('an untrusted responder: a precise error here, and it never learns who we are', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    let fromAlice = 0
    network.tap(({ from }) => {
      if (from === 'alice') fromAlice++
      return undefined
    })
    const opening = alice.channels.createChannel([toBob.address, 'api'], {
      identity: alice.identity.identifier,
      trust: trustIdentifier(alice.identity.identifier),
    })
    await expect(opening).rejects.toThrowError(withCode('untrusted-peer'))
    expect(alice.events.findLast(({ name }) => name === 'secure-channel/handshake-refused')?.details['peer']).toBe(
      bob.identity.identifier.toString(),
    )
    expect(fromAlice).toBe(1)
    await expect(alice.identities.export(bob.identity.identifier)).rejects.toThrowError(
      expect.objectContaining({ code: 'identity/unknown-identity' }),
    )
  })

  test('an untrusted initiator: silence for it, a diagnostics event there, and nothing about it is stored', async () => {
    const { alice, bob, toBob } = await twoNodes()
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: trustIdentifier(bob.identity.identifier) })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    const refusal = (): Record<string, unknown> | undefined =>
      bob.events.find(({ name }) => name === 'secure-channel/handshake-refused')?.details
    await until(() => refusal() !== undefined)
    // The peer has proved who it is, so the operator learns whom the policy keeps out.
    expect(refusal()).toEqual({
      role: 'responder',
      code: 'secure-channel/untrusted-peer',
      peer: alice.identity.identifier.toString(),
      leftOut: 0,
    })
    await expect(bob.identities.export(alice.identity.identifier)).rejects.toThrowError(
      expect.objectContaining({ code: 'identity/unknown-identity' }),
    )
    expect(bob.channels.channels()).toHaveLength(0)
    await channel.close()
  })

  test('a stranger with a long history is refused by what it claims, without a signature verified; a policy is asked about the proved alone', async () => {
    for (const [trusts, isAsked] of [
      ['nobody', false],
      ['everybody it claims to be', true],
    ] as const) {
      const real = softwareVault()
      let verified = 0
      const verify: Vault['verifying']['verify'] = (...args) => {
        verified++
        return real.verifying.verify(...args)
      }
      const { alice, bob, toBob } = await twoNodes({ bob: { vault: { ...real, verifying: { verify } } } })
      for (let i = 0; i < 9; i++) await alice.identities.rotate(alice.identity.identifier)
      const asked: string[] = []
      const trust = {
        description: trusts,
        couldTrust: () => trusts !== 'nobody',
        isTrusted: ({ identifier }: PeerIdentity) => {
          expect(verified).toBeGreaterThan(18)
          asked.push(identifier.toString())
          return false
        },
      }
      await bob.channels.createListener('api', { identity: bob.identity.identifier, trust })
      // Its own attestation is verified with the first use.
      await bob.identities.channelProof(bob.identity.identifier)
      verified = 0
      await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
      const refusal = () => bob.events.find(({ name }) => name === 'secure-channel/handshake-refused')?.details
      await until(() => refusal() !== undefined)
      const proved = isAsked ? alice.identity.identifier.toString() : undefined
      expect(refusal()).toMatchObject({ code: 'secure-channel/untrusted-peer', peer: proved })
      expect(asked).toEqual(isAsked ? [proved] : [])
      if (!isAsked) expect(verified).toBe(0)
      await closeNodes()
    }
  })

  test('called off: rejects with the reason, and leaves no worker, no timer, no consumer behind', async () => {
    const { alice, toBob } = await twoNodes()
    const before = alice.router.statistics().workers
    const timers = alice.clock.pending
    const controller = new AbortController()
    const opening = alice.channels.createChannel([toBob.address, 'api'], {
      identity: alice.identity.identifier,
      trust: everyone,
      signal: controller.signal,
    })
    await settle()
    expect(alice.router.statistics().workers).toBe(before + 1)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(opening).rejects.toBe(reason)
    await settle()
    expect(alice.router.statistics().workers).toBe(before)
    expect(alice.clock.pending).toBe(timers)
  })

  test('a trust policy or verifier that throws counts as a refusal', async () => {
    const { alice, bob, toBob } = await twoNodes()
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const broken = {
      description: 'broken',
      isTrusted: () => {
        throw new Error('oops')
      },
    }
    const opening = alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: broken })
    await expect(opening).rejects.toThrowError(withCode('untrusted-peer'))
  })
})

test('row 19: a thousand channels opened and closed leave nothing behind', async () => {
  const { alice, bob, toBob } = await twoNodes({ encode: false })
  const listener = await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
  const before = [alice, bob].map(({ router, clock }) => [router.statistics().workers, clock.pending])
  for (let round = 0; round < 20; round++) {
    const channels = await Promise.all(
      Array.from({ length: 50 }, () =>
        alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone }),
      ),
    )
    await Promise.all(channels.map((channel) => channel.close()))
  }
  bob.clock.move(2_000)
  await until(() => listener.statistics().channels === 0, 'all channels ended')
  await until(() => bob.router.statistics().workers === before[1]?.[0], 'all workers stopped')
  expect(listener.statistics()).toMatchObject({ halfOpen: 0, accepted: 1000 })
  for (const { clock } of [alice, bob]) clock.move(2_000)
  expect([alice, bob].map(({ router, clock }) => [router.statistics().workers, clock.pending])).toEqual(before)
}, 60_000)
