import { Address, dropPressure, type Pressure, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MailboxQueue } from '../src/mailbox-queue.ts'
import { PayloadCopier } from '../src/payload-copier.ts'
import { RoutedMessage } from '../src/routed-message.ts'
import { RecordingDiagnostics } from './fixture/recording-diagnostics.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved, settled, turn, until } from './fixture/settle.ts'

const one = new Uint8Array(1)

/** A worker that takes a message when the test says so. */
function gate(): { readonly handle: () => Promise<void>; readonly open: (count: number) => void; handled: number } {
  const waiting: (() => void)[] = []
  const state = {
    handled: 0,
    handle: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
      }).then(() => void state.handled++),
    open: (count: number) => {
      for (const resolve of waiting.splice(0, count)) resolve()
    },
  }
  return state
}

/** Sends without waiting until it is stopped. @returns how many were accepted. */
function flood(send: (payload: Uint8Array) => Pressure): number {
  for (let accepted = 0; accepted < 10_000; accepted++) {
    try {
      dropPressure(send(one))
    } catch (error) {
      expect(error).toMatchObject({ code: 'routing/mailbox-overflow' })
      return accepted
    }
  }
  throw new Error('Nobody stopped it.')
}

describe('pressure', () => {
  test('is given out when the bound is reached, one promise for all, and ends below half', async () => {
    const router = createRouter()
    const { handle, open } = gate()
    router.startWorker('slow', handle, { from: 'local', maxMessages: 8 })
    const pressures: Pressure[] = []
    for (let i = 0; i < 8; i++) pressures.push(router.context.send('slow', one))
    expect(pressures.slice(0, 7)).toEqual(Array(7).fill(undefined))
    const pressure = pressures[7] as Promise<void>
    expect(router.context.send('slow', one)).toBe(pressure)
    await turn()
    for (let left = 9; left > 5; left--) {
      open(1)
      await turn()
      expect(await isResolved(pressure)).toBe(false)
    }
    open(1)
    expect(await isResolved(pressure)).toBe(true)
    expect(router.context.send('slow', one)).toBeUndefined()
  })

  test('comes from pinned bytes as well as from the number of messages', () => {
    const router = createRouter()
    router.startWorker('slow', () => new Promise(() => {}), { from: 'local' })
    expect(router.context.send('slow', new Uint8Array(1024 * 1024 - 1))).toBeUndefined()
    expect(router.context.send('slow', one)).toBeInstanceOf(Promise)
  })

  test('lets one message of any size into an empty mailbox', async () => {
    const router = createRouter()
    let length = 0
    router.startWorker('sink', (message) => void (length = message.payload.length), { from: 'local', maxBytes: 10 })
    await router.context.send('sink', new Uint8Array(100_000))
    await settled(router)
    expect(length).toBe(100_000)
  })

  test('resolves when the worker is closed, when it is stopped by force, and when its start fails', async () => {
    const router = createRouter()
    const closed = router.startWorker('closed', () => turn(), { from: 'local', maxMessages: 1 })
    const first = router.context.send('closed', one)
    await closed.close()
    expect(await isResolved(first as Promise<void>)).toBe(true)

    router.startWorker('stuck', () => new Promise(() => {}), { from: 'local', maxMessages: 1 })
    const second = router.context.send('stuck', one)
    router.startWorker(
      'failing',
      { start: () => Promise.reject(new Error('no')), handleMessage: () => undefined },
      { from: 'local', maxMessages: 1 },
    )
    const third = router.context.send('failing', one)
    expect(await isResolved(third as Promise<void>)).toBe(true)
    expect(await isResolved(second as Promise<void>)).toBe(false)
    await router.close({ timeoutMs: 1 })
    await expect(second).resolves.toBeUndefined()
  })

  test('stops a local sender that does not wait at four times the bound', () => {
    const router = createRouter()
    router.startWorker('slow', () => new Promise(() => {}), { from: 'local', maxMessages: 10 })
    let accepted = 0
    expect(() => {
      for (; accepted < 1000; accepted++) dropPressure(router.context.send('slow', one))
    }).toThrow(expect.objectContaining({ code: 'routing/mailbox-overflow' }))
    expect(accepted).toBe(40)
  })

  test('never stops many senders that wait, even when together they are over four times the bound', async () => {
    const router = createRouter()
    let handled = 0
    router.startWorker(
      'shared',
      async () => {
        await turn()
        handled++
      },
      { from: 'local', maxMessages: 10 },
    )
    await Promise.all(Array.from({ length: 200 }, () => createSender()))
    expect(handled).toBe(400)
    expect(router.statistics().dropped).toEqual({})

    async function createSender(): Promise<void> {
      const mailbox = router.createMailbox()
      for (let i = 0; i < 2; i++) await mailbox.send('shared', one)
      await until(() => router.statistics().waitingMessages === 0)
    }
  })

  test('never makes senders that wait lose a message, however many share one mailbox and however late they look', async () => {
    const router = createRouter()
    let handled = 0
    router.startWorker(
      'shared',
      async () => {
        await turn()
        handled++
      },
      { from: 'local', maxMessages: 10 },
    )
    // Each sends a run before it looks, as encryptors do: together far more than the mailbox's bound, sixty-four times over.
    await Promise.all(
      Array.from({ length: 150 }, async () => {
        const mailbox = router.createMailbox()
        for (let run = 0; run < 3; run++) {
          let pressure: Pressure
          for (let i = 0; i < 16; i++) pressure = mailbox.send('shared', one) ?? pressure
          await pressure
        }
      }),
    )
    await settled(router)
    expect(handled).toBe(150 * 3 * 16)
    expect(router.statistics().dropped).toEqual({})
  })

  test('stops each sender that does not wait on its own account, whatever the others do', () => {
    const router = createRouter()
    router.startWorker('slow', () => new Promise(() => {}), { from: 'local', maxMessages: 10 })
    const accepted = Array.from({ length: 100 }, () => {
      const mailbox = router.createMailbox()
      return flood((payload) => mailbox.send('slow', payload))
    })
    expect(accepted).toEqual([40, ...Array(99).fill(30)])
    // One that did not send yet could not know, and is asked to wait.
    expect(router.createMailbox().send('slow', one)).toBeInstanceOf(Promise)
  })

  test('stops a sender that turns from one full mailbox to another and back', () => {
    const router = createRouter()
    for (const name of ['a', 'b']) router.startWorker(name, () => new Promise(() => {}), { from: 'local', maxMessages: 10 })
    let sent = 0
    expect(flood((payload) => router.context.send(sent++ % 2 === 0 ? 'a' : 'b', payload))).toBe(80)
  })

  test('is not got round by somebody who comes back over a new connection for each message', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    router.startWorker('stuck', () => new Promise(() => {}), { from: 'anyone', maxMessages: 10 })
    await router.listen('/script/here')
    for (let i = 0; i < 2000; i++) {
      const connection = transport.accept()!
      dropPressure(transport.arrive(connection, 'stuck', 'me'))
      connection.cut('peer')
      if (i % 10 === 0) await turn()
    }
    await turn()
    expect(router.statistics().waitingMessages).toBe(640)
    expect(router.statistics().dropped).toMatchObject({ 'mailbox-full': 1360 })
  })

  test('drops and counts what a connection delivers beyond the hard bound, and throws nothing at the transport', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    router.startWorker('slow', () => new Promise(() => {}), { from: 'anyone', maxMessages: 10 })
    await router.connect('/script/a')
    for (let i = 0; i < 100; i++) dropPressure(transport.arrive(transport.connections[0]!, 'slow', 'me'))
    expect(router.statistics()).toMatchObject({ dropped: { 'mailbox-full': 60 }, waitingMessages: 40 })
  })

  test('is not felt by the senders of a worker that drops: what is too much is dropped, counted and reported', async () => {
    const diagnostics = new RecordingDiagnostics()
    const router = createRouter({ diagnostics })
    let handled = 0
    router.startWorker('echo', () => void handled++, { from: 'local', overflow: 'drop', maxMessages: 10 })
    for (let i = 0; i < 25; i++) expect(router.context.send('echo', one)).toBeUndefined()
    await settled(router)
    expect(handled).toBe(10)
    expect(router.statistics().dropped).toEqual({ 'mailbox-full': 15 })
    expect(diagnostics.named('routing/message-dropped')).toMatchObject([{ reason: 'mailbox-full', count: 1, to: '0#echo' }])
  })

  test('does not stall a neighbour of a slow worker', async () => {
    const router = createRouter()
    let handled = 0
    router.startWorker('slow', () => new Promise(() => {}), { from: 'local', maxMessages: 2 })
    router.startWorker('quick', () => void handled++, { from: 'local' })
    dropPressure(router.context.send('slow', one))
    dropPressure(router.context.send('slow', one))
    for (let i = 0; i < 100; i++) expect(router.context.send('quick', one)).toBeUndefined()
    await until(() => handled === 100)
  })
})

describe('what waits', () => {
  const message = (payload: Uint8Array): RoutedMessage =>
    new RoutedMessage(Route.of('x'), Route.empty, payload, [], Address.local('y'), undefined, 0, false)

  test('does not pin a read chunk: small views are copied when their worker is busy, also those of transit workers', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const seen: Uint8Array[] = []
    router.startWorker(
      'transit',
      async ({ payload }) => {
        seen.push(payload)
        await turn()
      },
      { from: 'anyone', isTransit: true },
    )
    await router.connect('/script/a')
    const chunk = new Uint8Array(65_536).map((_, i) => i)
    for (let i = 0; i < 4; i++)
      dropPressure(transport.arrive(transport.connections[0]!, 'transit', 'me', chunk.subarray(i * 1000, i * 1000 + 500)))
    await settled(router)
    expect(seen[0]?.buffer).toBe(chunk.buffer)
    for (const payload of seen.slice(1)) expect(payload.buffer.byteLength).toBeLessThanOrEqual(8 * payload.length)
    expect(seen).toEqual(Array.from({ length: 4 }, (_, i) => chunk.slice(i * 1000, i * 1000 + 500)))
  })

  test('does not pin a read chunk when it comes while its worker is busy', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const seen: Uint8Array[] = []
    const { handle, open } = gate()
    router.startWorker(
      'transit',
      ({ payload }) => {
        seen.push(payload)
        return handle()
      },
      { from: 'anyone', isTransit: true },
    )
    await router.connect('/script/a')
    const chunk = new Uint8Array(65_536).map((_, i) => i)
    for (let i = 0; i < 2; i++) {
      dropPressure(transport.arrive(transport.connections[0]!, 'transit', 'me', chunk.subarray(i * 1000, i * 1000 + 500)))
      await turn()
    }
    open(1)
    await turn()
    expect(seen.map(({ buffer }) => buffer === chunk.buffer)).toEqual([true, false])
    expect(seen[1]).toEqual(chunk.slice(1000, 1500))
  })

  test('reaches an application as a copy when it is a small part of its memory, and as it is when it is a large part', async () => {
    const router = createRouter()
    const seen: Uint8Array[] = []
    router.startWorker('application', ({ payload }) => void seen.push(payload), { from: 'local' })
    const chunk = new Uint8Array(64 * 1024)
    dropPressure(router.context.send('application', chunk.subarray(0, 100)))
    dropPressure(router.context.send('application', chunk.subarray(0, 40 * 1024)))
    await settled(router)
    expect(seen[0]?.buffer).not.toBe(chunk.buffer)
    expect(seen[1]?.buffer).toBe(chunk.buffer)
  })

  test('is copied intact, whatever the lengths, and pins at most eight times its length', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 60 }), (lengths) => {
        const copier = new PayloadCopier()
        const chunk = crypto.getRandomValues(new Uint8Array(40_000))
        const large = new Uint8Array(400_000)
        large.set(chunk)
        const copies = lengths.map((length) => copier.owned(large.subarray(0, length)))
        copies.forEach((copy, i) => {
          expect(Buffer.compare(copy, chunk.subarray(0, lengths[i]))).toBe(0)
          expect(copy.buffer).not.toBe(large.buffer)
          expect(copy.buffer.byteLength).toBeLessThanOrEqual(Math.max(64, 8 * copy.length))
        })
      }),
      { numRuns: 50 },
    )
  })

  test('is counted exactly: the queue is a first-in first-out list whose sums are those of its content', () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 300 }) }),
      fc.constant('shift' as const),
      fc.constant('compact' as const),
      fc.constant('age' as const),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new MailboxQueue(1024, 1 << 20, new PayloadCopier())
        const model: Uint8Array[] = []
        for (const next of steps) {
          if (next === 'compact') queue.compact()
          else if (next === 'age') queue.age()
          else if (next === 'shift') {
            const taken = queue.shift()
            expect(taken?.payload).toEqual(model.shift())
            if (taken !== undefined) queue.finish(1, taken.pinned)
          } else {
            const payload = new Uint8Array(next.push).fill(next.push)
            model.push(payload)
            queue.push(message(payload))
          }
          expect(queue.waiting).toBe(model.length)
          expect(queue.messages).toBe(model.length)
          expect(queue.bytes).toBe(model.reduce((sum, { length }) => sum + length, 0))
        }
      }),
    )
  })

  test('is copied when it has waited for a whole turn, and not before', () => {
    const queue = new MailboxQueue(1024, 1 << 20, new PayloadCopier())
    const chunk = new Uint8Array(65_536)
    const put = (): RoutedMessage => {
      const put = message(chunk.subarray(100, 200))
      queue.push(put)
      return put
    }
    const isPinned = (one: RoutedMessage): boolean => one.payload.buffer === chunk.buffer
    const first = put()
    queue.age()
    const second = put()
    expect([first, second].map(isPinned)).toEqual([true, true])
    queue.age()
    expect([first, second].map(isPinned)).toEqual([false, true])
    queue.shift()
    const third = put()
    queue.age()
    expect([second, third].map(isPinned)).toEqual([false, true])
    queue.compact()
    expect(isPinned(third)).toBe(false)
    expect(third.isExclusive).toBe(true)
  })

  test('counts shared memory once, and as long as the last message that is a part of it waits', () => {
    const queue = new MailboxQueue(1024, 1 << 20, new PayloadCopier())
    const [a, b] = [new Uint8Array(65_536), new Uint8Array(65_536)]
    const part = (slab: Uint8Array, i: number): RoutedMessage => message(slab.subarray(i * 16_384, (i + 1) * 16_384))
    // Two senders take turns, as with runs of two channels over one connection.
    for (let i = 0; i < 4; i++) for (const slab of [a, b]) queue.push(part(slab, i))
    expect(queue.bytes).toBe(2 * 65_536)
    const left: number[] = []
    for (let taken = queue.shift(); taken !== undefined; taken = queue.shift()) {
      queue.finish(1, taken.pinned)
      left.push(queue.bytes)
    }
    expect(left).toEqual([...Array(6).fill(2 * 65_536), 65_536, 0])
  })

  test('counts exactly the memory it keeps alive, whatever is shared with whom', () => {
    const slabs = [300, 1000, 5000].map((length) => new Uint8Array(length))
    const step = fc.oneof(
      fc.record({ slab: fc.nat(2), start: fc.nat(299), length: fc.nat(5000) }),
      fc.constant('shift' as const),
      fc.constant('shift' as const),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new MailboxQueue(1024, 1 << 20, new PayloadCopier())
        const model: Uint8Array[] = []
        for (const next of steps) {
          if (next === 'shift') {
            const taken = queue.shift()
            if (taken !== undefined) queue.finish(1, taken.pinned)
            model.shift()
          } else {
            const slab = slabs[next.slab] as Uint8Array
            const payload = slab.subarray(next.start, next.start + next.length)
            model.push(payload)
            queue.push(message(payload))
          }
          // Small parts, and whole slabs, count as themselves.
          const isPart = ({ length, buffer }: Uint8Array): boolean =>
            length > 64 && length !== buffer.byteLength && length * 8 >= buffer.byteLength
          const pinned = new Set(model.filter(isPart).map(({ buffer }) => buffer))
          const alone = model.filter((payload) => !isPart(payload)).reduce((sum, { length }) => sum + length, 0)
          expect(queue.bytes).toBe(alone + [...pinned].reduce((sum, { byteLength }) => sum + byteLength, 0))
        }
      }),
    )
  })
})
