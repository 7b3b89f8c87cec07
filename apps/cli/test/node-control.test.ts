/** What a node remembers of the things that were made on it, when they cannot be made again, are deleted, or take the place of its defaults. */

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentDiagnostics } from '@ockam/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { EventLog } from '../src/node/event-log.ts'
import { type Host, openHost } from '../src/node/host.ts'
import type { KeptThings } from '../src/node/kept-thing.ts'
import { NodeControl } from '../src/node/node-control.ts'
import { identityOrDefault, openVaultOf } from '../src/node/own-identity.ts'
import { openState } from '../src/state/state.ts'

let folder: string
let saved: KeptThings
const ends: (() => Promise<unknown>)[] = []
const { signal } = new AbortController()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'node-control-'))
  saved = []
})
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
  await rm(folder, { recursive: true })
})

/** A node with what was remembered, as its process opens it. */
async function started(tcpListenerAddress = '127.0.0.1:0'): Promise<{ host: Host; control: NodeControl; stop: () => Promise<void> }> {
  const state = openState(join(folder, 'home'))
  const sources = { environment: {}, askPassphrase: undefined }
  const { name: identity } = await identityOrDefault(state, sources, undefined)
  const vault = await openVaultOf(state, sources, identity)
  const events = new EventLog(silentDiagnostics)
  const host = await openHost({ name: 'n1', vault, events, identity, tcpListenerAddress, authorized: [], kept: saved })
  const control = new NodeControl({ host, kept: saved, save: (things) => (saved = things), log: () => undefined })
  const stop = async (): Promise<void> => {
    control.stop()
    await host.close()
  }
  ends.push(stop)
  await control.restore()
  return { host, control, stop }
}

async function taken(): Promise<{ port: number; free: () => Promise<void> }> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const free = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  ends.push(free)
  return { port: (server.address() as { port: number }).port, free }
}

describe('what could not be made again', () => {
  const listener = (port: number): KeptThings[number] => ({
    method: 'tcp-listener.create',
    key: `/ip4/127.0.0.1/tcp/${port}`,
    parameters: { address: `127.0.0.1:${port}` },
  })

  test.each(['socket address', 'route'])('is deleted by its %s, and not made later', async (by) => {
    const { port, free } = await taken()
    saved = [listener(port)]
    const { host, control } = await started()
    const name = by === 'route' ? `/ip4/127.0.0.1/tcp/${port}` : `127.0.0.1:${port}`
    expect(await control.call('tcp-listener.delete', { name }, signal)).toEqual({
      socket_address: `127.0.0.1:${port}`,
      multiaddr: `/ip4/127.0.0.1/tcp/${port}`,
    })
    expect(saved).toEqual([])
    await free()
    await new Promise((resolve) => setTimeout(resolve, 1300))
    expect(host.things.listeners.entries()).toHaveLength(1)
    await expect(control.call('tcp-listener.delete', { name }, signal)).rejects.toMatchObject({ code: 'cli/not-found' })
  })

  test('is made when it can be, if nobody deletes it', async () => {
    const { port, free } = await taken()
    saved = [listener(port)]
    const { host } = await started()
    await free()
    await expect.poll(() => host.things.listeners.entries().length, { timeout: 5000 }).toBe(2)
  })

  test('and is an inlet answers like one that was made', async () => {
    const { port } = await taken()
    const to = ['/ip4/127.0.0.1/tcp/1/secure/api/service/outlet']
    const from = `127.0.0.1:${port}`
    saved = [{ method: 'tcp-inlet.create', key: 'i', parameters: { alias: 'i', from, to, authorized: [], allow: [] } }]
    const { control } = await started()
    expect(await control.call('tcp-inlet.delete', { name: 'i' }, signal)).toMatchObject({ alias: 'i', bind_addr: from, outlet_addr: to })
    expect(saved).toEqual([])
  })

  test('is gone when it was deleted while it was being made', async () => {
    const { port, free } = await taken()
    await free()
    const { host, control } = await started()
    const kept = [listener(port)]
    const other = new NodeControl({ host, kept, save: (things) => (saved = things), log: () => undefined })
    const restored = other.restore()
    await other.call('tcp-listener.delete', { name: `127.0.0.1:${port}` }, signal)
    await restored
    expect(host.things.listeners.entries()).toHaveLength(1)
    control.stop()
    other.stop()
  })
})

describe('a default', () => {
  const listeners = (host: Host): unknown => host.things.channelListeners.entries().map(([key, { authorized }]) => [key, authorized])

  test('that was deleted is not offered at the next start', async () => {
    const first = await started()
    const [address = ''] = first.host.things.listeners.entries()[0] ?? []
    const socket = address.replace('/ip4/', '').replace('/tcp/', ':')
    await first.control.call('secure-channel-listener.delete', { name: 'api' }, signal)
    await first.control.call('tcp-listener.delete', { name: socket }, signal)
    await first.stop()
    const second = await started(socket)
    expect(listeners(second.host)).toEqual([])
    expect(second.host.things.listeners.entries()).toEqual([])
    expect(second.host.things.services.entries()).toHaveLength(3)
    // What takes its place is made again, until it is deleted too.
    await second.control.call('tcp-listener.create', { address: socket }, signal)
    await second.stop()
    const third = await started(socket)
    expect(third.host.things.listeners.entries().map(([key]) => key)).toEqual([address])
    await third.control.call('tcp-listener.delete', { name: socket }, signal)
    await third.stop()
    expect((await started(socket)).host.things.listeners.entries()).toEqual([])
  })

  test('in whose place a restricted one was made is that one at the next start', async () => {
    const first = await started()
    const peer = first.host.identity.identifier.toString()
    await first.control.call('secure-channel-listener.delete', { name: 'api' }, signal)
    await first.control.call('secure-channel-listener.create', { address: 'api', authorized: [peer] }, signal)
    await first.stop()
    const second = await started()
    expect(listeners(second.host)).toEqual([['api', [peer]]])
    await second.stop()
    // As earlier versions wrote it down: without the deletion.
    saved = saved.filter(({ method }) => method === 'secure-channel-listener.create')
    expect(listeners((await started()).host)).toEqual([['api', [peer]]])
  })

  test('stays when something else is deleted', async () => {
    const { host, control, stop } = await started()
    await control.call('secure-channel-listener.create', { address: 'l', authorized: [] }, signal)
    await control.call('secure-channel-listener.delete', { name: 'l' }, signal)
    expect(saved).toEqual([])
    expect(listeners(host)).toEqual([['api', []]])
    await stop()
    expect(listeners((await started()).host)).toEqual([['api', []]])
  })
})

describe('of two that are made with one name at once', () => {
  const codes = (all: readonly PromiseSettledResult<unknown>[]): unknown =>
    all.map((one) => (one.status === 'fulfilled' ? undefined : (one.reason as { code: string }).code))

  test('the second relay is refused and not registered', async () => {
    const { host, control } = await started()
    const [at = ''] = host.things.listeners.entries()[0] ?? []
    const make = (relayAddress: string): Promise<unknown> =>
      control.call('relay.create', { name: 'r', relayAddress, at, authorized: [] }, signal)
    expect(codes(await Promise.allSettled([make('a'), make('b')]))).toEqual([undefined, 'cli/conflict'])
    const relays = host.node.router.addresses().map(({ name }) => name)
    expect(relays.filter((name) => name.startsWith('forward_to_'))).toEqual(['forward_to_a'])
  })

  test('the second inlet is refused and does not listen', async () => {
    const { port, free } = await taken()
    await free()
    const { control } = await started()
    const to = ['/ip4/127.0.0.1/tcp/1/secure/api/service/outlet']
    const make = (from: string): Promise<unknown> => control.call('tcp-inlet.create', { alias: 'i', from, to }, signal)
    expect(codes(await Promise.allSettled([make('127.0.0.1:0'), make(`127.0.0.1:${port}`)]))).toEqual([undefined, 'cli/conflict'])
    // The port is free still.
    await control.call('tcp-listener.create', { address: `127.0.0.1:${port}` }, signal)
  })

  test('the name is free again when making it failed or was interrupted', async () => {
    const { host, control } = await started()
    const [at = ''] = host.things.listeners.entries()[0] ?? []
    const stop = new AbortController()
    const createRelay = host.node.createRelay.bind(host.node)
    const spy = vi.spyOn(host.node, 'createRelay').mockImplementation(async (...given) => {
      const handle = await createRelay(...given)
      stop.abort()
      return handle
    })
    await expect(control.call('relay.create', { name: 'r', at, authorized: [] }, stop.signal)).rejects.toBeInstanceOf(Error)
    spy.mockRestore()
    expect(host.things.relays.entries()).toEqual([])
    // Its node learns of the end from the connection's.
    await expect.poll(() => host.node.router.addresses().map(({ name }) => name)).not.toContain('forward_to_r')
    await control.call('relay.create', { name: 'r', at, authorized: [] }, signal)
    expect(host.things.relays.entries()).toHaveLength(1)
  })
})
