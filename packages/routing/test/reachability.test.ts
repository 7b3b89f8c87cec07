import {
  Address,
  dropPressure,
  type ChannelPeerInfo,
  Identifier,
  type LocalInfo,
  NO_LOCAL_INFO,
  type Producer,
  type Reachability,
  Route,
} from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { settled } from './fixture/settle.ts'

const one = new Uint8Array(1)
const peer: ChannelPeerInfo = { kind: 'channel-peer', identifier: Identifier.parse(`I${'ab'.repeat(32)}`) }

type Source =
  | 'own worker'
  | 'accepted connection'
  | 'dialled connection'
  | 'accepted channel'
  | 'accepted channel, no identity'
  | 'dialled channel'
  | 'other listener'

type From = 'channels' | 'local' | 'anyone' | 'listed'

/** Sends one message to a worker from a source; tells whether it arrived. */
async function reaches(from: From, source: Source, isConsumer: boolean): Promise<boolean> {
  const router = createRouter()
  const { flowControls } = router
  const listed = { flowControlId: flowControls.createId() }
  const channelListener = flowControls.createId()
  const origins: Record<Source, Producer | undefined> = {
    'own worker': undefined,
    'accepted connection': flowControls.createProducer('transport', listed.flowControlId),
    'dialled connection': flowControls.createProducer('transport'),
    'accepted channel': flowControls.createProducer('channel', channelListener),
    'accepted channel, no identity': flowControls.createProducer('channel', channelListener),
    'dialled channel': flowControls.createProducer('channel'),
    'other listener': flowControls.createProducer('transport', flowControls.createId()),
  }
  const origin = origins[source]
  const hasPeer = source === 'accepted channel' || source === 'dialled channel'
  // Rights of others, and rights of this worker that have nothing to do with the source, must not matter.
  flowControls.addConsumer(Address.local('bystander'), origin?.flowControlId ?? flowControls.createId())
  flowControls.addConsumer(Address.local('target'), flowControls.createId())
  let arrived = 0
  const worker = router.startWorker('target', () => void arrived++, { from: from === 'listed' ? [listed] : from })
  if (isConsumer && origin !== undefined) flowControls.addConsumer(worker.address, origin.flowControlId)
  const localInfo: readonly LocalInfo[] = hasPeer ? [peer] : NO_LOCAL_INFO
  dropPressure(router.context.dispatch({ onwardRoute: Route.of('target'), returnRoute: Route.of('me'), payload: one, localInfo, origin }))
  await settled(router)
  expect(arrived + (router.statistics().dropped['not-reachable'] ?? 0)).toBe(1)
  return arrived === 1
}

const yes = true
const no = false
const sources: readonly Source[] = [
  'own worker',
  'accepted connection',
  'dialled connection',
  'accepted channel',
  'accepted channel, no identity',
  'dialled channel',
  'other listener',
]
const matrix: readonly (readonly [From, readonly boolean[]])[] = [
  ['channels', [no, no, no, yes, no, no, no]],
  ['local', [yes, no, no, no, no, no, no]],
  ['anyone', [yes, yes, yes, yes, yes, yes, yes]],
  ['listed', [yes, yes, no, no, no, no, no]],
]
const asConsumer: readonly (readonly [From, readonly boolean[]])[] = [
  ['channels', [no, no, no, yes, no, yes, no]],
  ['local', [yes, yes, yes, yes, yes, yes, yes]],
  ['anyone', [yes, yes, yes, yes, yes, yes, yes]],
  ['listed', [yes, yes, yes, yes, yes, yes, yes]],
]

describe('reachability', () => {
  for (const [from, expected] of matrix) {
    test.each(sources.map((source, i) => [source, expected[i] === true] as const))(`from: ${from}, %s: %s`, async (source, isReachable) => {
      expect(await reaches(from, source, false)).toBe(isReachable)
    })
  }

  for (const [from, expected] of asConsumer) {
    test.each(sources.map((source, i) => [source, expected[i] === true] as const))(
      `from: ${from}, %s that the worker is a consumer of: %s`,
      async (source, isReachable) => {
        expect(await reaches(from, source, true)).toBe(isReachable)
      },
    )
  }

  test('is by default for channels only', async () => {
    const router = createRouter()
    let arrived = 0
    router.startWorker('target', () => void arrived++)
    dropPressure(router.context.send('target', one))
    await settled(router)
    expect(arrived).toBe(0)
  })

  test('holds for what a worker forwards: a local worker is no way round it', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    let arrived = 0
    router.startWorker('inside', () => void arrived++, { from: 'local' })
    router.startWorker('hop', (message, context) => context.forward(message, message.onwardRoute.step()), { from: 'anyone' })
    await router.connect('/script/a')
    dropPressure(transport.arrive(transport.connections[0]!, 'hop inside', 'me'))
    await settled(router)
    expect(arrived).toBe(0)
    expect(router.statistics().dropped).toEqual({ 'not-reachable': 1 })
  })

  test('refuses a value it does not know', () => {
    expect(() => createRouter().startWorker('x', () => undefined, { from: 'all' as never })).toThrow(
      expect.objectContaining({ code: 'routing/invalid-argument' }),
    )
  })
})

describe('the way out through a connection', () => {
  async function gateway(
    from?: Reachability,
  ): Promise<{ transport: ScriptedTransport; router: ReturnType<typeof createRouter>; out: string }> {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    await router.connect('/script/in')
    const { address } = await router.connect('/script/out', from === undefined ? {} : { from })
    router.startWorker('hop', (message, context) => context.forward(message, message.onwardRoute.step()), { from: 'anyone' })
    return { transport, router, out: address.name }
  }

  test('is open to the node itself, and closed to what came from outside', async () => {
    const { transport, router, out } = await gateway()
    dropPressure(router.context.send([out, 'far'], one))
    dropPressure(transport.arrive(transport.connections[0]!, `${out} far`, 'me'))
    dropPressure(transport.arrive(transport.connections[0]!, `hop ${out} far`, 'me'))
    await settled(router)
    expect(transport.connections[1]?.sent.map(({ onward }) => onward)).toEqual(['0#far'])
    expect(router.statistics().dropped).toEqual({ 'not-reachable': 2 })
  })

  test('is open to anyone when the connection was opened so', async () => {
    const { transport, router, out } = await gateway('anyone')
    dropPressure(transport.arrive(transport.connections[0]!, `hop ${out} far`, 'me'))
    await settled(router)
    expect(transport.connections[1]?.sent.map(({ onward }) => onward)).toEqual(['0#far'])
  })
})

describe('a withheld identity', () => {
  test('is no longer on the messages of that producer, which are not its own', async () => {
    const router = createRouter()
    const relay = router.flowControls.createProducer('channel', router.flowControls.createId())
    const other = router.flowControls.createProducer('channel', relay.spawnerId)
    const seen: (readonly LocalInfo[])[] = []
    router.startWorker('open', ({ localInfo }) => void seen.push(localInfo), { from: 'anyone' })
    let guarded = 0
    router.startWorker('guarded', () => void guarded++)
    const note = { kind: 'note' }
    router.flowControls.withholdIdentity(relay)
    for (const origin of [relay, other]) {
      for (const name of ['open', 'guarded']) {
        dropPressure(
          router.context.dispatch({
            onwardRoute: Route.of(name),
            returnRoute: Route.of('x'),
            payload: one,
            localInfo: [note, peer],
            origin,
          }),
        )
      }
    }
    await settled(router)
    // As text: comparing identifiers by their fields finds no difference, because they have none that can be seen.
    const texts = seen.map((infos) => infos.map((info) => (info === note ? 'note' : String((info as ChannelPeerInfo).identifier))))
    expect(texts).toEqual([['note'], ['note', String(peer.identifier)]])
    expect(guarded).toBe(1)
  })
})
