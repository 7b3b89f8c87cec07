import { getEventListeners } from 'node:events'
import { type AeadKey, dropPressure, type LocalMessage, memoryStore, type Pressure, Route, type Store, type Vault } from '@ockam/core'
import { createIdentities } from '@ockam/identity'
import { memoryNetwork } from '@ockam/transport-memory'
import { softwareVault } from '@ockam/vault-software'
import { afterEach, describe, expect, test } from 'vitest'
import type { ChannelOptions, SecureChannelsOptions } from '../src/index.ts'
import { bytes, closeNodes, createTestNode, everyone, settle, type TestNode, text, twoNodes, until } from './world.ts'

afterEach(closeNodes)

const withCode = (code: string): unknown => expect.objectContaining({ code: `secure-channel/${code}` })

/** A promise and its end. */
function latch(): { readonly promise: Promise<void>; open(): void } {
  let open: () => void = () => undefined
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

/** A vault that knows which symmetric keys still live. */
function watchedVault(): { readonly vault: Vault; readonly live: Set<AeadKey> } {
  const live = new Set<AeadKey>()
  const watched = (key: AeadKey): AeadKey => {
    const own: AeadKey = {
      sealInto: (...args) => key.sealInto(...args),
      openInto: (...args) => key.openInto(...args),
      rekey: () => watched(key.rekey()),
      destroy: () => {
        live.delete(own)
        key.destroy()
      },
    }
    live.add(own)
    return own
  }
  const vault = softwareVault()
  const primitives = Object.create(vault.primitives, {
    aeadKey: { value: (secret: Uint8Array) => watched(vault.primitives.aeadKey(secret)) },
  })
  return { vault: { ...vault, primitives }, live }
}

/** A channel to a node whose worker takes nothing until it is told to. */
async function toSlowReader(options: Parameters<typeof twoNodes>[0] = {}) {
  const world = await twoNodes({ encode: false, ...options })
  const { alice, bob, toBob } = world
  const before = { alice: alice.router.statistics().workers, bob: bob.router.statistics().workers, foreground: alice.clock.foreground }
  const gate = latch()
  const taken: string[] = []
  const handle = async ({ payload }: LocalMessage): Promise<void> => {
    await gate.promise
    taken.push(text(payload.subarray(0, 8)))
  }
  bob.router.startWorker('slow', handle, { maxMessages: 4 })
  await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
  const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
  await until(() => bob.channels.channels().length === 1)
  const accepted = bob.channels.channels()[0] as typeof channel
  let sent = 0
  const send = (): Pressure => {
    const payload = new Uint8Array(65_536)
    payload.set(bytes(String(sent++).padStart(8, '0')))
    return alice.router.context.send([channel.address, 'slow'], payload)
  }
  /** Sends until nothing moves any more, all the way back to here, and then a little more. */
  const fill = async (): Promise<void> => {
    for (let pressure = send(); ; pressure = send()) {
      if (sent > 400) throw new Error('the peer reads after all')
      if (pressure !== undefined && (await Promise.race([pressure.then(() => true), settle()])) !== true) break
    }
    for (let i = 0; i < 5; i++) dropPressure(send())
  }
  return { ...world, before, gate, taken, channel, accepted, send, fill, sent: () => sent }
}

describe('closing while the peer does not read', () => {
  test('regression: a channel ends by force at its deadline, and nothing of it stays', async () => {
    const { vault, live } = watchedVault()
    const { alice, bob, before, channel, accepted, fill } = await toSlowReader({ alice: { vault } })
    await fill()
    expect(live.size).toBeGreaterThan(0)
    await channel.close({ timeoutMs: 50 })
    expect(live.size).toBe(0)
    expect(await channel.closed).toEqual({ reason: 'local' })
    expect(alice.router.statistics().workers).toBe(before.alice)
    expect(alice.clock.foreground).toBe(before.foreground)
    expect(channel.statistics().dropped).toBeGreaterThan(0)
    expect(alice.events.find(({ name }) => name === 'secure-channel/closed')?.details).toMatchObject({ reason: 'local', isForced: true })
    // The peer has not got everything, so it is not told that this was all.
    expect(await Promise.race([accepted.closed, settle()])).toBeUndefined()
    expect(bob.channels.channels()).toHaveLength(1)
  })

  test('regression: so does everything when all is closed, also while an earlier close has more patience', async () => {
    const { alice, before, channel, fill } = await toSlowReader()
    await fill()
    const patient = channel.close({ timeoutMs: Number.POSITIVE_INFINITY })
    await settle()
    expect(alice.channels.channels()).toHaveLength(0)
    await alice.channels.close({ timeoutMs: 50 })
    await patient
    expect(alice.router.statistics().workers).toBe(before.alice)
    expect(alice.clock.foreground).toBe(before.foreground)
  })

  test('a signal ends the wait with its reason, and the channel', async () => {
    const { alice, before, channel, fill } = await toSlowReader()
    await fill()
    const controller = new AbortController()
    const closing = channel.close({ signal: controller.signal, timeoutMs: Number.POSITIVE_INFINITY })
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 20)
    await expect(closing).rejects.toBe(reason)
    expect(alice.router.statistics().workers).toBe(before.alice)
    await expect(alice.channels.close({ signal: controller.signal })).resolves.toBeUndefined()
  })

  test('a deadline that is none is refused before anything is closed', async () => {
    const { alice, bob, channel } = await toSlowReader()
    const listener = await bob.channels.createListener('other', { identity: bob.identity.identifier, trust: everyone })
    for (const timeoutMs of [0, -1, Number.NaN, 'soon' as never]) {
      for (const closable of [channel, alice.channels, listener]) {
        await expect(closable.close({ timeoutMs })).rejects.toThrowError(withCode('invalid-argument'))
      }
    }
    expect(alice.channels.channels()).toEqual([channel])
    await Promise.all([channel, alice.channels, listener].map((closable) => closable.close({ timeoutMs: 1_000 })))
    expect(alice.channels.channels()).toHaveLength(0)
  })

  test('when the room comes in time, everything is sent and the peer is told', async () => {
    const { channel, accepted, fill, gate, taken, sent } = await toSlowReader()
    await fill()
    const closing = channel.close()
    gate.open()
    await closing
    expect((await accepted.closed).reason).toBe('peer')
    await until(() => taken.length === sent(), 'every message')
    expect(taken.map(Number)).toEqual(Array.from({ length: sent() }, (_, i) => i))
  })

  test('what came in before a channel expired reaches a slow worker, however long that takes', async () => {
    const vault = softwareVault()
    const identities = createIdentities({ vault, attestationValidForMs: 3_600_000 })
    const { bob, before, accepted, send, gate, taken } = await toSlowReader({ alice: { vault, identities } })
    for (let i = 0; i < 15; i++) dropPressure(send())
    await settle()
    bob.clock.move(3_700_000)
    expect((await accepted.closed).reason).toBe('expired')
    await settle()
    bob.clock.move(60_000)
    gate.open()
    await until(() => taken.length === 15, 'every message')
    // Listener, slow worker, and nothing of the channel.
    await until(() => bob.router.statistics().workers === before.bob + 2, 'its workers are gone')
  })

  test('a channel that its peer ends does not wait for the peer to read', async () => {
    const { alice, bob, before, channel, fill } = await toSlowReader()
    await fill()
    await bob.channels.channels()[0]?.close({ timeoutMs: 50 })
    expect((await channel.closed).reason).toBe('peer')
    alice.clock.move(6_000)
    await settle()
    alice.clock.move(2_000)
    await until(() => alice.router.statistics().workers === before.alice, 'its workers are gone')
  })
})

describe('closing while channels are being made', () => {
  const optionsOf = (node: TestNode): ChannelOptions => ({ identity: node.identity.identifier, trust: everyone })

  test('regression: an opening that nobody answers rejects at once, and leaves no worker and no timer', async () => {
    const { alice, toBob } = await twoNodes()
    const { workers } = alice.router.statistics()
    const { pending } = alice.clock
    const opening = alice.channels.createChannel([toBob.address, 'nobody'], optionsOf(alice))
    const resolving = alice.router.resolve('/memory/bob/secure/nobody', optionsOf(alice))
    const outcomes = Promise.allSettled([opening, resolving])
    await settle()
    await alice.channels.close()
    expect(await outcomes).toEqual([1, 2].map(() => ({ status: 'rejected', reason: withCode('closed') })))
    await until(() => alice.router.statistics().workers === workers, 'their workers are gone')
    expect([alice.clock.pending, alice.clock.foreground]).toEqual([pending, 0])
  })

  test('regression: half-open handshakes of listeners are given up', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const { workers } = bob.router.statistics()
    const { pending } = bob.clock
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const onwardRoute = Route.of(toBob.address, 'api')
    dropPressure(
      alice.router.context.dispatch({ onwardRoute, returnRoute: Route.of('gone'), payload: Uint8Array.from({ length: 32 }, () => 9) }),
    )
    await settle()
    expect(bob.router.statistics().workers).toBe(workers + 2)
    await bob.channels.close()
    await until(() => bob.router.statistics().workers === workers, 'listener and handshake are gone')
    expect(bob.clock.pending).toBe(pending)
  })

  test.each(['initiator', 'responder'] as const)(
    'regression: the %s, when its check of the peer ends after the close, makes no channel and no timer',
    async (role) => {
      const checking = latch()
      const checked = latch()
      const lie: NonNullable<Parameters<typeof createTestNode>[1]>['lie'] = (identities) => ({
        channelProof: (identity) => identities.channelProof(identity),
        updatePeer: (changeHistory, identifier) => identities.updatePeer(changeHistory, identifier),
        verifyPeer: async (shown) => {
          checking.open()
          await checked.promise
          return identities.verifyPeer(shown)
        },
      })
      const slow = { lie } as const
      const { alice, bob, toBob } = await twoNodes(role === 'initiator' ? { alice: slow } : { bob: slow })
      const closing = role === 'initiator' ? alice : bob
      const { workers } = closing.router.statistics()
      await bob.channels.createListener('api', optionsOf(bob))
      const opening = alice.channels.createChannel([toBob.address, 'api'], optionsOf(alice))
      const outcome = Promise.allSettled([opening])
      await checking.promise
      await closing.channels.close()
      if (role === 'initiator') expect(await outcome).toEqual([{ status: 'rejected', reason: withCode('closed') }])
      checked.open()
      await until(() => closing.router.statistics().workers === workers, 'its workers are gone')
      await settle()
      expect(closing.channels.channels()).toHaveLength(0)
      expect(closing.clock.foreground).toBe(0)
    },
  )

  test('regression: a key-exchange-only channel that is being stored during the close does not come to life, nor does its record', async () => {
    const saving = latch()
    const saved = latch()
    const inner = memoryStore()
    const place = 'secure-channel/decryptor/'
    const store: Store = {
      get: (name) => inner.get(name),
      delete: (name) => inner.delete(name),
      scan: (prefix) => inner.scan(prefix),
      close: () => inner.close(),
      batch: async (steps) => {
        if (steps.some(({ key }) => key.startsWith(place))) {
          saving.open()
          await saved.promise
        }
        return inner.batch(steps)
      },
    } as Store
    const { alice, bob, toBob } = await twoNodes({ bob: { persistence: { store, key: new Uint8Array(32).fill(1) } } })
    const side = { trust: everyone, isKeyExchangeOnly: true }
    await bob.channels.createListener('api', { identity: bob.identity.identifier, ...side })
    await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, ...side })
    await saving.promise
    await bob.channels.close()
    saved.open()
    await settle()
    expect(bob.channels.channels()).toHaveLength(0)
    for await (const entry of inner.scan(place)) throw new Error(entry.key)
  })

  test('a listener whose identity is looked up during the close does not start', async () => {
    const asked = latch()
    const found = latch()
    const lie = (identities: TestNode['identities']): SecureChannelsOptions['identities'] => ({
      updatePeer: (changeHistory, identifier) => identities.updatePeer(changeHistory, identifier),
      verifyPeer: (shown) => identities.verifyPeer(shown),
      channelProof: async (identity) => {
        asked.open()
        await found.promise
        return identities.channelProof(identity)
      },
    })
    const alice = await createTestNode('alice', { lie })
    const { workers } = alice.router.statistics()
    const listening = alice.channels.createListener('api', optionsOf(alice))
    const outcome = Promise.allSettled([listening])
    await asked.promise
    await alice.channels.close()
    found.open()
    expect(await outcome).toEqual([{ status: 'rejected', reason: withCode('closed') }])
    expect(alice.router.statistics().workers).toBe(workers)
  })

  test('regression: however many channels are closed with one signal, one listener is added to it and taken away again', async () => {
    const { alice, bob, toBob } = await twoNodes()
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    for (let i = 0; i < 12; i++) await alice.channels.createChannel([toBob.address, 'api'], optionsOf(alice))
    const { signal } = new AbortController()
    const most: number[] = []
    const addEventListener = signal.addEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      addEventListener(...args)
      most.push(getEventListeners(signal, 'abort').length)
    }
    await alice.channels.close({ signal })
    // The set of channels, and its share of what is closed along with it.
    expect(Math.max(...most)).toBe(1)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(alice.channels.channels()).toEqual([])
  })

  test('regression: an aborted signal ends the closing of all channels at once', async () => {
    const { alice } = await toSlowReader()
    const controller = new AbortController()
    const closing = alice.channels.close({ signal: controller.signal })
    controller.abort(new Error('hurry'))
    await expect(closing).rejects.toThrowError('hurry')
    expect(alice.channels.channels()).toEqual([])
  })

  test('once closed, nothing is opened, listened at or restored', async () => {
    const store = memoryStore()
    const network = memoryNetwork()
    const alice = await createTestNode('alice', { network, persistence: { store, key: new Uint8Array(32) } })
    await alice.router.listen('/memory/alice')
    await alice.channels.close()
    await alice.channels.close()
    await expect(alice.channels.createChannel(['api'], optionsOf(alice))).rejects.toThrowError(withCode('closed'))
    await expect(alice.channels.createListener('api', optionsOf(alice))).rejects.toThrowError(withCode('closed'))
    await expect(alice.router.resolve('/memory/alice/secure/api', optionsOf(alice))).rejects.toThrowError(withCode('closed'))
    await expect(alice.channels.restoreDecryptors()).rejects.toThrowError(withCode('closed'))
  })
})
