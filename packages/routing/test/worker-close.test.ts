import { dropPressure, type WorkerHandle } from '@ockam/core'
import { createRouter, startRelayService } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { ManualClock } from './fixture/manual-clock.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved, turn, until } from './fixture/settle.ts'

const one = new Uint8Array(1)

describe('closing a worker', () => {
  test('does not hang behind a handler that never ends: after its time it stops by force, and what waits is counted', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    const stuck = router.startWorker('stuck', () => new Promise(() => {}), { from: 'local' })
    for (let i = 0; i < 3; i++) dropPressure(router.context.send('stuck', one))
    await turn()
    const closing = stuck.close({ timeoutMs: 100 })
    clock.advance(99)
    expect(await isResolved(closing)).toBe(false)
    clock.advance(1)
    await closing
    await stuck.stopped
    expect(router.statistics().dropped).toEqual({ stopped: 2 })
    expect(clock.pending).toBe(0)
  })

  test('waits 5 seconds unless it is told otherwise, and for ever when it is told so', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    const [hasty, patient] = ['hasty', 'patient'].map((name) => {
      const handle = router.startWorker(name, () => new Promise(() => {}), { from: 'local' })
      dropPressure(router.context.send(name, one))
      return handle
    }) as [WorkerHandle, WorkerHandle]
    await turn()
    const closing = [hasty.close(), patient.close({ timeoutMs: Number.POSITIVE_INFINITY })] as const
    clock.advance(4999)
    expect(await isResolved(closing[0])).toBe(false)
    clock.advance(1)
    await closing[0]
    await turn()
    expect(clock.pending).toBe(0)
    clock.advance(1_000_000)
    expect(await isResolved(closing[1])).toBe(false)
    const more = patient.close({ timeoutMs: 1 })
    clock.advance(1)
    await Promise.all([more, closing[1]])
  })

  test('does not hang behind stop() either', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    const handle = router.startWorker('stuck', { handleMessage: () => undefined, stop: () => new Promise(() => {}) })
    const closing = handle.close()
    await turn()
    expect(await isResolved(closing)).toBe(false)
    clock.advance(5000)
    await closing
  })

  test('ends at once when its signal aborts, and rejects with the reason', async () => {
    const router = createRouter()
    const stuck = router.startWorker('stuck', () => new Promise(() => {}), { from: 'local' })
    dropPressure(router.context.send('stuck', one))
    await turn()
    const controller = new AbortController()
    const closing = stuck.close({ signal: controller.signal })
    const reason = new Error('now')
    controller.abort(reason)
    await expect(closing).rejects.toBe(reason)
    await stuck.stopped
  })

  test('refuses a time that is none, and then closes nothing', async () => {
    const router = createRouter()
    let handled = 0
    const handle = router.startWorker('x', () => void handled++, { from: 'local' })
    await expect(handle.close({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'routing/invalid-argument' })
    await router.context.send('x', one)
    await until(() => handled === 1)
  })

  test.each(['handleMessage', 'handleBatch', 'start', 'stop'] as const)(
    'does not deadlock when the worker awaits it in its own %s',
    async (phase) => {
      const clock = new ManualClock()
      const router = createRouter({ clock })
      const log: string[] = []
      const close = async (): Promise<void> => {
        await handle.close()
        log.push(phase)
      }
      const worker = { handleMessage: () => undefined, [phase]: close }
      const handle = router.startWorker('self-closing', worker, { from: 'local' })
      dropPressure(router.context.send('self-closing', one))
      if (phase === 'stop') dropPressure(handle.close())
      await handle.stopped
      await turn()
      // No clock was moved: nothing ended by force.
      expect(log).toEqual([phase])
      expect(router.statistics().workers).toBe(1)
      expect(clock.pending).toBe(0)
    },
  )

  test('ends after its time when the worker awaits it later in its own handler', async () => {
    const clock = new ManualClock()
    const router = createRouter({ clock })
    let isOver = false
    const handle = router.startWorker(
      'self-closing',
      async () => {
        await turn()
        await handle.close()
        isOver = true
      },
      { from: 'local' },
    )
    dropPressure(router.context.send('self-closing', one))
    await until(() => clock.pending === 1)
    clock.advance(5000)
    await handle.stopped
    await until(() => isOver)
  })
})

test('Everything long-lived is closed by asyncDispose.', async () => {
  const transport = new ScriptedTransport()
  const router = createRouter({ transports: [transport] })
  const connection = await router.connect('/script/a')
  const listener = await router.listen('/script/here')
  const worker = router.startWorker('worker', () => undefined)
  const mailbox = router.createMailbox('box')
  const service = startRelayService(router)
  for (const one of [connection, listener, worker, mailbox, service]) await one[Symbol.asyncDispose]()
  await Promise.all([worker.stopped, connection.closed, transport.listeners[0]?.closed])
  await expect(mailbox.receive()).rejects.toMatchObject({ code: 'routing/stopped' })
  expect(router.statistics()).toMatchObject({ workers: 1, connections: 0 })
  await router[Symbol.asyncDispose]()
  expect(router.statistics().workers).toBe(0)
})
