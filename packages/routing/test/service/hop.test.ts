import { type ConnectionHandle, dropPressure, type Pressure, type Reachability, Route, type Router, type WorkerOptions } from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import { createRouter, startEcho, startHop } from '@ockam/routing'
import { memoryNetwork } from '@ockam/transport-memory'
import { describe, expect, test } from 'vitest'
import type { NodeFlowControls } from '../../src/flow-control.ts'
import { ScriptedTransport } from '../fixture/scripted-transport.ts'
import { isResolved, settled, turn, until } from '../fixture/settle.ts'
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

describe('a hop to somebody who does not read', () => {
  /** A gateway with a connection nobody reads at the other end, and two nodes that are connected to it. */
  async function crowd(options: WorkerOptions = {}) {
    const network = memoryNetwork({ encode: true })
    const scripted = new ScriptedTransport()
    const router = createRouter({ transports: [network.transport('gateway'), scripted] })
    startHop(router, 'hop', { from: 'anyone', ...options })
    startEcho(router)
    await router.listen('/memory/gateway')
    const stuck = await router.connect('/script/stuck', { from: 'anyone' })
    const [connection] = scripted.connections
    const node = async (name: string) => {
      const own = createRouter({ transports: [network.transport(name)] })
      const { address } = await own.connect('/memory/gateway')
      return { own, send: (way: readonly string[], payload: Uint8Array) => own.context.send([address, ...way], payload), address }
    }
    return { router, stuck: stuck.address.name, connection: connection!, one: await node('one'), other: await node('other') }
  }

  test.each<WorkerOptions>([{}, { incoming: { description: 'takes its time', isAllowed: () => Promise.resolve(true) } }])(
    'stops those who send there, and nobody else: what others ask through the same hop is answered',
    async (options) => {
      const { router, stuck, connection, one, other } = await crowd(options)
      connection.pressure = new Promise(() => {})
      // Until it is asked to wait, and is not let go on.
      let isStopped = false
      const flood = async (): Promise<void> => {
        for (;;) {
          const pressure: Pressure = one.send(['hop', stuck, 'x'], new Uint8Array(1000))
          isStopped = pressure !== undefined && !(await isResolved(pressure))
          if (isStopped) return
        }
      }
      await flood()
      expect(isStopped).toBe(true)
      for (let i = 0; i < 100; i++) await other.own.context.request([other.address, 'hop', 'echo'], PING, { timeoutMs: 5_000 })
      expect(router.statistics().dropped).toEqual({})
      // Its queue is the mailbox of the connection that does not read, and nothing waits in the hop.
      expect(router.statistics().waitingMessages).toBeLessThan(2 * 1024)
    },
  )

  test('loses nothing of those who wait, in order, however late it reads', async () => {
    const { router, stuck, connection, one, other } = await crowd()
    let open: () => void = () => undefined
    connection.pressure = new Promise((resolve) => {
      open = resolve
    })
    const total = 20_000
    const sending = Promise.all(
      [one, other].map(async ({ send }, who) => {
        for (let i = 0; i < total; i++) await send(['hop', stuck, 'x'], new Uint8Array(new Uint32Array([who, i]).buffer))
      }),
    )
    await until(() => router.statistics().waitingMessages > 1024)
    for (let i = 0; i < 100; i++) await turn()
    expect(connection.sent.length).toBeLessThan(1024)
    connection.pressure = undefined
    open()
    await sending
    await settled(router)
    await until(() => connection.sent.length === 2 * total)
    const received: number[][] = [[], []]
    for (const { payload } of connection.sent) {
      const [who, i] = new Uint32Array(payload.slice().buffer)
      received[who as number]?.push(i as number)
    }
    for (const numbers of received) expect(numbers).toEqual(Array.from({ length: total }, (_, i) => i))
    expect(router.statistics().dropped).toEqual({})
  })

  test('drops, on his own account, what somebody sends there who does not wait', async () => {
    const { router, transport, accept } = await rawNode()
    startHop(router, 'hop', { from: 'anyone' })
    const way = await router.connect('/raw/next', { from: 'anyone' })
    const next = transport.peers[0] as RawPeer
    next.pressure = new Promise(() => {})
    const [rude, honest] = [accept(), accept()]
    for (let i = 0; i < 8000; i++) {
      rude.tell(`hop ${way.address.name} x`, 'x', PING)
      if (i % 100 === 0) await turn()
    }
    // The mailbox of the connection, three more on his account, and nothing in the hop.
    await until(() => router.statistics().waitingMessages === 4 * 1024)
    const { dropped, waitingMessages } = router.statistics()
    expect(dropped).toEqual({ 'mailbox-full': 8000 - waitingMessages })
    honest.tell(`hop ${way.address.name} y`, 'y', PING)
    for (let turns = 0; turns < 10; turns++) await turn()
    expect(router.statistics()).toMatchObject({ dropped, waitingMessages: waitingMessages + 1 })
  })
})
