import { memoryStore, OckamError, peerOf, type Store } from '@ockam/core'
import { messagePack, unchecked } from '@ockam/core/message-pack'
import { createIdentities } from '@ockam/identity'
import { createRouter } from '@ockam/routing'
import { createSecureChannels } from '@ockam/secure-channel'
import { type MemoryNetwork, memoryNetwork } from '@ockam/transport-memory'
import { softwareVault } from '@ockam/vault-software'
import { afterEach, describe, expect, test } from 'vitest'
import {
  createNode,
  type NodeChannel,
  type NodeOptions,
  type OckamNode,
  trustEveryone,
  trustIdentifier,
  trustIdentifiers,
} from '../src/index.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const readings = messagePack({ request: unchecked<{ celsius: number }>(), response: unchecked<{ accepted: boolean }>() })

const open: OckamNode[] = []
const makeNode = async (network: MemoryNetwork, options: NodeOptions = {}): Promise<OckamNode> => {
  const node = await createNode({ transports: [network.transport()], ...options })
  open.push(node)
  return node
}
afterEach(async () => {
  for (const node of open.splice(0)) await node.close()
})

/** A service behind a relay and a device, as in the guide. */
async function three(options: { readonly store?: Store } = {}) {
  const network = memoryNetwork()
  const relay = await makeNode(network)
  relay.startRelayService({ maxRelays: 10 })
  await relay.listen('/memory/relay')

  const service = await makeNode(network, options)
  const device = await makeNode(network)
  const serviceIdentity = await service.createIdentity({ name: 'service' })
  const deviceIdentity = await device.createIdentity({ name: 'device' })
  const heard: string[] = []
  service.startWorker(
    'thermostat',
    readings.worker(({ celsius }, { peer }) => {
      heard.push(`${peer.identifier} ${celsius}`)
      return { accepted: celsius < 30 }
    }),
  )
  await service.listenSecureChannels('api', { identity: serviceIdentity, trust: trustIdentifiers([deviceIdentity.identifier]) })
  const registered = await service.createRelay('/memory/relay', { name: 'service' })
  const dial = (node: OckamNode, identity: string, timeoutMs = 5000): Promise<NodeChannel> =>
    node.openSecureChannel('/memory/relay/service/forward_to_service/secure/api', {
      identity,
      trust: trustIdentifiers([serviceIdentity.identifier]),
      timeoutMs,
    })
  return { network, relay, service, device, serviceIdentity, deviceIdentity, heard, registered, dial }
}

describe('a node', () => {
  test('talks to a service behind a relay, end to end', async () => {
    const { device, deviceIdentity, serviceIdentity, heard, registered, dial } = await three()
    expect(registered.address.name).toBe('forward_to_service')
    const channel = await dial(device, String(deviceIdentity.identifier))
    expect(String(channel.peer.identifier)).toBe(String(serviceIdentity.identifier))
    expect(await channel.request('thermostat', { celsius: 21.5 }, { body: readings, timeoutMs: 5000 })).toEqual({ accepted: true })
    expect(await channel.request('thermostat', { celsius: 31 }, { body: readings })).toEqual({ accepted: false })
    expect(heard).toEqual([`${deviceIdentity.identifier} 21.5`, `${deviceIdentity.identifier} 31`])
    expect(new TextDecoder().decode(await channel.request('echo', text('raw')))).toBe('raw')
  })

  test('shows the relay no plaintext, no identifier and no inner address', async () => {
    const network = memoryNetwork({ encode: true })
    const seen: string[] = []
    network.tap(({ message }) => {
      seen.push(Buffer.from(message.payload).toString('latin1'), String(message.onwardRoute), String(message.returnRoute))
      return undefined
    })
    const [service, device] = [await makeNode(network), await makeNode(network)]
    const serviceIdentity = await service.createIdentity()
    const deviceIdentity = await device.createIdentity()
    service.startWorker('a-secret-address', (message, context) => context.send(message.returnRoute, text('a secret answer')))
    await service.listenSecureChannels('api', { identity: serviceIdentity, trust: trustEveryone() })
    await service.listen('/memory/service')
    const channel = await device.openSecureChannel('/memory/service/secure/api', { identity: deviceIdentity, trust: trustEveryone() })
    await channel.request('a-secret-address', text('a secret question'))
    const all = seen.join('\n')
    expect(seen.length).toBeGreaterThan(9)
    for (const { identifier } of [serviceIdentity, deviceIdentity]) {
      expect(all).not.toContain(Buffer.from(identifier.toBytes()).toString('latin1'))
      expect(all).not.toContain(String(identifier).slice(1))
    }
    for (const secret of ['a-secret-address', 'secret question', 'secret answer']) expect(all).not.toContain(secret)
    expect(all).toContain('api')
  })

  test('is not answered when it is not trusted, and says so', async () => {
    const { dial, network, heard } = await three()
    const stranger = await makeNode(network)
    const identity = await stranger.createIdentity()
    const channel = await dial(stranger, String(identity.identifier), 300)
    await expect(channel.request('thermostat', { celsius: 1 }, { body: readings, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'routing/timeout',
    })
    expect(heard).toEqual([])
  })

  test('does not show itself to a service it does not trust', async () => {
    const { device, deviceIdentity, service } = await three()
    const attempt = device.openSecureChannel('/memory/relay/service/forward_to_service/secure/api', {
      identity: deviceIdentity,
      trust: trustIdentifier(deviceIdentity.identifier),
      timeoutMs: 500,
    })
    await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/^secure-channel\//) })
    expect(service.channels.channels()).toHaveLength(0)
  })

  test('dials nothing when nobody is named to trust', async () => {
    const { device, deviceIdentity, network } = await three()
    const before = network.counters.sent
    const options = { identity: deviceIdentity } as never
    await expect(device.openSecureChannel('/memory/relay/service/forward_to_service/secure/api', options)).rejects.toMatchObject({
      code: 'secure-channel/trust-missing',
    })
    await expect(
      device.openSecureChannel('/memory/relay/secure/first/service/x/secure/api', { identity: deviceIdentity, trust: trustEveryone() }),
    ).rejects.toMatchObject({ code: 'secure-channel/trust-missing' })
    expect(network.counters.sent).toBe(before)
  })

  test('offers its workers through channels only, unless told otherwise', async () => {
    const network = memoryNetwork()
    const [server, client] = [await makeNode(network), await makeNode(network)]
    const reached: string[] = []
    server.startWorker('private', (message) => void reached.push(`private ${peerOf(message)?.identifier}`))
    server.startWorker('public', (message, context) => context.send(message.returnRoute, message.payload), { from: 'anyone' })
    await server.listen('/memory/server')
    const connection = await client.connect('/memory/server')
    await expect(client.request([connection.address, 'private'], text('x'), { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'routing/timeout',
    })
    expect((await client.request([connection.address, 'public'], text('hello'))).payload).toEqual(text('hello'))
    expect(reached).toEqual([])
    expect(server.router.statistics().dropped['not-reachable']).toBe(1)
  })

  test('keeps its identities in the store it was given', async () => {
    const store = memoryStore()
    const kept: Store = { ...handsOn(store), close: async () => undefined }
    const first = await createNode({ store: kept })
    const { identifier } = await first.createIdentity({ name: 'main' })
    await first.close()
    const second = await createNode({ store: kept })
    open.push(second)
    expect(String((await second.createIdentity({ name: 'main' })).identifier)).toBe(String(identifier))
    expect(await second.identities.list()).toHaveLength(1)
    expect(String((await second.identities.channelProof(identifier)).identifier)).toBe(String(identifier))
  })

  test('has the AEAD keys of its channels made by what it was handed', async () => {
    const network = memoryNetwork()
    const { primitives } = softwareVault()
    let made = 0
    const aead = {
      aeadKey: (...key: Parameters<typeof primitives.aeadKey>) => {
        made++
        return primitives.aeadKey(...key)
      },
    }
    const service = await makeNode(network)
    const device = await makeNode(network, { aead })
    await service.listenSecureChannels('api', { identity: await service.createIdentity(), trust: trustEveryone() })
    await service.listen('/memory/service')
    const identity = await device.createIdentity()
    expect(made).toBe(0)
    const channel = await device.openSecureChannel('/memory/service/secure/api', { identity, trust: trustEveryone() })
    expect(await channel.request('echo', text('hello'), { timeoutMs: 5000 })).toEqual(text('hello'))
    expect(made).toBeGreaterThan(3)
  })

  test('tells how a channel ended: closed here, or by the peer', async () => {
    const { device, deviceIdentity, service, dial } = await three()
    const channel = await dial(device, String(deviceIdentity.identifier))
    await channel.request('echo', text('x'))
    const [other] = service.channels.channels()
    await channel.close()
    expect((await channel.closed).reason).toBe('local')
    expect((await other?.closed)?.reason).toBe('peer')
  })

  test('carries a live channel over to another way', async () => {
    const { device, deviceIdentity, heard, service, dial } = await three()
    const channel = await dial(device, String(deviceIdentity.identifier))
    await channel.request('thermostat', { celsius: 1 }, { body: readings })
    const binding = channel.channel.channelBinding()
    await service.listen('/memory/direct')
    await channel.moveTo('/memory/direct')
    for (const celsius of [2, 3, 4]) await channel.request('thermostat', { celsius }, { body: readings, timeoutMs: 5000 })
    expect(heard).toHaveLength(4)
    expect(channel.channel.channelBinding()).toEqual(binding)
  })

  test('registers with a relay through a channel of its own, and nests channels, each with its own trust', async () => {
    const network = memoryNetwork()
    const [relay, service, device] = [await makeNode(network), await makeNode(network), await makeNode(network)]
    const [relayIdentity, serviceIdentity, deviceIdentity] = [
      await relay.createIdentity(),
      await service.createIdentity(),
      await device.createIdentity(),
    ]
    await relay.listenSecureChannels('relay-api', { identity: relayIdentity, trust: trustEveryone() })
    relay.startRelayService({ from: 'channels' })
    await relay.listen('/memory/relay')
    service.startWorker('whoami', (message, context) => context.send(message.returnRoute, text(String(peerOf(message)?.identifier))))
    await service.listenSecureChannels('api', { identity: serviceIdentity, trust: trustIdentifier(deviceIdentity.identifier) })
    await service.createRelay('/memory/relay/secure/relay-api', {
      name: 'svc',
      identity: serviceIdentity,
      trust: trustIdentifier(relayIdentity.identifier),
    })
    const channel = await device.openSecureChannel('/memory/relay/secure/relay-api/service/forward_to_svc/secure/api', {
      hops: [{ identity: deviceIdentity, trust: trustIdentifier(relayIdentity.identifier) }],
      identity: deviceIdentity,
      trust: trustIdentifier(serviceIdentity.identifier),
      timeoutMs: 5000,
    })
    expect(new TextDecoder().decode(await channel.request('whoami', text('?')))).toBe(String(deviceIdentity.identifier))
  })

  test('closes the connection to the relay with the handle, also when that is disposed of', async () => {
    const { service } = await three()
    for (const end of ['close', Symbol.asyncDispose] as const) {
      const before = service.router.statistics().connections
      const handle = await service.createRelay('/memory/relay', {})
      expect(service.router.statistics().connections).toBe(before + 1)
      await handle[end]()
      expect(service.router.statistics().connections).toBe(before)
    }
  })

  test('refuses an address that is no listener', async () => {
    const { device, deviceIdentity } = await three()
    const options = { identity: deviceIdentity, trust: trustEveryone() }
    await expect(device.openSecureChannel('/memory/relay/service/forward_to_service', options)).rejects.toMatchObject({
      code: 'node/not-a-listener',
    })
    await expect(device.openSecureChannel('/nowhere/1', options)).rejects.toSatisfy((error) =>
      OckamError.is(error, 'core/invalid-multiaddr'),
    )
  })

  test('lives without the facade: four packages, each typed by core alone', async () => {
    const network = memoryNetwork()
    const sides = await Promise.all(
      ['a', 'b'].map(async () => {
        const vault = softwareVault()
        const router = createRouter({ transports: [network.transport()] })
        const identities = createIdentities({ vault })
        const channels = createSecureChannels({ router, vault, identities })
        return { router, channels, identity: (await identities.create()).identifier }
      }),
    )
    const [a, b] = sides as [(typeof sides)[0], (typeof sides)[0]]
    await b.channels.createListener('api', { identity: b.identity, trust: trustIdentifier(a.identity) })
    b.router.startWorker('echo', (message, context) => context.send(message.returnRoute, message.payload))
    await b.router.listen('/memory/b')
    const connection = await a.router.connect('/memory/b')
    const channel = await a.channels.createChannel([connection.address, 'api'], {
      identity: a.identity,
      trust: trustIdentifier(b.identity),
    })
    const answer = await a.router.context.request([channel.address, 'echo'], text('hello'))
    expect(answer.payload).toEqual(text('hello'))
    for (const { channels, router } of sides) {
      await channels.close()
      await router.close()
    }
  })

  test('stays on its way when the peer does not answer along the new one', async () => {
    const { device, deviceIdentity, heard, network, dial } = await three()
    const channel = await dial(device, String(deviceIdentity.identifier))
    const elsewhere = await makeNode(network)
    await elsewhere.listen('/memory/elsewhere')
    await expect(channel.moveTo('/memory/elsewhere', { timeoutMs: 200 })).rejects.toMatchObject({ code: 'node/move-unconfirmed' })
    await channel.request('thermostat', { celsius: 5 }, { body: readings, timeoutMs: 5000 })
    expect(heard).toHaveLength(1)
    expect(elsewhere.router.statistics().connections).toBe(0)
  })

  test('never takes identity and trust for something they do not protect', async () => {
    const { device, service, deviceIdentity, serviceIdentity } = await three()
    const given = { identity: serviceIdentity, trust: trustIdentifiers([]) }
    await expect(service.createRelay('/memory/relay', { name: 'other', ...given })).rejects.toMatchObject({ code: 'node/no-secure-hop' })
    await expect(service.createRelay('/memory/relay', { name: 'other', identity: serviceIdentity })).rejects.toMatchObject({
      code: 'secure-channel/trust-missing',
    })
    await expect(service.createRelay('/memory/relay/secure/api', { name: 'other' })).rejects.toMatchObject({
      code: 'secure-channel/trust-missing',
    })
    const hop = { identity: deviceIdentity, trust: trustEveryone() }
    await expect(device.openSecureChannel('/memory/relay/secure/api', { ...hop, hops: [hop] })).rejects.toMatchObject({
      code: 'node/no-secure-hop',
    })
  })

  test('rejects with the reason of the signal', async () => {
    const { device, deviceIdentity } = await three()
    const reason = new Error('changed my mind')
    const options = { identity: deviceIdentity, trust: trustEveryone(), signal: AbortSignal.abort(reason) }
    await expect(device.openSecureChannel('/memory/relay/secure/api', options)).rejects.toBe(reason)
  })

  test('can still be closed after it was asked to with a time that is none', async () => {
    const node = await createNode()
    await expect(node.close({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'node/invalid-argument' })
    await node.close()
    expect(() => node.startWorker('late', () => undefined)).toThrowError(expect.objectContaining({ code: 'routing/stopped' }))
  })

  test('leaves no open store behind when it cannot be made', async () => {
    const store = memoryStore()
    let closed = 0
    const watched: Store = { ...handsOn(store), close: async () => void closed++ }
    await (
      await createNode({ store: watched, protection: { passphrase: 'right', costLog2: 14 } }).then(async (node) => {
        await node.createIdentity({ name: 'main' })
        return node
      })
    ).close()
    await expect(createNode({ store: watched, protection: { passphrase: 'wrong', costLog2: 14 } })).rejects.toMatchObject({
      code: 'vault/unlock-failed',
    })
    expect(closed).toBe(2)
  })
})

function handsOn(store: Store): Store {
  return {
    get: (key) => store.get(key),
    set: (key, value) => store.set(key, value),
    delete: (key) => store.delete(key),
    scan: (prefix) => store.scan(prefix),
    batch: (steps) => store.batch(steps),
    close: () => store.close(),
  }
}
