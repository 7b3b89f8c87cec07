import { type ResolvedRoute, Route, type Router } from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import { createRelayClient, createRouter, type RelayClientOptions, type RelayHandle, startEcho, startRelayService } from '@ockam/routing'
import { memoryNetwork } from '@ockam/transport-memory'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../fixture/manual-clock.ts'
import { isResolved, until } from '../fixture/settle.ts'
import { type RawPeer, rawNode } from './fixture/raw-transport.ts'

interface Client {
  readonly router: Router
  readonly relay: RawPeer
  readonly to: ResolvedRoute
  /** Address of the worker that the registration names. */
  readonly worker: string
  readonly clock: ManualClock
  readonly registering: Promise<RelayHandle>
  readonly workersBefore: number
}

/** A client that has sent its registration to a relay node made of bytes. */
async function client(options: RelayClientOptions = {}): Promise<Client> {
  const clock = new ManualClock()
  const { router, transport } = await rawNode({ clock })
  const to = await router.resolve('/raw/relay')
  const workersBefore = router.statistics().workers
  const registering = createRelayClient(router, to, options)
  registering.catch(() => undefined)
  const relay = transport.peers[0] as RawPeer
  await until(() => relay.received.length === 1)
  return { router, relay, to, worker: relay.messages[0]?.back as string, clock, registering, workersBefore }
}

describe('the relay client', () => {
  test('reaches a service through a relay from one node to another and back', async () => {
    const network = memoryNetwork({ encode: true })
    const node = (name: string): Router => createRouter({ transports: [network.transport(name)] })
    const [service, relay, device] = [node('service'), node('relay'), node('device')]
    await relay.listen('/memory/relay')
    startRelayService(relay)
    startEcho(service)
    const named = await createRelayClient(service, await service.resolve('/memory/relay'), { name: 'service' })
    const unnamed = await createRelayClient(service, await service.resolve('/memory/relay'))
    expect(named.address.toString()).toBe('0#forward_to_service')
    expect(unnamed.address.toString()).toMatch(/^0#forward_to_[0-9a-f]{32}$/)
    for (const { address } of [named, unnamed]) {
      const { route } = await device.resolve(`/memory/relay/service/${address.name}/service/echo`)
      for (const payload of [Uint8Array.of(1), Uint8Array.of(2, 3)])
        expect((await device.context.request(route, payload)).payload).toEqual(payload)
    }
    await Promise.all([service, relay, device].map((router) => router.close()))
  })

  test('gives up after its time limit, leaves nothing behind, and ignores an answer that comes late', async () => {
    const { router, relay, worker, clock, registering, workersBefore } = await client({ name: 'n1', timeoutMs: 500 })
    clock.advance(499)
    expect(await isResolved(registering)).toBe(false)
    clock.advance(1)
    await expect(registering).rejects.toMatchObject({ code: 'routing/timeout', message: expect.stringContaining('"n1"') })
    expect(router.statistics().workers).toBe(workersBefore)
    expect(clock.pending).toBe(0)
    relay.tell(worker, 'forward_to_n1', encodeBareString('forward_to_n1'))
    await until(() => router.statistics().dropped['unknown-address'] === 1)
  })

  test('waits 30 seconds when no limit is given', async () => {
    const { clock, registering } = await client()
    clock.advance(29_999)
    expect(await isResolved(registering)).toBe(false)
    clock.advance(1)
    await expect(registering).rejects.toMatchObject({ code: 'routing/timeout' })
  })

  test('rejects with the reason of the signal, and sends nothing when it was aborted before', async () => {
    const controller = new AbortController()
    const { router, relay, to, clock, registering, workersBefore } = await client({ signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(registering).rejects.toBe(reason)
    expect([router.statistics().workers, clock.pending]).toEqual([workersBefore, 0])
    await expect(createRelayClient(router, to, { signal: controller.signal })).rejects.toBe(reason)
    await until(() => router.statistics().waitingMessages === 0)
    expect(relay.received).toHaveLength(1)
  })

  test('ends with the route when that is gone before there is an answer', async () => {
    const { router, relay, clock, registering } = await client()
    relay.cut()
    await expect(registering).rejects.toMatchObject({ code: 'routing/stopped' })
    expect(clock.pending).toBe(0)
    await router.close()
  })

  test('ends with the router', async () => {
    const { router, registering } = await client()
    await router.close()
    await expect(registering).rejects.toMatchObject({ code: 'routing/stopped' })
  })

  test('ignores answers that do not end with its name, that are malformed, or that tell no relay', async () => {
    const { router, relay, worker, registering } = await client({ name: 'n1' })
    relay.tell(worker, 'forward_to_n2', encodeBareString('forward_to_n2'))
    relay.tell(worker, 'forward_to_n1', Uint8Array.of(9, 0x6e, 0x31))
    relay.tell(worker, '', encodeBareString('n1'))
    relay.tell(worker, '1#forward_to_n1', encodeBareString('n1'))
    await until(() => router.statistics().waitingMessages === 0)
    expect(await isResolved(registering)).toBe(false)
    relay.tell(worker, 'hop forward_to_n1', encodeBareString('n1'))
    relay.tell(worker, 'other', encodeBareString('n1'))
    expect((await registering).address.toString()).toBe('0#forward_to_n1')
  })

  test("forwards nothing to itself, and nothing for the node's other connections", async () => {
    const { router, relay, worker, registering } = await client()
    const reached: string[] = []
    router.startWorker('service', () => void reached.push('service'), { from: 'anyone' })
    relay.tell(worker, 'forward_to_n1', encodeBareString('x'))
    await registering
    const { route } = await router.resolve('/raw/other')
    const stranger = route.next
    relay.tell(`${worker} ${worker} service`, 'x', Uint8Array.of(1))
    relay.tell(`${worker} ${stranger?.name}`, 'x', Uint8Array.of(1))
    await until(() => router.statistics().waitingMessages === 0)
    expect(reached).toEqual([])
    expect(router.statistics().dropped).toEqual({ 'not-reachable': 1 })
    relay.tell(`${worker} service`, 'x', Uint8Array.of(1))
    await until(() => reached.length === 1)
  })

  test('stops forwarding when closed, and tells so; twice is once', async () => {
    const { router, relay, worker, registering, workersBefore } = await client()
    relay.tell(worker, 'forward_to_n1', encodeBareString('x'))
    const handle = await registering
    expect(await isResolved(handle.closed)).toBe(false)
    await Promise.all([handle[Symbol.asyncDispose](), handle.close()])
    await handle.closed
    expect(router.statistics().workers).toBe(workersBefore)
    startEcho(router)
    relay.tell(`${worker} echo`, 'x', Uint8Array.of(1))
    await until(() => router.statistics().dropped['unknown-address'] === 1)
  })

  test('tells when the way to the relay is gone, and keeps no worker then', async () => {
    const { router, relay, worker, registering, workersBefore } = await client()
    relay.tell(worker, 'forward_to_n1', encodeBareString('x'))
    const handle = await registering
    relay.cut()
    await handle.closed
    // The connection's sender is gone too.
    await until(() => router.statistics().workers === workersBefore - 1)
  })

  test('refuses names that no relay service would take, before anything is sent', async () => {
    const { router, to, relay } = await client()
    for (const name of ['', 'a b', 'a/b', 'x'.repeat(65), 'register', 'ä']) {
      await expect(createRelayClient(router, to, { name })).rejects.toMatchObject({ code: 'routing/invalid-argument' })
    }
    await expect(createRelayClient(router, to, { timeoutMs: 0 })).rejects.toMatchObject({ code: 'routing/invalid-argument' })
    expect(relay.received).toHaveLength(1)
  })

  test('says at once when its own side of the route is gone', async () => {
    const { router } = await client()
    const nowhere = {
      route: Route.of('gone'),
      producer: undefined,
      closed: new Promise<void>(() => undefined),
      close: () => Promise.resolve(),
    }
    const workers = router.statistics().workers
    await expect(createRelayClient(router, nowhere)).rejects.toMatchObject({ code: 'routing/unknown-address' })
    expect(router.statistics().workers).toBe(workers)
  })
})
