import { type ConnectionHandle, dropPressure, type Reachability, Route, type Router } from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import { startEcho, startHop } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import type { NodeFlowControls } from '../../src/flow-control.ts'
import { turn } from '../fixture/settle.ts'
import { FakeChannel } from './fixture/fake-channel.ts'
import { type RawPeer, rawNode, routeOf } from './fixture/raw-transport.ts'

const PING = Uint8Array.of(1, 2, 3)

interface Gateway {
  readonly router: Router
  readonly client: RawPeer
  readonly next: RawPeer
  readonly way: ConnectionHandle
  readonly accept: () => RawPeer
  readonly quiet: () => Promise<void>
}

/** A node with a hop anybody may use, and a connection of its own to a next node. */
async function gateway(from: Reachability): Promise<Gateway> {
  const { router, transport, accept, quiet } = await rawNode()
  startHop(router, 'hop', { from: 'anyone' })
  const way = await router.connect('/raw/next', { from })
  return { router, client: accept(), next: transport.peers[0] as RawPeer, way, accept, quiet }
}

describe('a hop', () => {
  test('takes itself off the onward route and puts itself on the return route, there and back', async () => {
    const { client, next, way, quiet } = await gateway('anyone')
    client.tell(`hop ${way.address.name} echo`, 'client', PING)
    await quiet()
    const [there] = next.messages
    expect(there).toMatchObject({ onward: 'echo', payload: '010203' })
    expect(there?.back).toMatch(/^hop [0-9a-f]{32} client$/)
    next.tell(there?.back as string, 'echo', PING)
    await quiet()
    expect(client.messages).toEqual([{ onward: 'client', back: `hop ${way.address.name} echo`, payload: '010203' }])
  })

  test('leads to services of its own node and back', async () => {
    const { router, client, quiet } = await gateway('local')
    startEcho(router)
    client.tell('hop echo', 'client', PING)
    await quiet()
    expect(client.messages).toEqual([{ onward: 'client', back: 'hop echo', payload: '010203' }])
  })

  test('is closed to plain connections by default, and open to channels', async () => {
    const { router, accept, quiet } = await rawNode()
    startHop(router)
    const worker: string[] = []
    router.startWorker('service', (message) => void worker.push(message.origin?.kind ?? 'none'))
    accept().tell('hop service', 'x', PING)
    new FakeChannel(router, 'a').deliver('hop service', 'x', PING)
    await quiet()
    expect(worker).toEqual(['channel'])
  })

  test('reaches only what its origin may reach', async () => {
    const { router, client, next, way, quiet } = await gateway('local')
    const reached: string[] = []
    for (const from of ['local', 'channels', 'anyone'] as const) router.startWorker(`for-${from}`, () => void reached.push(from), { from })
    for (const to of ['for-local', 'for-channels', 'for-anyone', way.address.name, `${way.address.name} echo`])
      client.tell(`hop ${to}`, 'x', PING)
    client.tell('hop hop hop for-local', 'x', PING)
    await quiet()
    expect(reached).toEqual(['anyone'])
    expect(next.received).toEqual([])
    expect(router.statistics().dropped).toEqual({ 'not-reachable': 5 })
  })

  test('opens a way back to the side that hopped, and to nobody else', async () => {
    const { router, client, next, way, accept, quiet } = await gateway('anyone')
    const bystander = accept()
    client.tell(`hop ${way.address.name} echo`, 'client', PING)
    bystander.tell('hop nowhere', 'x', PING)
    await quiet()
    const [, back] = (next.messages[0]?.back ?? '').split(' ')
    // The bystander's address cannot be guessed; it is taken from inside for this test.
    const names: string[] = []
    router.startWorker('names', ({ returnRoute }) => void names.push(returnRoute.next?.name as string), { from: 'anyone' })
    bystander.tell('names', 'x', PING)
    await quiet()
    for (const name of [back, names[0]]) next.tell(`hop ${name} client`, 'echo', PING)
    await quiet()
    expect(client.messages).toHaveLength(1)
    expect(bystander.received).toEqual([])
  })

  test('lets nobody in whom only an accomplice at the other end admits', async () => {
    const { router, client, next, way, quiet } = await gateway('local')
    const names: string[] = []
    router.startWorker('names', ({ returnRoute }) => void names.push(returnRoute.next?.name as string), { from: 'anyone' })
    client.tell('names', 'x', PING)
    client.tell(`hop ${way.address.name} x`, 'x', PING)
    await quiet()
    next.tell(`hop ${names[0]} x`, 'x', PING)
    client.tell(`hop ${way.address.name} x`, 'x', PING)
    client.tell(`${way.address.name} x`, 'x', PING)
    await quiet()
    expect(next.received).toEqual([])
  })

  test('introduces nobody by a return route that names another connection than the message came through', async () => {
    const { router, quiet } = await rawNode()
    startHop(router, 'hop', { from: 'anyone' })
    const owner = new FakeChannel(router, 'a', undefined, 'anyone')
    const [origin, named] = [new FakeChannel(router, 'b'), new FakeChannel(router, 'c')]
    dropPressure(
      router.context.dispatch({
        onwardRoute: routeOf(`hop ${owner.encryptor.name} service`),
        returnRoute: Route.of(named.encryptor, 'x'),
        payload: PING,
        origin: origin.producer,
      }),
    )
    await quiet()
    expect(owner.sent.at(-1)).toMatchObject({ onward: 'service' })
    expect((router.flowControls as NodeFlowControls).isConsumer(named.encryptor, owner.producer)).toBe(false)
    expect((router.flowControls as NodeFlowControls).consumerCount).toBe(0)
  })

  test('forgets the ways it opened when either side or the hop ends', async () => {
    const { router, client, next, way, accept, quiet } = await gateway('anyone')
    const rights = (): number => (router.flowControls as NodeFlowControls).consumerCount
    const hop = startHop(router, 'second', { from: 'anyone' })
    for (const side of [client, accept(), accept()]) side.tell(`second ${way.address.name} echo`, 'client', PING)
    await quiet()
    expect(rights()).toBe(3)
    client.cut()
    await turn()
    await turn()
    expect(rights()).toBe(2)
    await hop.close()
    expect(rights()).toBe(0)
    accept().tell(`hop ${way.address.name} echo`, 'client', PING)
    await quiet()
    expect(rights()).toBe(1)
    next.cut()
    await turn()
    await turn()
    expect(rights()).toBe(0)
  })

  test('that is told to forward to itself again and again ends', async () => {
    const { router, client, quiet } = await gateway('anyone')
    client.tell(Array.from({ length: 30 }, () => 'hop').join(' '), '', encodeBareString('x'))
    await quiet()
    expect(router.statistics().delivered).toBeLessThan(40)
    expect(client.received).toEqual([])
  })
})
