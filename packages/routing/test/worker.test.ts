import { dropPressure, type AnyWorker, type LocalMessage, OckamError, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { bytes, text } from './fixture/bytes.ts'
import { RecordingDiagnostics } from './fixture/recording-diagnostics.ts'
import { settled, turn } from './fixture/settle.ts'

describe('a worker', () => {
  test('receives messages in the order they were sent, none before the sender has finished', async () => {
    const router = createRouter()
    const seen: number[] = []
    router.startWorker('sink', ({ payload }) => void seen.push(payload[0] as number), { from: 'local' })
    for (let i = 0; i < 200; i++) dropPressure(router.context.send('sink', new Uint8Array([i])))
    expect(seen).toEqual([])
    await settled(router)
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i))
  })

  test('is listed with its aliases while it runs', async () => {
    const router = createRouter()
    const names = (): readonly string[] => router.addresses().map(String)
    const worker = router.startWorker('main', () => undefined, { from: 'local', aliases: ['other'] })
    expect(names().slice(-2)).toEqual(['0#main', '0#other'])
    await worker.close()
    expect(names()).not.toContain('0#main')
    expect(names()).not.toContain('0#other')
  })

  test('handles one message at a time, and the next only when the promise of the last has settled', async () => {
    const router = createRouter()
    let running = 0
    let most = 0
    const seen: number[] = []
    router.startWorker(
      'slow',
      async ({ payload }) => {
        most = Math.max(most, ++running)
        await turn()
        seen.push(payload[0] as number)
        running--
        if (payload[0] === 3) throw new Error('not this one')
      },
      { from: 'local' },
    )
    for (let i = 0; i < 10; i++) dropPressure(router.context.send('slow', new Uint8Array([i])))
    await settled(router)
    expect(most).toBe(1)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  test('is told its own address, and answers along the return route', async () => {
    const router = createRouter()
    router.startWorker('echo', (message, context) => context.send(message.returnRoute, message.payload), { from: 'local' })
    const answer = await router.context.request('echo', bytes('hello'))
    expect(text(answer.payload)).toBe('hello')
    expect(answer.returnRoute.toString()).toBe('0#echo')
    expect(answer.source.toString()).toBe('0#echo')
  })

  test('goes on with the next message after an error, which diagnostics learn without its message', async () => {
    const diagnostics = new RecordingDiagnostics()
    const router = createRouter({ diagnostics })
    const seen: string[] = []
    router.startWorker(
      'strict',
      ({ payload }) => {
        if (payload.length > 3) JSON.parse(text(payload))
        seen.push(text(payload))
      },
      { from: 'local' },
    )
    dropPressure(router.context.send('strict', bytes('topsecret')))
    dropPressure(router.context.send('strict', bytes('two')))
    await settled(router)
    expect(seen).toEqual(['two'])
    const [failure] = diagnostics.named('routing/worker-failed')
    expect(failure).toMatchObject({ address: '0#strict', phase: 'message', error: 'SyntaxError' })
    expect(JSON.stringify(failure)).not.toContain('topsecret')
    expect(failure?.['at']).toContain('worker.test.ts')
  })

  test('starts before its first message, and stops after its last', async () => {
    const router = createRouter()
    const log: string[] = []
    const worker: AnyWorker = {
      async start() {
        await turn()
        log.push('start')
      },
      handleMessage: ({ payload }) => void log.push(text(payload)),
      async stop() {
        await turn()
        log.push('stop')
      },
    }
    const handle = router.startWorker('living', worker, { from: 'local' })
    dropPressure(router.context.send('living', bytes('one')))
    dropPressure(router.context.send('living', bytes('two')))
    const closing = handle.close()
    expect(() => router.context.send('living', bytes('late'))).toThrow(expect.objectContaining({ code: 'routing/unknown-address' }))
    await closing
    expect(log).toEqual(['start', 'one', 'two', 'stop'])
    expect(handle.close()).toBe(handle.stopped)
  })

  test.each([
    [
      'throws',
      () => {
        throw new OckamError('app/no', 'no')
      },
    ],
    ['rejects', () => Promise.reject(new OckamError('app/no', 'no'))],
  ])('stops when its start %s, and its address is free again', async (_, start) => {
    const diagnostics = new RecordingDiagnostics()
    const router = createRouter({ diagnostics })
    const seen: LocalMessage[] = []
    const handle = router.startWorker('broken', { start, handleMessage: (message) => void seen.push(message) }, { from: 'local' })
    dropPressure(router.context.send('broken', bytes('waits')))
    await handle.stopped
    expect(seen).toEqual([])
    expect(diagnostics.named('routing/worker-failed')).toMatchObject([{ address: '0#broken', phase: 'start', code: 'app/no' }])
    expect(router.statistics().dropped).toEqual({ stopped: 1 })
    router.startWorker('broken', () => undefined)
  })

  test('that takes batches is given all that waits, in order, one batch at a time', async () => {
    const router = createRouter()
    const batches: number[][] = []
    let running = 0
    router.startWorker(
      'batch',
      {
        async handleBatch(messages) {
          expect(++running).toBe(1)
          const batch = messages.map(({ payload }) => payload[0] as number)
          await turn()
          // The array is lent until the promise settles.
          expect(messages.map(({ payload }) => payload[0])).toEqual(batch)
          batches.push(batch)
          running--
        },
      },
      { from: 'local' },
    )
    for (let i = 0; i < 5; i++) dropPressure(router.context.send('batch', new Uint8Array([i])))
    await turn()
    for (let i = 5; i < 9; i++) dropPressure(router.context.send('batch', new Uint8Array([i])))
    await settled(router)
    expect(batches).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8],
    ])
  })

  test('takes batches of at most a mebibyte and one message, however much of it is shared memory', async () => {
    const router = createRouter()
    const batches: number[] = []
    router.startWorker('batching', { handleBatch: (messages) => void batches.push(messages.length) }, { from: 'local', isTransit: true })
    const slab = new Uint8Array(3 * 1024 * 1024)
    for (let i = 0; i < 6; i++) dropPressure(router.context.send('batching', slab.subarray(i * 524_288, (i + 1) * 524_288)))
    await settled(router)
    expect(batches).toEqual([2, 2, 2])
  })

  test('has its aliases lead to the same queue', async () => {
    const router = createRouter()
    const seen: string[] = []
    router.startWorker('main', (message) => void seen.push(`${message.onwardRoute.toString()} ${text(message.payload)}`), {
      from: 'local',
      aliases: ['other'],
    })
    dropPressure(router.context.send('main', bytes('a')))
    dropPressure(router.context.send('other', bytes('b')))
    dropPressure(router.context.send('main', bytes('c')))
    await settled(router)
    expect(seen).toEqual(['0#main a', '0#other b', '0#main c'])
  })

  test('cannot take an address that is in use, and takes none of its other addresses then', () => {
    const router = createRouter()
    router.startWorker('taken', () => undefined)
    expect(() => router.startWorker('fresh', () => undefined, { aliases: ['taken'] })).toThrow(
      expect.objectContaining({ code: 'routing/address-in-use' }),
    )
    router.startWorker('fresh', () => undefined)
    expect(() => router.startWorker('1#host:4000', () => undefined)).toThrow(expect.objectContaining({ code: 'routing/invalid-argument' }))
  })

  test('cannot send after it has stopped', async () => {
    const router = createRouter()
    let send: (() => unknown) | undefined
    const handle = router.startWorker(undefined, {
      start: (context) => {
        send = () => context.send('nobody', bytes('x'))
      },
      handleMessage: () => undefined,
    })
    await handle.close()
    expect(send).toThrow(expect.objectContaining({ code: 'routing/stopped' }))
  })
})

describe('sending', () => {
  test('throws for local mistakes: an unknown address, an empty route, a payload that is no Uint8Array', () => {
    const { context } = createRouter()
    expect(() => context.send('nobody', bytes('x'))).toThrow(expect.objectContaining({ code: 'routing/unknown-address' }))
    expect(() => context.send(Route.empty, bytes('x'))).toThrow(expect.objectContaining({ code: 'routing/invalid-route' }))
    expect(() => context.send('nobody', 'x' as never)).toThrow(expect.objectContaining({ code: 'routing/invalid-argument' }))
  })

  test('hands a Node Buffer on as a plain Uint8Array', async () => {
    const router = createRouter()
    const seen: Uint8Array[] = []
    router.startWorker('sink', ({ payload }) => void seen.push(payload), { from: 'local' })
    dropPressure(router.context.send('sink', Buffer.from('short')))
    dropPressure(router.context.send('sink', Buffer.alloc(100_000, 7)))
    await settled(router)
    for (const payload of seen) expect(Object.getPrototypeOf(payload)).toBe(Uint8Array.prototype)
    expect(seen.map(({ length }) => length)).toEqual([5, 100_000])
  })

  test('keeps local info, origin and exclusive memory only where they belong when a message is forwarded', async () => {
    const router = createRouter()
    const seen: LocalMessage[] = []
    router.startWorker('end', (message) => void seen.push(message), { from: 'anyone', isTransit: true })
    router.startWorker(
      'middle',
      (message, context) => context.forward(message, message.onwardRoute.step(), message.returnRoute.prepend(context.address)),
      { from: 'local' },
    )
    const origin = router.flowControls.createProducer('channel')
    const info = [{ kind: 'note' }]
    const route = Route.of('middle', 'end')
    router.flowControls.addConsumer(route.next!, origin.flowControlId)
    dropPressure(
      router.context.dispatch({
        onwardRoute: route,
        returnRoute: Route.of('me'),
        payload: bytes('x'),
        localInfo: info,
        origin,
        isExclusive: true,
      }),
    )
    await settled(router)
    expect(seen[0]).toMatchObject({ forwards: 1, isExclusive: false, origin, localInfo: info })
    expect(seen[0]?.returnRoute.toString()).toBe('0#middle => 0#me')
    expect(seen[0]?.source.toString()).toBe('0#middle')
  })
})
