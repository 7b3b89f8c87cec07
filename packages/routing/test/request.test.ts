import { getEventListeners } from 'node:events'
import { dropPressure, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import type { NodeFlowControls } from '../src/flow-control.ts'
import { bytes, text } from './fixture/bytes.ts'
import { ManualClock } from './fixture/manual-clock.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { settled, turn, until } from './fixture/settle.ts'

/** A controller and how many listen to its signal. */
function countedSignal(): { readonly controller: AbortController; readonly listeners: () => number } {
  const controller = new AbortController()
  return { controller, listeners: () => getEventListeners(controller.signal, 'abort').length }
}

function consumersOf(router: ReturnType<typeof createRouter>): number {
  return (router.flowControls as NodeFlowControls).consumerCount
}

describe('a request', () => {
  test('over a connection is answered, and leaves nothing behind', async () => {
    const clock = new ManualClock()
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport], clock })
    const { address } = await router.connect('/script/a')
    const connection = transport.connections[0]!
    const { controller, listeners } = countedSignal()
    const before = router.statistics().workers
    const answer = router.context.request(Route.of(address, 'far'), bytes('question'), { signal: controller.signal })
    await until(() => connection.sent.length === 1)
    expect(consumersOf(router)).toBe(1)
    expect(listeners()).toBe(1)
    const { onward, back, payload } = connection.sent[0]!
    expect([onward, text(payload)]).toEqual(['0#far', 'question'])
    expect(back).toMatch(/^0#[0-9a-f]{32}$/)
    dropPressure(transport.arrive(connection, back.slice(2), 'far', bytes('answer')))
    expect(text((await answer).payload)).toBe('answer')
    expect(consumersOf(router)).toBe(0)
    expect(listeners()).toBe(0)
    expect(clock.pending).toBe(0)
    expect(router.statistics()).toMatchObject({ workers: before, waitingMessages: 0 })
  })

  test('takes no answer from another connection than the one it went through', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const { address } = await router.connect('/script/a')
    await router.connect('/script/other')
    const [connection, other] = transport.connections as [(typeof transport.connections)[0], (typeof transport.connections)[0]]
    const answer = router.context.request(Route.of(address, 'far'), bytes('q'))
    await until(() => connection.sent.length === 1)
    const back = connection.sent[0]!.back.slice(2)
    dropPressure(transport.arrive(other, back, 'far', bytes('forged')))
    await settled(router)
    dropPressure(transport.arrive(connection, back, 'far', bytes('genuine')))
    expect(text((await answer).payload)).toBe('genuine')
    expect(router.statistics().dropped).toEqual({ 'not-reachable': 1 })
  })

  test('takes the first answer only', async () => {
    const router = createRouter()
    router.startWorker(
      'twice',
      (message, context) => {
        dropPressure(context.send(message.returnRoute, bytes('first')))
        dropPressure(context.send(message.returnRoute, bytes('second')))
      },
      { from: 'local' },
    )
    const answer = await router.context.request('twice', bytes('q'))
    await settled(router)
    expect(text(answer.payload)).toBe('first')
    expect(router.statistics().dropped).toEqual({ 'mailbox-full': 1 })
  })

  test('that nobody answers ends in time, says what to look at, and leaves nothing behind', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    router.startWorker('silent', () => undefined, { from: 'local' })
    const before = router.statistics().workers
    const { controller, listeners } = countedSignal()
    const answer = router.context.request('silent', bytes('q'), { timeoutMs: 50, signal: controller.signal })
    clock.advance(49)
    expect(clock.pending).toBe(1)
    clock.advance(1)
    await expect(answer).rejects.toMatchObject({ code: 'routing/timeout', message: expect.stringContaining('0#silent within 50 ms') })
    expect([listeners(), clock.pending]).toEqual([0, 0])
    await settled(router)
    expect(router.statistics().workers).toBe(before)
  })

  test('waits 30 seconds unless told otherwise', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    router.startWorker('silent', () => undefined, { from: 'local' })
    const answer = router.context.request('silent', bytes('q'))
    clock.advance(29_999)
    expect(clock.pending).toBe(1)
    clock.advance(1)
    await expect(answer).rejects.toMatchObject({ code: 'routing/timeout' })
  })

  test('rejects with the reason of its signal, before and while it waits', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    router.startWorker('silent', () => undefined, { from: 'local' })
    const before = router.statistics().workers
    const { controller, listeners } = countedSignal()
    const answer = router.context.request('silent', bytes('q'), { signal: controller.signal })
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await expect(answer).rejects.toBe(reason)
    await expect(router.context.request('silent', bytes('q'), { signal: controller.signal })).rejects.toBe(reason)
    await settled(router)
    expect([listeners(), clock.pending, router.statistics().workers]).toEqual([0, 0, before])
  })

  test('that cannot be sent rejects at once and leaves nothing behind', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    const before = router.statistics().workers
    await expect(router.context.request('nobody', bytes('q'))).rejects.toMatchObject({ code: 'routing/unknown-address' })
    await expect(router.context.request(Route.empty, bytes('q'))).rejects.toMatchObject({ code: 'routing/invalid-route' })
    await expect(router.context.request('nobody', bytes('q'), { timeoutMs: 0 })).rejects.toMatchObject({ code: 'routing/invalid-argument' })
    expect([clock.pending, router.statistics().workers]).toEqual([0, before])
  })

  test('a thousand times leaves no worker, consumer or timer', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    router.startWorker('echo', (message, context) => context.send(message.returnRoute, message.payload), { from: 'local' })
    const before = router.statistics().workers
    for (let i = 0; i < 1000; i++) await router.context.request('echo', bytes('x'))
    await turn()
    expect([router.statistics().workers, consumersOf(router), clock.pending]).toEqual([before, 0, 0])
  })
})

describe('a mailbox', () => {
  test('gives its messages one by one, in order, whether they came before or after they were asked for', async () => {
    const router = createRouter()
    const mailbox = router.createMailbox('box', { from: 'local' })
    const early = [mailbox.receive(), mailbox.receive()]
    for (const word of ['a', 'b', 'c', 'd']) dropPressure(router.context.send('box', bytes(word)))
    const messages = [...(await Promise.all(early)), await mailbox.receive(), await mailbox.receive()]
    expect(messages.map(({ payload }) => text(payload))).toEqual(['a', 'b', 'c', 'd'])
  })

  test('is bounded like every worker and gives out pressure', async () => {
    const router = createRouter()
    const mailbox = router.createMailbox('box', { from: 'local', maxMessages: 2 })
    expect(router.context.send('box', bytes('a'))).toBeUndefined()
    const pressure = router.context.send('box', bytes('b'))
    await mailbox.receive()
    await pressure
  })

  test('times out, aborts, and loses no message by that', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    const mailbox = router.createMailbox('box', { from: 'local' })
    const late = mailbox.receive({ timeoutMs: 10 })
    clock.advance(10)
    await expect(late).rejects.toMatchObject({ code: 'routing/timeout' })
    const controller = new AbortController()
    const aborted = mailbox.receive({ signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    dropPressure(router.context.send('box', bytes('kept')))
    expect(text((await mailbox.receive()).payload)).toBe('kept')
    expect(clock.pending).toBe(0)
  })

  test('refuses those who wait when it is closed, and frees its address', async () => {
    const router = createRouter()
    const mailbox = router.createMailbox('box', { from: 'local' })
    const waiting = mailbox.receive()
    const closing = mailbox.close()
    await expect(waiting).rejects.toMatchObject({ code: 'routing/stopped' })
    await closing
    await expect(mailbox.receive()).rejects.toMatchObject({ code: 'routing/stopped' })
    router.createMailbox('box')
  })

  test('closes also with messages in it, which are counted', async () => {
    const router = createRouter()
    const mailbox = router.createMailbox('box', { from: 'local' })
    for (let i = 0; i < 5; i++) dropPressure(router.context.send('box', bytes('x')))
    await turn()
    await mailbox.close()
    expect(router.statistics().dropped).toEqual({ stopped: 4 })
  })

  test('sends, forwards, dispatches and asks in its own name', async () => {
    const router = createRouter()
    const a = router.createMailbox('a', { from: 'local' })
    const b = router.createMailbox('b', { from: 'local' })
    dropPressure(a.send('b', bytes('1')))
    const first = await b.receive()
    dropPressure(b.forward(first, Route.of('a')))
    const second = await a.receive()
    expect([second.source.toString(), second.returnRoute.toString()]).toEqual(['0#b', '0#a'])
    dropPressure(a.dispatch({ onwardRoute: Route.of('b'), returnRoute: Route.empty, payload: bytes('2') }))
    expect((await b.receive()).returnRoute.isEmpty).toBe(true)
    const answer = a.request('b', bytes('3'))
    const question = await b.receive()
    dropPressure(b.send(question.returnRoute, bytes('4')))
    expect(text((await answer).payload)).toBe('4')
  })
})
