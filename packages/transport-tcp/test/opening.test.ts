import { type ChildProcess, spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { ManualClock, RecordingServices } from '@ockam/conformance'
import { type AddressedConnection, dropPressure, MultiAddr, Route } from '@ockam/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tcp } from '../src/index.ts'
import { settle, until, withTransport } from './raw-peer.ts'

const any = MultiAddr.parse('/ip4/127.0.0.1/tcp/0')

describe('Connecting', () => {
  test('says which address refused and what to look at', () =>
    withTransport({}, async ({ transport }) => {
      const listener = await transport.listen(any)
      const port = listener.address.pieces[1]?.value
      await listener.close()
      await expect(transport.connect(listener.address)).rejects.toMatchObject({
        code: 'transport/connect-failed',
        message: `Cannot connect to 127.0.0.1:${port}: nobody listens there. Is the other node running, and is this its port? (ECONNREFUSED)`,
      })
    }))

  test('works by name and over IPv6', () =>
    withTransport({}, async ({ transport, services }) => {
      const [name, six] = await Promise.all([
        transport.listen(MultiAddr.parse('/dnsaddr/localhost/tcp/0')),
        transport.listen(MultiAddr.parse('/ip6/::1/tcp/0')),
      ])
      const port = name.address.pieces[1]?.value
      const connections = [await transport.connect(MultiAddr.parse(`/dnsaddr/localhost/tcp/${port}`)), await transport.connect(six.address)]
      for (const connection of connections)
        dropPressure(connection.send({ onwardRoute: Route.of('a'), returnRoute: Route.empty, payload: new Uint8Array(1) }))
      await until(() => services.deliveries.length === 2, 'both messages arrive')
      expect(connections[1]?.remote).toBe(six.address.toString())
      expect(six.address.toString()).toMatch(/^\/ip6\/::1\/tcp\/\d+$/)
    }))

  test('shows both sides the address of the other without its port, IPv4 as IPv4 also where IPv6 listens', () =>
    withTransport({}, async ({ transport, services }) => {
      const both = await transport.listen(MultiAddr.parse('/ip6/::/tcp/0'))
      const port = both.address.pieces[1]?.value
      const four = await transport.connect(MultiAddr.parse(`/ip4/127.0.0.1/tcp/${port}`))
      const six = await transport.connect(MultiAddr.parse(`/ip6/::1/tcp/${port}`))
      await until(() => services.acceptances.length === 2, 'both are accepted')
      const accepted = services.acceptances.map(({ connection }) => connection)
      const addresses = [four, six, ...accepted].map((connection) => (connection as Partial<AddressedConnection>).remoteAddress)
      expect(addresses).toEqual(['127.0.0.1', '::1', '127.0.0.1', '::1'])
    }))

  test('to port 0 fails, because 0 is for listening', () =>
    withTransport({}, async ({ transport }) => {
      await expect(transport.connect(any)).rejects.toMatchObject({ code: 'transport/connect-failed' })
    }))

  for (const text of [
    '/tcp/4000',
    '/ip4/127.0.0.1',
    '/ip4/127.0.0.1/tcp/4000/service/echo',
    '/dnsaddr//tcp/4000',
    '/tcp/1/ip4/127.0.0.1',
  ]) {
    test(`refuses ${text}`, () =>
      withTransport({}, async ({ transport }) => {
        await expect(transport.connect(MultiAddr.parse(text))).rejects.toMatchObject({ code: 'transport/unsupported-address' })
        await expect(transport.listen(MultiAddr.parse(text))).rejects.toMatchObject({ code: 'transport/unsupported-address' })
      }))
  }

  test('to a host name that does not exist says so', () =>
    withTransport({}, async ({ transport }) => {
      // RFC 6761: names under .invalid never exist; without a name server the system says that instead.
      await expect(transport.connect(MultiAddr.parse('/dnsaddr/nowhere.invalid/tcp/4000'))).rejects.toMatchObject({
        code: 'transport/connect-failed',
        message: expect.stringContaining('nowhere.invalid:4000') as string,
      })
    }))
})

describe('Where nobody answers', () => {
  // A process that listens and never accepts: when its queue is full, the kernel lets further connections wait.
  let silent: ChildProcess
  let port = 0
  const fillers: Socket[] = []

  beforeAll(async () => {
    const program = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
      require('fs').writeSync(1, String(this.address().port)); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000); process.exit() })`
    silent = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    port = await new Promise<number>((resolve) => silent.stdout?.once('data', (text: Buffer) => resolve(Number(text.toString()))))
    for (let i = 0; i < 8; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      fillers.push(socket)
    }
    await until(() => fillers.some((socket) => !socket.connecting), 'the queue fills')
    await settle()
  })

  afterAll(() => {
    for (const socket of fillers) socket.destroy()
    silent.kill('SIGKILL')
  })

  const target = (): MultiAddr => MultiAddr.parse(`/ip4/127.0.0.1/tcp/${port}`)

  test('connecting gives up after timeoutMs and says how long it waited', () =>
    withTransport({}, async ({ transport }) => {
      await expect(transport.connect(target(), { timeoutMs: 50 })).rejects.toMatchObject({
        code: 'transport/timeout',
        message: expect.stringContaining(`127.0.0.1:${port}: it did not answer within 50 ms`) as string,
      })
    }))

  test('connecting gives up after 15 seconds when nothing else was said', async () => {
    const clock = new ManualClock()
    await withTransport(
      {},
      async ({ transport }) => {
        let isOver = false
        const attempt = transport.connect(target()).catch((error: unknown) => {
          isOver = true
          return error
        })
        clock.advance(14_999)
        await settle()
        expect(isOver).toBe(false)
        clock.advance(1)
        expect(await attempt).toMatchObject({ code: 'transport/timeout' })
        expect(clock.waiting).toBe(0)
      },
      new RecordingServices(clock),
    )
  })

  test('an abort ends the attempt with its reason and leaves no timer and no listener behind', async () => {
    const clock = new ManualClock()
    await withTransport(
      {},
      async ({ transport }) => {
        const controller = new AbortController()
        const reason = new Error('no longer needed')
        const attempt = transport.connect(target(), { signal: controller.signal })
        await settle()
        controller.abort(reason)
        await expect(attempt).rejects.toBe(reason)
        expect(clock.waiting).toBe(0)
      },
      new RecordingServices(clock),
    )
  })

  test('closing the transport ends the attempt', () =>
    withTransport({}, async ({ transport }) => {
      const attempt = transport.connect(target())
      await settle()
      const closing = transport.close()
      await expect(attempt).rejects.toMatchObject({ code: 'transport/closed' })
      await closing
    }))
})

describe('Listening', () => {
  test('says which address is taken', () =>
    withTransport({}, async ({ transport }) => {
      const { address } = await transport.listen(any)
      await expect(transport.listen(address)).rejects.toMatchObject({
        code: 'transport/listen-failed',
        message: expect.stringContaining('something else listens there already') as string,
      })
    }))

  test('keeps no process alive when the owner says so', async () => {
    await settle()
    const alive = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPS')).length
    const before = alive()
    for (const isBackground of [true, false]) {
      await withTransport({ isBackground }, async ({ transport, services }) => {
        const listener = await transport.listen(any)
        await transport.connect(listener.address)
        await until(() => services.acceptances.length === 1, 'the connection is accepted')
        expect(alive() - before).toBe(isBackground ? 0 : 3)
      })
      await settle()
    }
  })
})

describe('The options', () => {
  test('are refused by name when they make no sense', () => {
    for (const [name, value] of [
      ['maxMessageBytes', 0],
      ['maxMessageBytes', 16 * 1024 * 1024 + 1],
      ['maxPartialBytes', 1000],
      ['maxConnections', 1.5],
      ['progressIntervalMs', Number.NaN],
      ['keepAliveMs', -1],
    ] as const) {
      expect(() => tcp({ [name]: value })).toThrow(
        expect.objectContaining({ code: 'transport/invalid-argument', message: expect.stringContaining(name) as string }) as Error,
      )
    }
  })
})
