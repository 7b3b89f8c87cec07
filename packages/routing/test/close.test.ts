import { dropPressure, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { bytes } from './fixture/bytes.ts'
import { ManualClock } from './fixture/manual-clock.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved, turn, until } from './fixture/settle.ts'

const one = new Uint8Array(1)

describe('closing a router', () => {
  test('drains: what waits is handled, answers leave, and only then workers, channels and transports stop', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const { address } = await router.connect('/script/a')
    const log: string[] = []
    const channel = router.flowControls.createProducer('channel')
    const encryptor = router.startWorker(
      'encryptor',
      {
        handleMessage: (message, context) =>
          context.dispatch({ onwardRoute: Route.of(address, 'far'), returnRoute: Route.empty, payload: message.payload }),
        stop: () => void log.push('channel stopped'),
      },
      { from: 'local', producer: channel },
    )
    router.startWorker(
      'service',
      {
        async handleMessage(message, context) {
          await turn()
          await context.send([encryptor.address], message.payload)
        },
        stop(context) {
          log.push('service stopped')
          return context.send([encryptor.address], bytes('goodbye'))
        },
      },
      { from: 'anyone' },
    )
    const connection = transport.connections[0]!
    for (let i = 0; i < 10; i++) dropPressure(transport.arrive(connection, 'service', 'me', new Uint8Array([i])))
    await router.close()
    expect(connection.sent.map(({ payload }) => payload[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, bytes('g')[0]])
    expect(log).toEqual(['service stopped', 'channel stopped'])
    expect([connection.isClosing, transport.isClosed]).toEqual([true, true])
    expect(router.statistics()).toMatchObject({ workers: 0, connections: 0, waitingMessages: 0 })
    expect(router.statistics().dropped).toEqual({})
  })

  test('takes nothing more from outside meanwhile, and stops listening', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    await router.connect('/script/a')
    const listener = await router.listen('/script/here')
    router.startWorker('open', () => expect.unreachable('it was delivered'), { from: 'anyone' })
    const closing = router.close()
    dropPressure(transport.arrive(transport.connections[0]!, 'open', 'me'))
    expect(transport.accept()).toBeUndefined()
    await closing
    await transport.listeners[0]!.closed
    expect(listener.flowControlId).toMatch(/^[0-9a-f]{32}$/)
    expect(router.statistics().dropped).toEqual({ stopped: 1 })
  })

  test('gives up on a worker that never finishes, after the time it was given', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    let hasStopped = false
    const stuck = router.startWorker(
      'stuck',
      { handleMessage: () => new Promise(() => {}), stop: () => void (hasStopped = true) },
      { from: 'local' },
    )
    for (let i = 0; i < 5; i++) dropPressure(router.context.send('stuck', one))
    await turn()
    const closing = router.close()
    expect(await isResolved(closing)).toBe(false)
    clock.advance(4999)
    expect(await isResolved(closing)).toBe(false)
    clock.advance(1)
    await closing
    await stuck.stopped
    expect(hasStopped).toBe(true)
    expect(router.statistics()).toMatchObject({ workers: 0, dropped: { stopped: 4 } })
    expect(clock.pending).toBe(0)
  })

  test('hurries when its signal aborts, and rejects with the reason', async () => {
    const router = createRouter()
    router.startWorker('stuck', () => new Promise(() => {}), { from: 'local' })
    dropPressure(router.context.send('stuck', one))
    await turn()
    const controller = new AbortController()
    const closing = router.close({ signal: controller.signal })
    const reason = new Error('now')
    controller.abort(reason)
    await expect(closing).rejects.toBe(reason)
    expect(router.statistics().workers).toBe(0)
  })

  test('refuses a time that is none, and can be closed all the same', async () => {
    const router = createRouter()
    for (const timeoutMs of [-1, 0, Number.NaN, '5' as never]) {
      await expect(router.close({ timeoutMs })).rejects.toMatchObject({ code: 'routing/invalid-argument' })
    }
    router.startWorker('still open', () => undefined)
    await router.close()
    expect(router.statistics().workers).toBe(0)
  })

  test('takes as long as it was given, also where that is more than usual', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    const stuck = router.startWorker('stuck', { handleMessage: () => undefined, stop: () => new Promise(() => {}) })
    await turn()
    const closing = router.close({ timeoutMs: 60_000 })
    await turn()
    clock.advance(59_999)
    expect(await isResolved(stuck.stopped)).toBe(false)
    clock.advance(1)
    await closing
  })

  test('hurries for whoever closes it again with less time, and forgets an abort of somebody else', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    router.startWorker('stuck', () => new Promise(() => {}), { from: 'local' })
    dropPressure(router.context.send('stuck', one))
    await turn()
    const patient = router.close({ timeoutMs: Number.POSITIVE_INFINITY })
    clock.advance(1_000_000)
    expect(await isResolved(patient)).toBe(false)
    const reason = new Error('now')
    await expect(router.close({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await patient
    await router.close()
    expect(clock.pending).toBe(0)
  })

  test('tells requests and mailboxes that wait', async () => {
    const router = createRouter()
    router.startWorker('silent', () => undefined, { from: 'local' })
    const request = router.context.request('silent', one)
    const mailbox = router.createMailbox('box', { from: 'local' })
    const receiving = mailbox.receive()
    const full = router.createMailbox('full', { from: 'local' })
    dropPressure(router.context.send('full', one))
    await turn()
    const closing = router.close()
    await expect(request).rejects.toMatchObject({ code: 'routing/stopped' })
    await expect(receiving).rejects.toMatchObject({ code: 'routing/stopped' })
    await closing
    await expect(full.receive()).rejects.toMatchObject({ code: 'routing/stopped' })
  })

  test('ends everything: whatever is asked afterwards is refused', async () => {
    const router = createRouter({ transports: [new ScriptedTransport()] })
    await router.close()
    await router.close()
    const refused = expect.objectContaining({ code: 'routing/stopped' })
    expect(() => router.startWorker('x', () => undefined)).toThrow(refused)
    expect(() => router.createMailbox()).toThrow(refused)
    expect(() => router.context.send('x', one)).toThrow(refused)
    expect(() => router.addTransport(new ScriptedTransport())).toThrow(refused)
    await expect(router.connect('/script/a')).rejects.toEqual(refused)
    await expect(router.listen('/script/a')).rejects.toEqual(refused)
    await expect(router.resolve('/service/a')).rejects.toEqual(refused)
    await expect(router.context.request('x', one)).rejects.toEqual(refused)
  })

  test('closes a connection whose dialling ends only now', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    let goOn: (() => void) | undefined
    transport.onDial = () =>
      new Promise((resolve) => {
        goOn = resolve
      })
    const dialling = router.connect('/script/a')
    await until(() => goOn !== undefined)
    const closing = router.close()
    goOn?.()
    await expect(dialling).rejects.toMatchObject({ code: 'routing/stopped' })
    await closing
    expect(transport.connections[0]?.isClosing).toBe(true)
  })

  test('is what asyncDispose does', async () => {
    const router = createRouter()
    await router[Symbol.asyncDispose]()
    expect(router.statistics().workers).toBe(0)
  })
})
