import { dropPressure, MultiAddr, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import type { NodeFlowControls } from '../src/flow-control.ts'
import { bytes } from './fixture/bytes.ts'
import { RecordingDiagnostics } from './fixture/recording-diagnostics.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved, settled, turn, until } from './fixture/settle.ts'

const one = new Uint8Array(1)

describe('a connection', () => {
  test('is an address: what is sent there leaves with that hop taken off, all that waits in one batch, in order', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const handle = await router.connect('/script/a')
    expect(handle.address.toString()).toMatch(/^0#[0-9a-f]{32}$/)
    expect(handle.remote).toBe('/script/a')
    for (const name of ['x', 'y', 'z']) dropPressure(router.context.send([handle.address, name], bytes(name)))
    const connection = transport.connections[0]!
    await until(() => connection.sent.length === 3)
    expect(connection.sent.map(({ onward }) => onward)).toEqual(['0#x', '0#y', '0#z'])
    expect(connection.sent[0]?.back).toBe(router.context.address.toString())
    expect(connection.batches).toEqual([3])
  })

  test('without batches is sent to one by one, and one message that cannot be sent does not keep back the others', async () => {
    const diagnostics = new RecordingDiagnostics()
    const transport = new ScriptedTransport()
    transport.onDial = (connection) => {
      const { sent } = connection
      Object.assign(connection, {
        sendBatch: undefined,
        send: (message: { onwardRoute: Route }) => {
          if (message.onwardRoute.toString() === '0#large') throw new Error('too large')
          sent.push({ onward: message.onwardRoute.toString(), back: '', payload: one })
        },
      })
    }
    const router = createRouter({ transports: [transport], diagnostics })
    const { address } = await router.connect('/script/a')
    for (const name of ['x', 'large', 'z']) dropPressure(router.context.send([address, name], one))
    await settled(router)
    expect(transport.connections[0]?.sent.map(({ onward }) => onward)).toEqual(['0#x', '0#z'])
    expect(diagnostics.named('routing/worker-failed')).toMatchObject([{ phase: 'message', error: 'Error' }])
  })

  test('holds back its mailbox while the transport is under pressure', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const { address } = await router.connect('/script/a')
    const connection = transport.connections[0]!
    let relieve: (() => void) | undefined
    connection.pressure = new Promise((resolve) => {
      relieve = resolve
    })
    dropPressure(router.context.send([address, 'x'], one))
    await turn()
    dropPressure(router.context.send([address, 'y'], one))
    await turn()
    expect(connection.sent.length).toBe(1)
    connection.pressure = undefined
    relieve?.()
    await until(() => connection.sent.length === 2)
  })

  test('puts its address in front of the return route of what arrives', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const { address } = await router.connect('/script/a')
    const mailbox = router.createMailbox('box', { from: 'anyone' })
    dropPressure(transport.arrive(transport.connections[0]!, 'box', 'a b'))
    dropPressure(transport.arrive(transport.connections[0]!, 'box', ''))
    expect((await mailbox.receive()).returnRoute.toString()).toBe(`${address.toString()} => 0#a => 0#b`)
    expect((await mailbox.receive()).returnRoute.toString()).toBe(address.toString())
  })

  test('that ends takes everything of its own along: address, producer, rights, waiting messages, pressure', async () => {
    const transport = new ScriptedTransport()
    const diagnostics = new RecordingDiagnostics()
    const router = createRouter({ transports: [transport], diagnostics })
    const handle = await router.connect('/script/a')
    const connection = transport.connections[0]!
    connection.pressure = new Promise(() => {})
    const worker = router.startWorker('w', () => undefined, { from: 'local' })
    router.flowControls.addConsumer(worker.address, handle.producer.flowControlId)
    let ended = 0
    router.flowControls.onEnd(handle.producer, () => void ended++)
    const calledOff = router.flowControls.onEnd(handle.producer, () => void ended++)
    calledOff()
    dropPressure(router.context.send([handle.address, 'x'], one))
    await turn()
    let pressure: Promise<void> | undefined
    while (pressure === undefined) pressure = router.context.send([handle.address, 'x'], one)
    connection.cut('peer')
    await pressure
    expect(await handle.closed).toBe('peer')
    expect(router.flowControls.producerAt(handle.address)).toBeUndefined()
    expect((router.flowControls as NodeFlowControls).consumerCount).toBe(0)
    expect(router.statistics()).toMatchObject({ connections: 0, dropped: { 'connection-closed': 1023 } })
    expect(() => router.context.send([handle.address, 'x'], one)).toThrow(expect.objectContaining({ code: 'routing/unknown-address' }))
    await turn()
    expect(ended).toBe(1)
    // Asked for afterwards, the task is called soon.
    router.flowControls.onEnd(handle.producer, () => void ended++)
    await turn()
    expect(ended).toBe(2)
    expect(diagnostics.named('routing/connection-closed')).toMatchObject([{ remote: '/script/a', reason: 'peer' }])
  })

  test('closed here sends what was accepted before it closes', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const handle = await router.connect('/script/a')
    const connection = transport.connections[0]!
    dropPressure(router.context.send([handle.address, 'x'], one))
    await handle.close()
    expect(connection.sent.length).toBe(1)
    expect(connection.isClosing).toBe(true)
    expect(await handle.closed).toBe('local')
  })

  test('may deliver before its connect has resolved; it is then open as its dialler wished', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const mailbox = router.createMailbox('box', { from: 'anyone' })
    transport.onDial = async (connection) => {
      dropPressure(transport.arrive(connection, 'box', 'early'))
      await turn()
    }
    const handle = await router.connect('/script/a', { from: 'anyone' })
    expect((await mailbox.receive()).returnRoute.toString()).toBe(`${handle.address.toString()} => 0#early`)
    expect(router.statistics().connections).toBe(1)
    transport.onDial = undefined
    await router.connect('/script/b')
    dropPressure(transport.arrive(transport.connections[1]!, `${handle.address.name} far`, 'me'))
    await settled(router)
    expect(transport.connections[0]?.sent.length).toBe(1)
  })

  test('that nobody dialled and no listener announced delivers nothing', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    router.startWorker('box', () => expect.unreachable('it was delivered'), { from: 'anyone' })
    await router.connect('/script/a')
    const stranger = Object.assign(Object.create(transport.connections[0]!), { remote: '/script/stranger' })
    dropPressure(transport.arrive(stranger, 'box', 'me'))
    await settled(router)
    expect(router.statistics()).toMatchObject({ connections: 1, dropped: { 'connection-closed': 1 } })
  })
})

describe('a listener', () => {
  test('is a spawner: its connections are known under its id', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const listener = await router.listen('/script/here')
    const other = await router.listen('/script/there')
    const mailbox = router.createMailbox('box', { from: [listener] })
    dropPressure(transport.arrive(transport.accept()!, 'box', 'me', bytes('other')))
    await settled(router)
    expect(router.statistics().dropped).toEqual({ 'not-reachable': 1 })
    router.flowControls.addConsumer(mailbox.address, other.flowControlId)
    dropPressure(transport.arrive(transport.connections[0]!, 'box', 'me'))
    const message = await mailbox.receive()
    expect(message.origin).toMatchObject({ kind: 'transport', spawnerId: other.flowControlId })
  })

  test('keeps the rights tied to it until it and the last of its connections are gone', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    const listener = await router.listen('/script/here')
    const connection = transport.accept()!
    const mailbox = router.createMailbox('box', { from: 'local' })
    router.flowControls.addConsumer(mailbox.address, listener.flowControlId)
    await listener.close()
    dropPressure(transport.arrive(connection, 'box', 'me'))
    await mailbox.receive()
    connection.cut('peer')
    await turn()
    expect((router.flowControls as NodeFlowControls).consumerCount).toBe(0)
  })

  test('is refused connections over the limit of the node, also those that deliver nevertheless', async () => {
    const diagnostics = new RecordingDiagnostics()
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport], maxConnections: 2, diagnostics })
    await router.listen('/script/here')
    const first = transport.accept()
    transport.accept()
    expect(transport.accept()).toBeUndefined()
    await expect(router.connect('/script/a')).rejects.toMatchObject({ code: 'routing/too-many-connections' })
    expect(diagnostics.named('routing/connection-refused')).toMatchObject([{ reason: 'too-many-connections' }])
    first?.cut('peer')
    await turn()
    expect(transport.accept()).toBeDefined()
  })

  test('has an address that was really bound', async () => {
    const router = createRouter({ transports: [new ScriptedTransport()] })
    const listener = await router.listen('/script/here')
    expect(MultiAddr.is(listener.address)).toBe(true)
    expect(listener.address.toString()).toBe('/script/here')
    await expect(router.listen('/ip4/127.0.0.1/tcp/0')).rejects.toMatchObject({ code: 'routing/unresolvable' })
    await expect(router.listen('/quic/1')).rejects.toMatchObject({ code: 'core/invalid-multiaddr' })
  })
})

describe('rights', () => {
  test('end with their address and by removal', async () => {
    const router = createRouter()
    const producer = router.flowControls.createProducer('transport')
    const worker = router.startWorker('w', () => undefined, { aliases: ['alias'] })
    const alias = Route.of('alias').next!
    for (const address of [worker.address, alias]) router.flowControls.addConsumer(address, producer.flowControlId)
    expect(router.flowControls.isConsumer(alias, producer)).toBe(true)
    router.flowControls.removeConsumer(alias, producer.flowControlId)
    expect(router.flowControls.isConsumer(alias, producer)).toBe(false)
    expect(router.flowControls.isConsumer(worker.address, producer)).toBe(true)
    await worker.close()
    expect(router.flowControls.isConsumer(worker.address, producer)).toBe(false)
    expect((router.flowControls as NodeFlowControls).consumerCount).toBe(0)
  })

  test('of ids nobody can guess: 32 hexadecimal digits, fresh each time', () => {
    const { flowControls } = createRouter()
    const ids = new Set(Array.from({ length: 100 }, () => flowControls.createId()))
    expect(ids.size).toBe(100)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
  })

  test('of a producer last until the last worker that stands for it is gone', async () => {
    const router = createRouter()
    const producer = router.flowControls.createProducer('channel')
    let hasEnded = false
    router.flowControls.onEnd(producer, () => {
      hasEnded = true
    })
    const encryptor = router.startWorker(undefined, () => undefined, { producer })
    const decryptor = router.startWorker(undefined, () => undefined, { producer })
    expect(router.flowControls.producerAt(encryptor.address)).toBe(producer)
    await encryptor.close()
    expect(hasEnded).toBe(false)
    await decryptor.close()
    expect(await isResolved(decryptor.stopped)).toBe(true)
    expect(hasEnded).toBe(true)
  })
})
