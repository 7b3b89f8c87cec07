/** What may wait in all mailboxes together, and that nobody waits for somebody else because of it. */
import { dropPressure, type Pressure, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { MESSAGE_BYTES } from '../src/waiting-budget.ts'
import { gate } from './fixture/gate.ts'
import { RecordingDiagnostics } from './fixture/recording-diagnostics.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved, settled, turn } from './fixture/settle.ts'

const KIB = 1024
const never = (): Promise<void> => new Promise(() => {})

describe('bytes waiting in all mailboxes', () => {
  test('are counted with their messages, and are none again when all is handled, dropped or given up', async () => {
    const router = createRouter()
    const { handle, open } = gate()
    router.startWorker('slow', handle, { from: 'local' })
    for (let i = 0; i < 10; i++) dropPressure(router.context.send('slow', new Uint8Array(100)))
    expect(router.statistics().waitingBytes).toBe(10 * (100 + MESSAGE_BYTES))
    for (let i = 0; i < 10; i++) {
      await turn()
      open(1)
    }
    await settled(router)
    expect(router.statistics().waitingBytes).toBe(0)

    const stuck = router.startWorker('stuck', never, { from: 'local' })
    const batches = router.startWorker('batches', { handleBatch: never }, { from: 'local' })
    const mailbox = router.createMailbox('untaken', { from: 'local' })
    for (const name of ['stuck', 'batches', 'untaken'])
      for (let i = 0; i < 10; i++) dropPressure(router.context.send(name, new Uint8Array(5000)))
    await turn()
    expect(router.statistics().waitingBytes).toBe(30 * (5000 + MESSAGE_BYTES))
    // Their handlers never come to an end: what they have in hand must not count for ever.
    await Promise.all([stuck.close({ timeoutMs: 1 }), batches.close({ timeoutMs: 1 }), mailbox.close()])
    expect(router.statistics().waitingBytes).toBe(0)
  })

  test('are not counted twice when a handler comes to its end after its worker was stopped', async () => {
    const router = createRouter()
    const { handle, open } = gate()
    const worker = router.startWorker('late', handle, { from: 'local' })
    for (let i = 0; i < 3; i++) dropPressure(router.context.send('late', new Uint8Array(5000)))
    await turn()
    await worker.close({ timeoutMs: 1 })
    open(1)
    await turn()
    expect(router.statistics().waitingBytes).toBe(0)
  })

  test('make mailboxes full at an equal share once half of the budget is used, and let their senders go on when they are half empty', async () => {
    // The router has a mailbox of its own: with the four here the shares are 6400 bytes.
    const router = createRouter({ maxWaitingBytes: 64_000 })
    const { handle, open } = gate()
    router.startWorker('hog', never, { from: 'local' })
    router.startWorker('slow', handle, { from: 'local' })
    router.startWorker('quick', () => undefined, { from: 'local' })
    router.startWorker('choosy', never, { from: 'local', overflow: 'drop' })
    const send = (name: string): Pressure => router.context.send(name, new Uint8Array(2000))
    expect(send('slow')).toBeUndefined()
    expect(send('choosy')).toBeUndefined()
    for (let i = 0; i < 11; i++) expect(send('hog')).toBeUndefined()
    // 13 messages of 2256 bytes are 29 328; the next one passes the half.
    expect(send('slow')).toBeUndefined()
    const pressure = send('slow') as Promise<void>
    expect(pressure).toBeInstanceOf(Promise)
    expect(send('hog')).toBeInstanceOf(Promise)
    for (let i = 0; i < 5; i++) expect(send('choosy')).toBeUndefined()
    expect(router.statistics().dropped).toEqual({ 'mailbox-full': 3 })
    // Who has nothing waiting is held up by none of it.
    for (let i = 0; i < 20; i++) {
      expect(send('quick')).toBeUndefined()
      await turn()
    }
    open(1)
    expect(await isResolved(pressure)).toBe(false)
    open(1)
    expect(await isResolved(pressure)).toBe(true)
    expect(router.statistics().waitingBytes).toBeGreaterThan(32_000)
  })

  test('stay below the limit and the shares, whatever comes from outside; small messages to others still arrive', async () => {
    const diagnostics = new RecordingDiagnostics()
    const transport = new ScriptedTransport()
    const maxWaitingBytes = 4096 * KIB
    const router = createRouter({ transports: [transport], maxWaitingBytes, diagnostics })
    await router.listen('/script/here')
    let served = 0
    router.startWorker('service', () => void served++, { from: 'anyone' })
    let most = 0
    for (let i = 0; i < 50; i++) router.startWorker(`stuck${i}`, never, { from: 'anyone' })
    for (let i = 0; i < 50; i++) {
      // Each a first message of a new sender to an empty mailbox, which alone would always be taken.
      dropPressure(transport.arrive(transport.accept()!, `stuck${i}`, 'me', new Uint8Array(1024 * KIB)))
      dropPressure(transport.arrive(transport.accept()!, 'service', 'me', new Uint8Array(100)))
      most = Math.max(most, router.statistics().waitingBytes)
      await turn()
    }
    expect(most).toBeGreaterThan(maxWaitingBytes)
    expect(most).toBeLessThan(maxWaitingBytes + 1024 * KIB + 10_000)
    expect(served).toBe(50)
    expect(router.statistics().dropped).toEqual({ 'node-full': 46 })
    expect(diagnostics.named('routing/message-dropped')[0]).toMatchObject({ reason: 'node-full' })
  })

  test('are no reason to refuse what this node’s own workers send', () => {
    const router = createRouter({ maxWaitingBytes: 1000 })
    router.startWorker('stuck', never, { from: 'local' })
    router.startWorker('other', never, { from: 'local' })
    expect(router.context.send('stuck', new Uint8Array(5000))).toBeInstanceOf(Promise)
    expect(router.context.send('other', new Uint8Array(5000))).toBeInstanceOf(Promise)
    expect(router.statistics().dropped).toEqual({})
  })

  test('never make workers wait for each other in a ring, with a budget smaller than one message', async () => {
    const router = createRouter({ maxWaitingBytes: 1 })
    const arrived: number[] = []
    for (let i = 0; i < 10; i++) {
      const next = Route.of(i === 9 ? 'end' : `step${i + 1}`)
      router.startWorker(`step${i}`, (message, context) => context.forward(message, next), { from: 'local' })
    }
    router.startWorker('end', (message) => void arrived.push(message.payload[0] as number), { from: 'local' })
    const stuck = router.startWorker('stuck', never, { from: 'local' })
    dropPressure(router.context.send('stuck', new Uint8Array(KIB)))
    await Promise.all(
      Array.from({ length: 20 }, async (_, sender) => {
        const mailbox = router.createMailbox()
        for (let i = 0; i < 20; i++) await mailbox.send(`step${i % 10}`, new Uint8Array(KIB).fill(sender))
      }),
    )
    await stuck.close({ timeoutMs: 1 })
    await settled(router)
    expect(arrived).toHaveLength(400)
    expect(router.statistics()).toMatchObject({ dropped: {}, waitingBytes: 0 })
  })

  test('have a limit that is a whole number above 0', () => {
    for (const maxWaitingBytes of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => createRouter({ maxWaitingBytes })).toThrow(expect.objectContaining({ code: 'routing/invalid-argument' }))
  })
})
