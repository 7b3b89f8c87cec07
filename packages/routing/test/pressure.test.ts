import { dropPressure, type LocalMessage, type Pressure } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { gate } from './fixture/gate.ts'
import { RecordingDiagnostics } from './fixture/recording-diagnostics.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved, settled, turn, until } from './fixture/settle.ts'

const one = new Uint8Array(1)

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
  test('is given out when the bound is reached, the same promise each time, and ends below half', async () => {
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

  test('leaves a worker that sends one message after the other as much of the room as somebody who sends in a loop', async () => {
    const router = createRouter()
    const from = { worker: 0, loop: 0 }
    const slow = async (message: LocalMessage): Promise<void> => {
      await turn()
      from[message.payload.length === 1 ? 'worker' : 'loop']++
    }
    router.startWorker('slow', slow, { from: 'local', maxMessages: 64 })
    router.startWorker('worker', (_, context) => context.send('slow', one), { from: 'local' })
    let isOver = false
    const feed = async (): Promise<void> => {
      while (!isOver) await router.createMailbox().send('worker', one)
    }
    const loop = async (): Promise<void> => {
      while (!isOver) await router.context.send('slow', new Uint8Array(2))
    }
    const sending = [feed(), loop()]
    await until(() => from.worker + from.loop >= 4000)
    isOver = true
    await Promise.all(sending)
    expect(from.worker).toBeGreaterThan(1200)
    expect(from.loop).toBeGreaterThan(1200)
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
