import { Address, dropPressure, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MailboxQueue } from '../src/mailbox-queue.ts'
import { PayloadCopier } from '../src/payload-copier.ts'
import { RoutedMessage } from '../src/routed-message.ts'
import { SharedMemory } from '../src/shared-memory.ts'
import { WaitingBudget } from '../src/waiting-budget.ts'
import { gate } from './fixture/gate.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { settled, turn } from './fixture/settle.ts'

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

  test('is not copied when the transport says that it is all of its memory', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const seen: Uint8Array[] = []
    router.startWorker('application', ({ payload }) => void seen.push(payload), { from: 'anyone' })
    const connection = await router.connect('/script/a').then(() => transport.connections[0]!)
    const [alone, perhaps] = [new Uint8Array(64), new Uint8Array(64)]
    const message = { onwardRoute: Route.of('application'), returnRoute: Route.empty }
    dropPressure(transport.services.deliver(connection, { ...message, payload: alone, isPayloadAlone: true }, true))
    dropPressure(transport.services.deliver(connection, { ...message, payload: perhaps }, true))
    await settled(router)
    expect(seen.map((payload) => payload === alone || payload === perhaps)).toEqual([true, false])
  })

  test('is copied intact, whatever the lengths, and pins at most eight times its length', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 60 }), (lengths) => {
        const copier = new PayloadCopier()
        const chunk = crypto.getRandomValues(new Uint8Array(40_000))
        const large = new Uint8Array(400_000)
        large.set(chunk)
        const copies = lengths.map((length) => copier.copy(large.subarray(0, length)))
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
        const queue = new MailboxQueue(1024, 1 << 20, new PayloadCopier(), new WaitingBudget(1 << 30))
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

  test('is copied when it has waited for four turns, and not before', () => {
    const queue = new MailboxQueue(1024, 1 << 20, new PayloadCopier(), new WaitingBudget(1 << 30))
    const chunk = new Uint8Array(65_536)
    const put = (): RoutedMessage => {
      const put = message(chunk.subarray(100, 200))
      queue.push(put)
      return put
    }
    const isPinned = (one: RoutedMessage): boolean => one.payload.buffer === chunk.buffer
    const turns = (count: number): void => {
      for (let i = 0; i < count; i++) queue.age()
    }
    const first = put()
    turns(4)
    const second = put()
    turns(3)
    expect([first, second].map(isPinned)).toEqual([true, true])
    turns(1)
    expect([first, second].map(isPinned)).toEqual([false, true])
    queue.shift()
    const third = put()
    turns(4)
    expect([second, third].map(isPinned)).toEqual([false, true])
    queue.compact()
    expect(isPinned(third)).toBe(false)
    expect(third.isExclusive).toBe(true)
  })

  test('counts shared memory once, and as long as the last message that is a part of it waits', () => {
    const queue = new MailboxQueue(1024, 1 << 20, new PayloadCopier(), new WaitingBudget(1 << 30))
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

  test('is held on to by nobody once it waits no longer, however many memories there were', () => {
    const shared = new SharedMemory()
    const messages = Array.from({ length: 20 }, () => message(new Uint8Array(100)))
    for (const one of messages) expect(shared.take(one.payload.buffer, one)).toBeUndefined()
    expect(shared.size).toBe(8)
    for (const one of messages) shared.leave(one)
    expect(shared.size).toBe(0)
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
        const queue = new MailboxQueue(1024, 1 << 20, new PayloadCopier(), new WaitingBudget(1 << 30))
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
