/** Closing a node, a channel or a session: everything is closed whatever goes wrong with one of it, and nobody waits for ever. */

import { memoryStore, type Store } from '@ockam/core'
import { memoryNetwork } from '@ockam/transport-memory'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createNode, type NodeChannel, type NodeOptions, type NodeSession, type OckamNode, trustEveryone } from '../src/index.ts'

const open: OckamNode[] = []
const makeNode = async (options: NodeOptions): Promise<OckamNode> => {
  const node = await createNode(options)
  open.push(node)
  return node
}
afterEach(async () => {
  for (const node of open.splice(0)) await node.close().catch(() => undefined)
})

const failure = new Error('The line cannot be closed.')
const fails = (): Promise<void> => Promise.reject(failure)
const hangs = (): Promise<void> => new Promise(() => undefined)

function watched(close: () => Promise<void> = async () => undefined) {
  const inner = memoryStore()
  let closed = 0
  const store: Store = {
    get: (key) => inner.get(key),
    set: (key, value) => inner.set(key, value),
    delete: (key) => inner.delete(key),
    scan: (prefix) => inner.scan(prefix),
    batch: (steps) => inner.batch(steps),
    close: () => {
      closed++
      return close()
    },
  }
  return { store, closed: () => closed }
}

/** Lets a channel go along a way that the caller opened, and that ends like this when it is closed. */
async function takeWay(node: OckamNode, channel: NodeChannel | undefined, end: () => Promise<void>): Promise<void> {
  const { route, producer, closed } = await node.router.resolve('/memory/server')
  await channel?.moveAlong({ route, producer, closed, close: end })
}

async function two(store: Store = memoryStore()) {
  const network = memoryNetwork()
  const server = await makeNode({ transports: [network.transport()] })
  const client = await makeNode({ transports: [network.transport()], store })
  await server.listenSecureChannels('api', { identity: await server.createIdentity(), trust: trustEveryone() })
  await server.listen('/memory/server')
  const side = { identity: await client.createIdentity(), trust: trustEveryone() }
  const openChannel = async (end: () => Promise<void>): Promise<NodeChannel> => {
    const channel = await client.openSecureChannel('/memory/server/secure/api', side)
    await takeWay(client, channel, end)
    return channel
  }
  const openSession = async (end: () => Promise<void>): Promise<NodeSession> => {
    const session = client.openSession('/memory/server/secure/api', side)
    await session.whenUp()
    await takeWay(client, session.channel, end)
    return session
  }
  return { server, client, openChannel, openSession }
}

function isStopped(node: OckamNode): void {
  expect(() => node.startWorker('late', () => undefined)).toThrow(expect.objectContaining({ code: 'routing/stopped' }))
  expect(node.channels.channels()).toEqual([])
}

describe('a node that is closed', () => {
  test('closes channels, connections, keys and the store although the way of a session cannot be closed in order, and then says so', async () => {
    const { store, closed } = watched()
    const { server, client, openSession, openChannel } = await two(store)
    const session = await openSession(fails)
    await openChannel(async () => undefined)
    const goodbyes = server.channels.channels().map((channel) => channel.closed)
    expect(goodbyes).toHaveLength(2)

    await expect(client.close()).rejects.toBe(failure)
    isStopped(client)
    expect(closed()).toBe(1)
    expect((await Promise.all(goodbyes)).map(({ reason }) => reason)).toEqual(['peer', 'peer'])
    // What sessions promise holds too: `closed` never rejects.
    await session.closed
    // Idempotent, in what it says as well.
    await expect(client.close()).rejects.toBe(failure)
    expect(closed()).toBe(1)
  })

  test.each(['channels', 'sessions', 'router'] as const)('closes everything else when closing its %s fails', async (name) => {
    const { store, closed } = watched()
    const { client, openSession } = await two(store)
    await openSession(async () => undefined)
    const close = client[name].close.bind(client[name])
    const calls = [client.channels, client.sessions, client.router].map((part) => vi.spyOn(part, 'close'))
    vi.spyOn(client[name], 'close').mockImplementation(() => close().then(fails))
    await expect(client.close()).rejects.toBe(failure)
    for (const call of calls) expect(call).toHaveBeenCalled()
    isStopped(client)
    expect(closed()).toBe(1)
  })

  test('says what failed first', async () => {
    const { store, closed } = watched(() => Promise.reject(new Error('The disk is gone.')))
    const { client, openSession } = await two(store)
    await openSession(fails)
    await expect(client.close()).rejects.toBe(failure)
    expect(closed()).toBe(1)
    const alone = await makeNode({ store: watched(fails).store })
    await expect(alone.close()).rejects.toBe(failure)
    isStopped(alone)
  })

  test('ends by force when the signal aborts, and rejects with its reason', async () => {
    const { store, closed } = watched()
    const { client, openSession } = await two(store)
    await openSession(hangs)
    const controller = new AbortController()
    const reason = new Error('no more patience')
    const closing = client.close({ signal: controller.signal, timeoutMs: Number.POSITIVE_INFINITY })
    const patient = client.close()
    controller.abort(reason)
    await expect(closing).rejects.toBe(reason)
    // It was closed, which is all that the other call wanted.
    await patient
    isStopped(client)
    expect(closed()).toBe(1)
    await expect(client.close({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test.each(['its own time limit', 'a later call'])('is hurried by %s', async (by) => {
    const { client, openSession } = await two()
    await openSession(hangs)
    const first = client.close({ timeoutMs: by === 'a later call' ? Number.POSITIVE_INFINITY : 50 })
    if (by === 'a later call') await client.close({ timeoutMs: 50 })
    await first
    isStopped(client)
  })
})

describe('a channel that is closed', () => {
  test('is closed for the peer too although its way cannot be closed in order, and then says so', async () => {
    const { server, openChannel } = await two()
    const channel = await openChannel(fails)
    const [other] = server.channels.channels()
    await expect(channel.close()).rejects.toBe(failure)
    expect([(await channel.closed).reason, (await other?.closed)?.reason]).toEqual(['local', 'peer'])
  })

  test('does not wait for a way that is stuck longer than it is told to', async () => {
    const { openChannel } = await two()
    const channel = await openChannel(hangs)
    await channel.close({ timeoutMs: 50 })
    expect((await channel.closed).reason).toBe('local')
  })

  test('ends at once when the signal aborts, and rejects with its reason', async () => {
    const { openChannel } = await two()
    const channel = await openChannel(hangs)
    const controller = new AbortController()
    const reason = new Error('no more patience')
    const closing = channel.close({ signal: controller.signal, timeoutMs: Number.POSITIVE_INFINITY })
    controller.abort(reason)
    await expect(closing).rejects.toBe(reason)
    expect((await channel.closed).reason).toBe('local')
  })

  test('refuses a time that is none before anything is closed', async () => {
    const { openChannel } = await two()
    const channel = await openChannel(async () => undefined)
    await expect(channel.close({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'node/invalid-argument' })
    expect((await channel.request('echo', new Uint8Array([7])))[0]).toBe(7)
  })
})
