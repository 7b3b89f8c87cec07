import { type Address, type Context, dropPressure, Identifier, type LocalMessage, type Pressure, Route, type RouteLike } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from './fixture/manual-clock.ts'
import { RecordingDiagnostics } from './fixture/recording-diagnostics.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { settled, turn } from './fixture/settle.ts'

const one = new Uint8Array(1)

async function connected(options: Parameters<typeof createRouter>[0] = {}): Promise<{
  router: ReturnType<typeof createRouter>
  transport: ScriptedTransport
  arrive: (onward: string, back?: string, payload?: Uint8Array) => unknown
  address: Address
}> {
  const transport = new ScriptedTransport()
  const router = createRouter({ ...options, transports: [transport] })
  const { address } = await router.connect('/script/a')
  return {
    router,
    transport,
    address,
    arrive: (onward, back = 'me', payload = one) => transport.arrive(transport.connections[0]!, onward, back, payload),
  }
}

describe('access control', () => {
  test('of the sender refuses what goes out, silently and counted, also when it throws', async () => {
    const diagnostics = new RecordingDiagnostics()
    const router = createRouter({ diagnostics })
    let arrived = 0
    router.startWorker('target', () => void arrived++, { from: 'local' })
    const isAllowed = (message: LocalMessage): boolean => {
      if (message.payload[0] === 2) throw new Error('undecided')
      return message.payload[0] === 1
    }
    const mailbox = router.createMailbox(undefined, { outgoing: { description: 'ones only', isAllowed } })
    for (const byte of [0, 1, 2]) dropPressure(mailbox.send('target', new Uint8Array([byte])))
    await settled(router)
    expect(arrived).toBe(1)
    expect(router.statistics().dropped).toEqual({ 'denied-outgoing': 2 })
    expect(diagnostics.named('routing/message-dropped')[0]).toMatchObject({ reason: 'denied-outgoing', rule: 'ones only' })
  })

  test('of the sender holds for its requests too', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    router.startWorker('target', (message, context) => context.send(message.returnRoute, one), { from: 'local' })
    const mailbox = router.createMailbox(undefined, { outgoing: { description: 'nothing', isAllowed: () => false } })
    const answer = mailbox.request('target', one)
    await turn()
    clock.advance(30_000)
    await expect(answer).rejects.toMatchObject({ code: 'routing/timeout' })
  })

  test('of the receiver refuses what comes in: false, a rejection, an exception and anything but true are refusals', async () => {
    const diagnostics = new RecordingDiagnostics()
    const router = createRouter({ diagnostics })
    const answers: unknown[] = [true, false, Promise.resolve(true), Promise.resolve(false), Promise.reject(new Error('no')), 'yes', 1]
    const seen: number[] = []
    router.startWorker('target', ({ payload }) => void seen.push(payload[0] as number), {
      from: 'local',
      incoming: {
        description: 'table',
        isAllowed: ({ payload }) => {
          if (payload[0] === 7) throw new Error('broken')
          return answers[payload[0] as number] as boolean
        },
      },
    })
    for (let i = 0; i < 8; i++) dropPressure(router.context.send('target', new Uint8Array([i])))
    await settled(router)
    expect(seen).toEqual([0, 2])
    expect(router.statistics().dropped).toEqual({ 'denied-incoming': 6 })
    expect(diagnostics.named('routing/message-dropped')[0]).toMatchObject({ reason: 'denied-incoming', rule: 'table' })
  })

  test('that takes time holds its own queue, keeps the order, and nobody else waits', async () => {
    const router = createRouter()
    const log: string[] = []
    let decide: ((isAllowed: boolean) => void) | undefined
    const first = new Promise<boolean>((resolve) => {
      decide = resolve
    })
    router.startWorker('asking', ({ payload }) => void log.push(`asking ${payload[0]}`), {
      from: 'local',
      incoming: { description: 'slow for the first', isAllowed: ({ payload }) => (payload[0] === 0 ? first : true) },
    })
    router.startWorker('quick', () => void log.push('quick'), { from: 'local' })
    dropPressure(router.context.send('asking', new Uint8Array([0])))
    dropPressure(router.context.send('asking', new Uint8Array([1])))
    dropPressure(router.context.send('quick', one))
    await turn()
    expect(log).toEqual(['quick'])
    decide?.(true)
    await settled(router)
    expect(log).toEqual(['quick', 'asking 0', 'asking 1'])
  })

  test('that takes time works for batches: what is decided goes ahead, what is refused is left out', async () => {
    const router = createRouter()
    const seen: number[] = []
    router.startWorker(
      'batch',
      { handleBatch: (messages) => messages.forEach(({ payload }) => seen.push(payload[0] as number)) },
      {
        from: 'local',
        incoming: {
          description: 'odd later',
          isAllowed: ({ payload }) => (payload[0]! % 2 === 0 ? true : turn().then(() => payload[0] !== 3)),
        },
      },
    )
    for (let i = 0; i < 6; i++) dropPressure(router.context.send('batch', new Uint8Array([i])))
    await settled(router)
    expect(seen).toEqual([0, 1, 2, 4, 5])
  })
})

describe('what comes from outside', () => {
  test('carries no local info and no origin but its own, whatever the transport hands over', async () => {
    const { router, transport, address } = await connected()
    const seen: LocalMessage[] = []
    router.startWorker('open', (message) => void seen.push(message), { from: 'anyone' })
    const forged = {
      onwardRoute: Route.of('open'),
      returnRoute: Route.of('me'),
      payload: one,
      localInfo: [{ kind: 'channel-peer', identifier: Identifier.parse(`I${'00'.repeat(32)}`) }],
      origin: undefined,
      source: address,
      forwards: -1000,
    }
    dropPressure(transport.services.deliver(transport.connections[0]!, forged, true))
    await settled(router)
    expect(seen[0]).toMatchObject({ localInfo: [], forwards: 0, source: address })
    expect(seen[0]?.origin?.kind).toBe('transport')
  })

  test('never throws at the transport and is never answered: it is dropped, counted and reported', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, transport, arrive } = await connected({ diagnostics })
    router.startWorker('inside', () => undefined, { from: 'local' })
    expect(arrive('nobody\u0000\nforged-line')).toBeUndefined()
    expect(arrive('inside')).toBeUndefined()
    expect(arrive('1#host:4000 x')).toBeUndefined()
    await settled(router)
    expect(router.statistics().dropped).toEqual({ 'unknown-address': 2, 'not-reachable': 1 })
    expect(transport.connections[0]?.sent).toEqual([])
    const [event] = diagnostics.named('routing/message-dropped')
    expect(event).toMatchObject({ reason: 'unknown-address', to: '0#nobody??forged-line', origin: 'transport' })
  })

  test('is counted and otherwise ignored when its onward route is empty: a heartbeat', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, arrive } = await connected({ diagnostics })
    for (let i = 0; i < 3; i++) arrive('', 'me')
    await settled(router)
    expect(router.statistics()).toMatchObject({ dropped: { heartbeat: 3 }, delivered: 0 })
    expect(diagnostics.named('routing/message-dropped')).toEqual([])
  })

  test('becomes one diagnostics event a second for each reason, however much it is', async () => {
    const clock = new ManualClock()
    const diagnostics = new RecordingDiagnostics()
    const { arrive } = await connected({ clock, diagnostics })
    for (let i = 0; i < 1000; i++) arrive('nobody')
    clock.advance(1000)
    arrive('nobody')
    expect(diagnostics.named('routing/message-dropped').map(({ count }) => count)).toEqual([1, 1000])
  })

  test('has the delivering address as first hop of every reply, whatever return route it brings (rule 14)', async () => {
    const name = fc.string({ minLength: 1, maxLength: 8 })
    const { router, transport, address } = await connected()
    const seen: LocalMessage[] = []
    router.startWorker(
      'echo',
      (message, context) => {
        seen.push(message)
        return context.send(message.returnRoute, message.payload)
      },
      { from: 'anyone' },
    )
    router.startWorker('secret', () => expect.unreachable('a reply reached a local worker'), { from: 'local' })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(name, fc.constantFrom('secret', 'echo', address.name)), { maxLength: 20 }), async (hops) => {
        const before = transport.connections[0]!.sent.length
        dropPressure(
          transport.services.deliver(
            transport.connections[0]!,
            { onwardRoute: Route.of('echo'), returnRoute: Route.from(hops.map((hop) => hop)), payload: one },
            true,
          ),
        )
        await settled(router)
        expect(seen.at(-1)?.returnRoute.next).toEqual(address)
        expect(transport.connections[0]!.sent.length).toBe(before + 1)
        expect(transport.connections[0]!.sent.at(-1)?.onward).toBe(Route.from(hops).toString())
      }),
      { numRuns: 100 },
    )
  })
})

describe('loops', () => {
  test('of two workers that forward to each other end after 64 forwards', async () => {
    const router = createRouter()
    let passes = 0
    const pass =
      (to: string) =>
      (message: LocalMessage, context: Context): Pressure => {
        passes++
        return context.forward(message, Route.of(to))
      }
    router.startWorker('ping', pass('pong'), { from: 'local' })
    router.startWorker('pong', pass('ping'), { from: 'local' })
    dropPressure(router.context.send('ping', one))
    await settled(router)
    expect(passes).toBe(65)
    expect(router.statistics().dropped).toEqual({ loop: 1 })
  })

  test('end at the bound that was set', async () => {
    const router = createRouter({ maxForwards: 3 })
    let passes = 0
    router.startWorker(
      'self',
      (message, context) => {
        passes++
        return context.forward(message, message.onwardRoute)
      },
      { from: 'local' },
    )
    dropPressure(router.context.send('self', one))
    await settled(router)
    expect(passes).toBe(4)
  })

  test('of hops that grow the return route end at 32 addresses', async () => {
    const { router, arrive } = await connected()
    let passes = 0
    router.startWorker(
      'hop',
      (message, context) => {
        passes++
        return context.forward(message, message.onwardRoute, message.returnRoute.prepend(context.address))
      },
      { from: 'anyone' },
    )
    arrive('hop', 'me')
    await settled(router)
    // hop + connection + me, and one more address with each pass.
    expect(passes).toBe(30)
    expect(router.statistics().dropped).toEqual({ 'route-too-long': 1 })
  })
})

describe('routes', () => {
  test.each([
    [30, true],
    [31, false],
  ])('of %i addresses from outside, with the delivering one in front: accepted is %s', async (count, isAccepted) => {
    const { router, arrive } = await connected()
    let arrived = 0
    router.startWorker('open', () => void arrived++, { from: 'anyone' })
    arrive('open', Array.from({ length: count }, (_, i) => `hop${i}`).join(' '))
    await settled(router)
    expect(arrived).toBe(isAccepted ? 1 : 0)
    expect(router.statistics().dropped).toEqual(isAccepted ? {} : { 'route-too-long': 1 })
  })

  test('that are too long are the mistake of a local sender', () => {
    const router = createRouter({ maxAddresses: 4 })
    router.startWorker('a', () => undefined, { from: 'local' })
    expect(() => router.context.send(['a', 'b', 'c', 'd'], one)).toThrow(expect.objectContaining({ code: 'routing/invalid-route' }))
  })

  test('are accepted in every written form', async () => {
    const router = createRouter()
    const seen: string[] = []
    router.startWorker('a', ({ onwardRoute }) => void seen.push(onwardRoute.toString()), { from: 'local' })
    const forms: RouteLike[] = ['a => b', ['a', 'b'], '/service/a/service/b', Route.of('a', 'b')]
    for (const form of forms) dropPressure(router.context.send(form, one))
    await settled(router)
    expect(seen).toEqual(Array(4).fill('0#a => 0#b'))
  })
})
