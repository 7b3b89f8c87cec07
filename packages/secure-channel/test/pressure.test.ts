import { Address, type Context, dropPressure, type LocalMessage, type OutgoingMessage, type Pressure, Route } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { Decryptor } from '../src/channel/decryptor.ts'
import { Encryptor, EncryptorCommand } from '../src/channel/encryptor.ts'
import { encodeRefresh, payloadLength, writePayload } from '../src/protocol/channel-message.ts'
import { readNonce } from '../src/protocol/nonce.ts'
import { NonceWindow } from '../src/protocol/nonce-window.ts'
import { ReceivingKey } from '../src/protocol/receiving-key.ts'
import { SendingKey } from '../src/protocol/sending-key.ts'
import { bytes, closeNodes, everyone, MovableClock, text, twoNodes, until } from './world.ts'

afterEach(closeNodes)

const { primitives } = softwareVault()
const secret = new Uint8Array(32).fill(4)

/** A next hop that asks to wait whenever it is told to, and says for how long. */
class Hop {
  readonly taken: OutgoingMessage[] = []
  /** Asked with every message. */
  isFull: (message: OutgoingMessage) => boolean = () => false
  #release: (() => void) | undefined
  #pressure: Promise<void> | undefined

  readonly context = {
    dispatch: (message: OutgoingMessage): Pressure => {
      this.taken.push(message)
      if (this.#pressure === undefined && this.isFull(message)) {
        this.#pressure = new Promise((resolve) => {
          this.#release = resolve
        })
      }
      return this.#pressure
    },
  } as unknown as Context

  relieve(): void {
    this.#pressure = undefined
    this.#release?.()
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

describe('an encryptor whose route has no room', () => {
  function encryptor() {
    const hop = new Hop()
    const dropped: string[] = []
    const key = new SendingKey(primitives.aeadKey(secret))
    const worker = new Encryptor({
      primitives,
      key,
      address: Address.local('encryptor'),
      route: Route.of('connection', 'peer'),
      isClosed: () => false,
      onDropped: (reason) => void dropped.push(reason),
      onFailure: (error) => {
        throw error
      },
    })
    return { hop, dropped, key, worker }
  }

  const message = (length = 64, ...localInfo: LocalMessage['localInfo']): LocalMessage =>
    ({
      onwardRoute: Route.of('encryptor', 'inbox'),
      returnRoute: Route.of('app'),
      payload: new Uint8Array(length),
      localInfo,
      forwards: 0,
    }) as unknown as LocalMessage
  const messages = (count: number, length?: number): LocalMessage[] => Array.from({ length: count }, () => message(length))
  const nonces = (hop: Hop): number[] => hop.taken.map(({ payload }) => readNonce(payload, 0))

  test('without pressure there is no promise', () => {
    const { hop, worker } = encryptor()
    expect(worker.handleBatch(messages(512), hop.context)).toBeUndefined()
    expect(hop.taken).toHaveLength(512)
  })

  test('regression: it seals nothing behind the run that met the first pressure until that is over', async () => {
    const { hop, key, worker } = encryptor()
    hop.isFull = () => true
    const handled = worker.handleBatch(messages(512), hop.context)
    for (let runs = 1; runs <= 512 / 16; runs++) {
      await turn()
      expect([hop.taken.length, key.nonce]).toEqual([runs * 16, runs * 16])
      hop.relieve()
    }
    await handled
    expect(nonces(hop)).toEqual(Array.from({ length: 512 }, (_, i) => i))
    const large = worker.handleBatch(messages(16, 65_536), hop.context)
    await turn()
    expect(hop.taken).toHaveLength(513)
    hop.isFull = () => false
    hop.relieve()
    await large
    expect(hop.taken).toHaveLength(528)
  })

  test('wherever it is held up, every message goes once, in order, under the next nonce, and commands keep their place', async () => {
    const item = fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(0, 64, 5_000, 40_000) },
      { weight: 1, arbitrary: fc.constant('command' as const) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { minLength: 1, maxLength: 100 }),
        fc.array(fc.boolean(), { minLength: 1 }),
        async (items, fullness) => {
          const { hop, dropped, worker } = encryptor()
          hop.isFull = () => fullness[hop.taken.length % fullness.length] as boolean
          const expected: string[] = []
          let moves = 0
          let sent = 0
          const batch = items.map((length) => {
            if (length !== 'command') {
              expected.push(`${sent++} way-${moves}`)
              return message(length)
            }
            const way = `way-${++moves}`
            return message(0, new EncryptorCommand(() => worker.setRoute(Route.of(way, 'peer'))))
          })
          worker.setRoute(Route.of('way-0', 'peer'))
          let isDone = false
          const handled = Promise.resolve(worker.handleBatch(batch, hop.context)).then(() => {
            isDone = true
          })
          for (let i = 0; i < 1000 && !isDone; i++) {
            hop.relieve()
            await Promise.resolve()
          }
          await handled
          expect(hop.taken.map(({ onwardRoute, payload }) => `${readNonce(payload, 0)} ${onwardRoute.next?.name}`)).toEqual(expected)
          expect(dropped).toEqual([])
        },
      ),
      { numRuns: 100 },
    )
  })

  test('a new route ends the wait for the former one', async () => {
    const { hop, worker } = encryptor()
    hop.isFull = () => true
    const handled = worker.handleBatch(messages(20), hop.context)
    await turn()
    hop.isFull = () => false
    worker.setRoute(Route.of('other', 'peer'))
    await turn()
    // The former route's promise is still pending; the hop here stands for both.
    hop.relieve()
    await handled
    expect(hop.taken.slice(16).map(({ onwardRoute }) => onwardRoute.next?.name)).toEqual(['other', 'other', 'other', 'other'])
  })

  test('destroyed while it waits, it seals nothing more, counts what is left, and says no goodbye', async () => {
    const { hop, dropped, worker } = encryptor()
    hop.isFull = () => true
    const handled = worker.handleBatch(messages(100), hop.context)
    worker.destroy()
    await handled
    expect(worker.handleBatch(messages(3), hop.context)).toBeUndefined()
    worker.stop(hop.context)
    expect(nonces(hop)).toHaveLength(16)
    expect(dropped).toEqual(Array.from({ length: 87 }, () => 'closed'))
  })

  test('stopped while it waits, it says no goodbye: the peer has not got everything', () => {
    const { hop, worker } = encryptor()
    hop.isFull = () => true
    dropPressure(worker.handleBatch(messages(100), hop.context))
    worker.stop(hop.context)
    expect(hop.taken).toHaveLength(16)
  })
})

describe('a decryptor whose receivers have no room', () => {
  function decryptor(onRefresh: () => Promise<void> = async () => undefined) {
    const hop = new Hop()
    const refused: string[] = []
    let opened = 0
    const key = primitives.aeadKey(secret)
    const counting: typeof key = {
      sealInto: (...args) => key.sealInto(...args),
      openInto: (...args) => {
        opened++
        return key.openInto(...args)
      },
      rekey: () => {
        throw new Error('no test here has that many messages')
      },
      destroy: () => key.destroy(),
    }
    const many = Object.assign(counting, {
      openMany: (slab: Uint8Array, jobs: readonly { outAt: number; inAt: number; length: number }[], first: number) =>
        jobs.map(({ outAt, inAt, length }, i) => counting.openInto(slab, outAt, slab, inAt, length, first + i)),
    })
    const worker = new Decryptor({
      primitives,
      window: new NonceWindow(),
      key: new ReceivingKey(many, () => undefined),
      clock: new MovableClock(),
      maxAddresses: 32,
      peer: undefined as never,
      encryptorAddress: Address.local('encryptor'),
      producer: undefined as never,
      path: undefined,
      firstPath: Route.empty,
      onRefresh,
      onClose: () => undefined,
      onWindowLost: () => undefined,
      onFailure: (error) => {
        throw error
      },
      onRefused: (reason) => void refused.push(reason),
    })
    return { hop, refused, worker, opened: () => opened }
  }

  /** Ciphertexts of these contents; `isOneChunk`: as one read of a socket brings them. */
  function sealed(contents: readonly Uint8Array[], isOneChunk: boolean): LocalMessage[] {
    const sender = new SendingKey(primitives.aeadKey(secret))
    const chunk = new Uint8Array(contents.reduce((sum, { length }) => sum + length + 24, 0))
    let start = 0
    return contents.map((content) => {
      const slab = isOneChunk ? chunk : new Uint8Array(content.length + 24)
      const at = isOneChunk ? start : 0
      start += content.length + 24
      slab.set(content, at + 8)
      sender.reserve(1)
      sender.seal(slab, [{ start: at, length: content.length }], 1)
      const payload = slab.subarray(at, at + content.length + 24)
      return { payload, returnRoute: Route.empty, isExclusive: true, forwards: 0 } as unknown as LocalMessage
    })
  }

  const inbox = Route.of('inbox')
  const payload = (content: string): Uint8Array => {
    const out = new Uint8Array(payloadLength(inbox, Route.empty, content.length))
    writePayload(out, 0, inbox, Route.empty, bytes(content))
    return out
  }
  const numbers = Array.from({ length: 30 }, (_, i) => String(i))
  const taken = (hop: Hop): string[] => hop.taken.map((message) => text(message.payload))

  test.each([true, false])(
    'regression: it hands on nothing behind the first pressure until that is over (one chunk: %s)',
    async (isOneChunk) => {
      const { hop, worker, opened } = decryptor()
      hop.isFull = () => true
      const handled = worker.open(sealed(numbers.map(payload), isOneChunk), 0, hop.context)
      for (let count = 1; count <= 30; count++) {
        await turn()
        expect(taken(hop)).toEqual(numbers.slice(0, count))
        if (!isOneChunk) expect(opened()).toBe(count)
        hop.relieve()
      }
      await handled
      expect(worker.received).toBe(30)
      expect(opened()).toBe(30)
    },
  )

  test.each([true, false])('regression: messages behind a refresh wait until it is settled (one chunk: %s)', async (isOneChunk) => {
    let settled: (() => void)[] = []
    const { hop, worker } = decryptor(() => new Promise((resolve) => void settled.push(resolve)))
    const refresh = encodeRefresh({ changeHistory: new Uint8Array([0x80]), credentials: [] })
    const contents = [payload('before'), refresh, payload('between'), refresh, payload('after')]
    const handled = worker.open(sealed(contents, isOneChunk), 0, hop.context)
    for (const soFar of [['before'], ['before', 'between']]) {
      await turn()
      expect(taken(hop)).toEqual(soFar)
      expect(settled).toHaveLength(1)
      for (const settle of settled.splice(0)) settle()
    }
    await handled
    settled = []
    expect(taken(hop)).toEqual(['before', 'between', 'after'])
  })

  test('destroyed while it waits, it hands on nothing more and counts what is left', async () => {
    const { hop, refused, worker } = decryptor()
    hop.isFull = () => true
    const handled = worker.open(sealed(numbers.map(payload), true), 0, hop.context)
    worker.destroy()
    await handled
    expect(taken(hop)).toEqual(['0'])
    expect(refused).toEqual(Array.from({ length: 29 }, () => 'undeliverable'))
    expect(worker.open(sealed(numbers.map(payload), false), 0, hop.context)).toBeUndefined()
    expect(hop.taken).toHaveLength(1)
  })
})

test('regression: a hundred channels over one slow connection lose nothing when every sender awaits its pressure', async () => {
  const { alice, bob, toBob } = await twoNodes({ encode: false })
  const received = new Map<string, number>()
  let outOfOrder = 0
  // Ten messages per turn of the event loop: far less than a hundred senders have ready.
  let taken = 0
  let mostWaiting = 0
  bob.router.startWorker(
    'slow',
    ({ payload }) => {
      const [name = '', number] = text(payload.subarray(0, 8)).trim().split('/')
      if (Number(number) !== (received.get(name) ?? 0)) outOfOrder++
      received.set(name, (received.get(name) ?? 0) + 1)
      mostWaiting = Math.max(mostWaiting, alice.router.statistics().waitingMessages)
      return ++taken % 10 === 0 ? new Promise((resolve) => setImmediate(resolve)) : undefined
    },
    { maxMessages: 16 },
  )
  await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
  const side = { identity: alice.identity.identifier, trust: everyone }
  const channels = await Promise.all(Array.from({ length: 100 }, () => alice.channels.createChannel([toBob.address, 'api'], side)))
  const each = 80
  await Promise.all(
    channels.map(async ({ address }, channel) => {
      for (let i = 0; i < each; i++) {
        const payload = new Uint8Array(16_384)
        payload.set(bytes(`${channel}/${i}`.padEnd(8)))
        await alice.router.context.send([address, 'slow'], payload)
      }
    }),
  )
  for (let last = -1; last !== taken && taken < 100 * each; ) {
    last = taken
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  expect([...received.values()]).toEqual(Array.from({ length: 100 }, () => each))
  expect(outOfOrder).toBe(0)
  // A mailbox takes 64 such messages. Each of the channels has one full, and the connection: beyond that nobody has more than one run in hand.
  expect(mostWaiting).toBeGreaterThan(100 * 60)
  expect(mostWaiting).toBeLessThan(101 * 64 + 100 * 4)
  for (const node of [alice, bob]) {
    expect(node.router.statistics().dropped).toEqual({})
    for (const channel of node.channels.channels()) expect(channel.statistics()).toMatchObject({ dropped: 0, refused: {} })
  }
  await until(() => alice.router.statistics().waitingMessages === 0)
}, 60_000)
