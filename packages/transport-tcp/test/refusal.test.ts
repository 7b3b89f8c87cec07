import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { RecordingServices } from '@ockam/conformance'
import { MultiAddr } from '@ockam/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tcp } from '../src/index.ts'
import { portOf, type RawPeer, settle, until, withTransport } from './raw-peer.ts'

const GOOD = '0000001a 83818200446563686f81820046636c69656e74460568656c6c6f'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Memory of arrays, after all that is garbage has gone: when V8 collects by itself depends on its version. */
async function bytesOfArrays(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collectGarbage()
    await settle()
  }
  return process.memoryUsage().arrayBuffers
}

/** Everything a peer hears from us before we cut it. */
const VERSION_ONLY = '01'

describe('A peer that does not speak the protocol', () => {
  const refused: Readonly<Record<string, string>> = {
    'another version': '02',
    'version 0': '00',
    'a request of HTTP': Buffer.from('GET / HTTP/1.1\r\n').toString('hex'),
    'a frame of 2^32-1 bytes': '01 ffffffff',
    'a frame one byte over 16 MiB': '01 01000001',
    'an empty frame': '01 00000000',
    'a message that is no CBOR': '01 00000003 ffffff',
    'a message of two elements': '01 00000003 82 80 80',
    'a message as a map': '01 00000001 a0',
    'a payload that is text': '01 00000004 83 80 80 60',
    'a payload longer than its frame': '01 00000008 83 80 80 5affffffff',
  }
  for (const [what, hex] of Object.entries(refused)) {
    test(`is cut without an answer when it sends ${what}`, () =>
      withTransport({}, async ({ services, dial, accept }) => {
        const dialling = await dial()
        const { peer: listening, connection } = await accept()
        for (const peer of [dialling, listening] satisfies RawPeer[]) {
          peer.write(hex)
          await until(() => peer.isClosed, 'the connection is closed')
          expect(peer.received).toBe(VERSION_ONLY)
        }
        expect(await connection.closed).toBe('error')
        expect(services.deliveries).toEqual([])
        expect(services.events).toEqual(['transport/connection-failed', 'transport/connection-failed'])
      }))
  }

  test('loses nothing that it sent before', () =>
    withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      peer.write(`01 ${GOOD} ${GOOD} ffffffff ${GOOD}`)
      await until(() => peer.isClosed, 'the connection is closed')
      expect(services.deliveries.length).toBe(2)
    }))

  test('loses a message with more addresses than routes may have, but not its connection: a relay may carry it for a stranger', () =>
    withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      const both = `${'820040'.repeat(17)}`
      peer.write(`01 00000068 83 9821 ${'820040'.repeat(33)} 80 40 0000006b 83 91 ${both} 91 ${both} 41 00 ${GOOD}`)
      await until(() => services.deliveries.length === 1, 'the message behind them arrives')
      expect(services.events).toEqual(['transport/message-dropped', 'transport/message-dropped'])
      expect(peer.isClosed).toBe(false)
    }))

  test('regression: two frames that fit a remembered route badly harm nothing, and what follows them is served', () =>
    withTransport({}, async ({ services, dial, accept }) => {
      for (const peer of [await dial(), (await accept()).peer]) {
        services.deliveries.length = 0
        peer.write('01 00000009 84 81 82004161 80 40 f6')
        await until(() => services.deliveries.length === 1, 'the first message arrives')
        // In a segment, and so in memory, of its own.
        peer.write('00000005 9f 80 80 40 ff')
        await settle()
        peer.write(GOOD)
        await until(() => services.deliveries.length === 2, 'the message behind them arrives')
      }
      expect(services.events).toEqual([])
    }))

  test('makes this process allocate nothing for what it announces', () =>
    withTransport({}, async ({ dial }) => {
      const peers = await Promise.all(Array.from({ length: 20 }, () => dial()))
      const before = process.memoryUsage().arrayBuffers
      // Just below the limit, so that the announcement itself is legal.
      for (const peer of peers) peer.write('01 00ffffff 83')
      await settle()
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024)
      expect(peers.every((peer) => !peer.isClosed)).toBe(true)
    }))

  test('is refused from the size that the options name', () =>
    withTransport({ maxMessageBytes: 100 }, async ({ services, dial }) => {
      const [short, long] = await Promise.all([dial(), dial()])
      short.write(`01 ${GOOD}`)
      long.write('01 00000065')
      await until(() => long.isClosed, 'the long one is closed')
      expect(services.deliveries.length).toBe(1)
      expect(short.isClosed).toBe(false)
    }))

  test('cannot make the listener throw, hang or stop with any bytes', async () => {
    await withTransport({ versionTimeoutMs: 1_000 }, async ({ services, dial }) => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
          const peer = await dial()
          peer.socket.end(Buffer.concat([Uint8Array.of(1), bytes]))
          await until(() => peer.isClosed, 'the connection is closed')
        }),
        { numRuns: 40 },
      )
      const honest = await dial()
      const before = services.deliveries.length
      honest.write(`01 ${GOOD}`)
      await until(() => services.deliveries.length === before + 1, 'an honest peer is served')
    })
  })
})

describe('A mistake of this process with what a peer sent', () => {
  test('ends that connection, is reported without its text, and costs neither the process nor anybody else', () =>
    withTransport({}, async ({ services, dial, accept }) => {
      const reports: unknown[] = []
      services.onEvent = (name, details) => reports.push({ name, ...details })
      const [honest, dialling, { peer: listening, connection }] = [await dial(), await dial(), await accept()]
      for (const peer of [honest, dialling, listening]) peer.write(`01 ${GOOD}`)
      await until(() => services.deliveries.length === 3, 'all are served')
      services.onDeliver = ({ message }) => {
        throw new RangeError(`not for diagnostics: ${message.payload.length}`)
      }
      for (const peer of [dialling, listening]) {
        peer.write(`${GOOD} ${GOOD}`)
        await until(() => peer.isClosed, 'its connection is cut')
      }
      expect(await connection.closed).toBe('error')
      services.onDeliver = () => undefined
      honest.write(GOOD)
      await until(() => services.deliveries.length === 6, 'the honest peer is served')
      const report = {
        name: 'transport/receive-failed',
        error: 'RangeError',
        remote: expect.stringMatching(/^\/ip4\/127\.0\.0\.1\/tcp\//) as string,
      }
      expect(reports).toEqual([1, 2].map(() => ({ ...report, at: expect.stringContaining('refusal.test.ts') as string })))
      expect(JSON.stringify(reports)).not.toContain('not for diagnostics')
    }))
})

describe('A listener', () => {
  test('holds no more connections than it may, and takes more when some are gone', async () => {
    const services = new RecordingServices()
    const transport = tcp({ maxConnections: 3, closeTimeoutMs: 200 }).create(services)
    const listener = await transport.listen(MultiAddr.parse('/ip4/127.0.0.1/tcp/0'))
    const dial = async (): Promise<{ isClosed: boolean; greeting: string; end: () => void }> => {
      const socket = connect(portOf(listener.address), '127.0.0.1')
      const state = { isClosed: false, greeting: '', end: () => void socket.destroy() }
      socket.on('data', (chunk) => {
        state.greeting += chunk.toString('hex')
      })
      socket.on('error', () => undefined)
      socket.on('close', () => {
        state.isClosed = true
      })
      await until(() => state.isClosed || state.greeting !== '', 'the listener takes or refuses the connection')
      return state
    }
    const taken = [await dial(), await dial(), await dial()]
    const refused = [await dial(), await dial()]
    expect(taken.map(({ isClosed, greeting }) => [isClosed, greeting])).toEqual([1, 2, 3].map(() => [false, '01']))
    expect(refused.map(({ isClosed, greeting }) => [isClosed, greeting])).toEqual([1, 2].map(() => [true, '']))
    expect(services.events.filter((name) => name === 'transport/connection-refused').length).toBe(2)
    taken[0]?.end()
    await until(() => services.acceptances.length === 3, 'all were asked about')
    await services.acceptances[0]?.connection.closed
    expect((await dial()).greeting).toBe('01')
    for (const { end } of taken) end()
    await transport.close()
  })

  test('leaks nothing over hundreds of connections', () =>
    withTransport({}, async ({ services, transport }) => {
      const listener = await transport.listen(MultiAddr.parse('/ip4/127.0.0.1/tcp/0'))
      const round = async (): Promise<void> => {
        const connections = await Promise.all(Array.from({ length: 25 }, () => transport.connect(listener.address)))
        await Promise.all(connections.map((connection) => connection.close()))
        await Promise.all(services.acceptances.splice(0).map(({ connection }) => connection.closed))
        await settle()
      }
      await round()
      const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCPS')).length
      const before = sockets()
      for (let i = 0; i < 20; i++) await round()
      expect(sockets()).toBe(before)
    }))
})

describe('Peers that together announce more than the node has memory for', () => {
  test('hold no more than it allows, and an honest peer is still served', () =>
    withTransport({ maxMessageBytes: 1_048_576, maxPartialBytes: 3_145_728 }, async ({ services, dial }) => {
      const peers: RawPeer[] = []
      const before = await bytesOfArrays()
      for (let i = 0; i < 12; i++) {
        const peer = await dial()
        peer.write('01 00100000 83')
        peer.socket.write(new Uint8Array(900_000))
        peers.push(peer)
        await settle()
      }
      await until(() => peers.some((peer) => peer.isClosed), 'the first of them are dropped')
      await settle()
      expect(peers.map((peer) => peer.isClosed)).toEqual(peers.map((_, index) => index < 9))
      // Unfinished frames, and what each connection reads into.
      expect((await bytesOfArrays()) - before).toBeLessThan(3_145_728 + 12 * 262_144 + 500_000)
      const honest = await dial()
      honest.write(`01 ${GOOD}`)
      await until(() => services.deliveries.length === 1, 'the honest peer is served')
    }))

  test('regression: small frames, each of them finished but for its end, cut no honest connection whose frame comes in two segments', () =>
    withTransport({ maxMessageBytes: 65_536, maxPartialBytes: 1_048_576 }, async ({ services, dial }) => {
      const honest = await dial()
      honest.write(`01 ${GOOD}`)
      await until(() => services.deliveries.length === 1, 'the honest peer is served')
      const attackers: RawPeer[] = []
      for (let i = 0; i < 24; i++) {
        const peer = await dial()
        peer.write('01 00010000')
        peer.socket.write(new Uint8Array(65_000))
        attackers.push(peer)
      }
      await until(() => attackers.filter((peer) => peer.isClosed).length === 8, 'the budget is full')
      honest.write(GOOD.slice(0, 19))
      await until(() => attackers.filter((peer) => peer.isClosed).length === 9, 'one of them gives way')
      honest.write(GOOD.slice(19))
      await until(() => services.deliveries.length === 2, 'the honest peer is served')
      expect(honest.isClosed).toBe(false)
    }))

  test('take nothing from another network, even when its unfinished frame is the oldest of all', () =>
    withTransport({ maxMessageBytes: 65_536, maxPartialBytes: 1_048_576 }, async ({ services, dial }) => {
      const honest = await dial({ host: '::1' })
      honest.write(`01 ${GOOD.slice(0, 19)}`)
      await settle()
      const attackers: RawPeer[] = []
      for (let i = 0; i < 24; i++) {
        const peer = await dial()
        peer.write('01 00010000')
        peer.socket.write(new Uint8Array(65_000))
        attackers.push(peer)
      }
      await until(() => attackers.filter((peer) => peer.isClosed).length === 9, 'the budget is full, and the oldest of them give way')
      honest.write(GOOD.slice(19))
      await until(() => services.deliveries.length === 1, 'the honest peer is served')
      expect(honest.isClosed).toBe(false)
    }))
})
