/** Answers: they go back as they should, and nobody is ever waited for. */
import { dropPressure, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { bytes, text } from './fixture/bytes.ts'
import { gate } from './fixture/gate.ts'
import { ManualClock } from './fixture/manual-clock.ts'
import { RecordingDiagnostics } from './fixture/recording-diagnostics.ts'
import { type ScriptedConnection, ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved, settled, turn } from './fixture/settle.ts'

const one = new Uint8Array(1)

async function service(diagnostics = new RecordingDiagnostics()) {
  const transport = new ScriptedTransport()
  const router = createRouter({ transports: [transport], diagnostics, clock: new ManualClock() })
  let handled = 0
  router.startWorker(
    'mirror',
    (message, context) => {
      handled++
      context.reply(message, message.payload)
    },
    { from: 'anyone' },
  )
  await router.listen('/script/here')
  const asker = (): ScriptedConnection => transport.accept()!
  const ask = async (connection: ScriptedConnection, times: number, payload = one): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await transport.arrive(connection, 'mirror', 'me', payload)
      if (i % 100 === 0) await turn()
    }
    await turn()
  }
  return { router, transport, diagnostics, asker, ask, handled: () => handled }
}

describe('a reply', () => {
  test('goes along the return route, has the worker as its return route, and counts as a forward', async () => {
    const router = createRouter()
    router.startWorker('mirror', (message, context) => context.reply(message, bytes('answer')), { from: 'local' })
    const inbox = router.createMailbox('inbox', { from: 'local' })
    dropPressure(inbox.send('mirror', bytes('question')))
    const { payload, onwardRoute, returnRoute, forwards, origin, localInfo } = await inbox.receive()
    expect(text(payload)).toBe('answer')
    expect([String(onwardRoute), String(returnRoute)]).toEqual([String(Route.of('inbox')), String(Route.of('mirror'))])
    expect([forwards, origin, localInfo]).toEqual([1, undefined, []])
  })

  test('names another return route when it is told to, and is sent by a mailbox too', async () => {
    const router = createRouter()
    const service = router.createMailbox('service', { from: 'local' })
    const inbox = router.createMailbox('inbox', { from: 'local' })
    dropPressure(inbox.send('service', one))
    service.reply(await service.receive(), bytes('see there'), Route.of('there'))
    expect(String((await inbox.receive()).returnRoute)).toBe(String(Route.of('there')))
  })

  test('is wanted by nobody without a return route, and is dropped and counted where it would be answered or nobody is there', async () => {
    const { router, transport, diagnostics, asker } = await service()
    const connection = asker()
    const askFrom = (back: Route): void =>
      dropPressure(router.context.dispatch({ onwardRoute: Route.of('mirror'), returnRoute: back, payload: one }))
    askFrom(Route.empty)
    for (const name of ['gone', 'mirror', 'echo', 'uppercase']) askFrom(Route.of(name))
    for (const name of ['mirror', 'echo']) dropPressure(transport.arrive(connection, 'mirror', name))
    await settled(router)
    expect(connection.sent).toEqual([])
    expect(router.statistics().dropped).toEqual({ 'nobody-there': 1, 'goes-to-a-service': 5 })
    expect(diagnostics.named('routing/worker-failed')).toEqual([])
    expect(diagnostics.named('routing/message-dropped').map(({ reason }) => reason)).toEqual(['nobody-there', 'goes-to-a-service'])
  })

  test('is refused to a worker that has stopped', async () => {
    const router = createRouter()
    let late: (() => void) | undefined
    const worker = router.startWorker('mirror', (message, context) => void (late = () => context.reply(message, one)), { from: 'local' })
    dropPressure(router.createMailbox('inbox').send('mirror', one))
    await settled(router)
    await worker.close()
    expect(late).toThrow(expect.objectContaining({ code: 'routing/stopped' }))
  })
})

describe('an asker who does not read', () => {
  test('loses answers, which are counted; the service handles what all others ask and loses no answer of theirs', async () => {
    const { router, diagnostics, asker, ask, handled } = await service()
    const [silent, honest] = [asker(), asker()]
    silent.pressure = new Promise(() => {})
    await ask(silent, 5000)
    await ask(honest, 5000)
    await turn()
    expect(handled()).toBe(10_000)
    expect(honest.sent).toHaveLength(5000)
    // The mailbox in front of the transport is full, and has a quarter more of answers; nothing else is kept.
    const { waitingMessages, dropped } = router.statistics()
    expect(waitingMessages).toBe(1280)
    expect(dropped).toEqual({ 'nobody-reads': 5000 - waitingMessages })
    expect(diagnostics.named('routing/message-dropped')).toMatchObject([{ reason: 'nobody-reads', count: 1, from: '0#mirror' }])
  })

  test('gets answers again once he has read half of what waits for him', async () => {
    const { router, asker, ask } = await service()
    const slow = asker()
    let read: () => void = () => undefined
    slow.pressure = new Promise((resolve) => {
      read = resolve
    })
    await ask(slow, 3000)
    const before = router.statistics().dropped['nobody-reads'] as number
    expect(before).toBeGreaterThan(1000)
    slow.pressure = undefined
    read()
    await turn()
    await ask(slow, 100)
    await settled(router)
    expect(router.statistics().dropped['nobody-reads']).toBe(before)
    expect(slow.sent).toHaveLength(3100 - before)
  })

  test('keeps nobody waiting: answers do not fill up what drains while others wait for room', async () => {
    const { router } = await service()
    const { handle, open } = gate()
    router.startWorker('slow', handle, { from: 'local', maxMessages: 8 })
    for (let i = 0; i < 7; i++) dropPressure(router.context.send('slow', one))
    const pressure = router.context.send('slow', one) as Promise<void>
    expect(pressure).toBeInstanceOf(Promise)
    for (let i = 0; i < 6; i++) {
      expect(await isResolved(pressure)).toBe(false)
      open(1)
      for (let asked = 0; asked < 4; asked++) {
        dropPressure(router.context.dispatch({ onwardRoute: Route.of('mirror'), returnRoute: Route.of('slow'), payload: one }))
        await turn()
      }
    }
    expect(await isResolved(pressure)).toBe(true)
    expect(router.statistics().dropped['nobody-reads']).toBeGreaterThanOrEqual(18)
  })
})
