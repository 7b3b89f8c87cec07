import {
  type AeadKey,
  Address,
  type Context,
  dropPressure,
  type LocalMessage,
  OckamError,
  type OutgoingMessage,
  type Primitives,
  Route,
  type TransportMessage,
} from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { Encryptor } from '../src/channel/encryptor.ts'
import { MAX_NONCE, readNonce } from '../src/protocol/nonce.ts'
import { SendingKey } from '../src/protocol/sending-key.ts'
import { bytes, closeNodes, collect, everyone, settle, twoNodes, until } from './world.ts'

afterEach(closeNodes)

const ADDRESS = /^0#[0-9a-f]{32}$/

describe('what a Rust node sees of us', () => {
  test('three handshake messages, then ciphertexts with an empty return route, and a Close that names the encryptor', async () => {
    const { network, alice, bob, toBob } = await twoNodes()
    const inbox = collect(bob, 'inbox')
    const wire: (TransportMessage & { readonly from: string })[] = []
    network.tap(({ from, message }) => {
      wire.push({ ...message, payload: message.payload.slice(), from })
      return undefined
    })
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('hello')))
    await until(() => inbox.length === 1)
    await channel.close()
    await settle()
    const [message1, message2, message3, payload, close] = wire
    expect(message1?.onwardRoute.toString()).toBe('0#api')
    expect(message1?.returnRoute.toString()).toMatch(ADDRESS)
    expect(message1?.payload).toHaveLength(32)
    expect(message2?.onwardRoute.equals(message1?.returnRoute as Route)).toBe(true)
    expect(message2?.returnRoute.toString()).toMatch(ADDRESS)
    // 96 bytes of Noise, and 323 of an Ed25519 identity with one change and without credentials.
    expect(message2?.payload).toHaveLength(419)
    expect(message3?.onwardRoute.equals(message2?.returnRoute as Route)).toBe(true)
    expect(message3?.returnRoute.equals(message1?.returnRoute as Route)).toBe(true)
    expect(message3?.payload).toHaveLength(387)
    for (const ciphertext of [payload, close]) expect(ciphertext?.onwardRoute.equals(message2?.returnRoute as Route)).toBe(true)
    expect(payload?.returnRoute.isEmpty).toBe(true)
    expect(close?.returnRoute.equals(channel.route)).toBe(true)
    expect(close?.payload).toHaveLength(5 + 24)
    expect([payload, close].map((ciphertext) => readNonce(ciphertext?.payload as Uint8Array, 0))).toEqual([0, 1])
    expect(wire.filter(({ from }) => from === 'bob')).toHaveLength(1)
  })

  test('rule 14: whatever return route a peer writes, an answer goes through the encryptor of the channel it came through', async () => {
    const { alice, bob, toBob } = await twoNodes()
    const inbox = collect(bob, 'inbox')
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    await until(() => bob.channels.channels().length === 1)
    const names = fc.constantFrom('inbox', 'echo', 'api', toBob.address.toString(), 'x', '1#127.0.0.1:80')
    await fc.assert(
      fc.asyncProperty(fc.array(names, { maxLength: 6 }), async (hops) => {
        const known = inbox.length
        const returnRoute = Route.of(...hops)
        dropPressure(alice.router.context.dispatch({ onwardRoute: Route.of(channel.address, 'inbox'), returnRoute, payload: bytes('x') }))
        await until(() => inbox.length === known + 1)
        const message = inbox[known] as LocalMessage
        expect(message.returnRoute.next?.equals(bob.channels.channels()[0]?.address as Address)).toBe(true)
        expect(message.returnRoute.step().equals(returnRoute)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })
})

describe('the encryptor alone', () => {
  const { primitives } = softwareVault()

  function encryptor(options: { key: SendingKey; dispatch?: (message: OutgoingMessage) => undefined; allocate?: Primitives['allocate'] }) {
    const sent: OutgoingMessage[] = []
    const failures: unknown[] = []
    const dropped: string[] = []
    const state = { isClosed: false }
    const context = { dispatch: options.dispatch ?? ((message: OutgoingMessage) => void sent.push(message)) } as unknown as Context
    const worker = new Encryptor({
      primitives: { ...primitives, ...(options.allocate && { allocate: options.allocate }) },
      key: options.key,
      address: Address.local('encryptor'),
      route: Route.of('connection', 'peer'),
      isClosed: () => state.isClosed,
      onDropped: (reason) => void dropped.push(reason),
      onFailure: (error) => void failures.push(error),
    })
    const handle = (count: number): unknown =>
      worker.handleBatch(
        Array.from({ length: count }, () => message),
        context,
      )
    return { worker, context, sent, failures, dropped, state, handle }
  }

  const message = {
    onwardRoute: Route.of('encryptor', 'inbox'),
    returnRoute: Route.of('app'),
    payload: new Uint8Array(64),
    localInfo: [],
    forwards: 0,
  } as unknown as LocalMessage
  const key = (firstNonce = 0): SendingKey => new SendingKey(primitives.aeadKey(new Uint8Array(32)), { firstNonce })

  test('row 17: at the end of its nonces it reports a typed error, drops what follows, and still says goodbye with the last one', () => {
    const { worker, context, sent, failures, dropped, handle } = encryptor({ key: key(MAX_NONCE - 3) })
    handle(5)
    expect(failures).toEqual([expect.objectContaining({ code: 'secure-channel/exhausted' })])
    expect(dropped).toHaveLength(3)
    worker.stop(context)
    expect(sent.map(({ payload }) => readNonce(payload, 0))).toEqual([MAX_NONCE - 3, MAX_NONCE - 2, MAX_NONCE - 1])
  })

  test('memory that it takes as it comes is written to the last byte before anybody gets it', () => {
    const anyLength = fc.oneof(fc.nat(200), fc.nat(20_000), fc.constantFrom(16_384, 65_536), fc.nat(140_000))
    let unset = 0
    fc.assert(
      fc.property(fc.array(anyLength, { minLength: 1, maxLength: 40 }), (lengths) => {
        const left = new Map<ArrayBufferLike, number>()
        const allocate: Primitives['allocate'] = (length, isOverwritten) => {
          const slab = new Uint8Array(length)
          if (isOverwritten === true) left.set(slab.buffer, length)
          return slab
        }
        const { worker, context, sent } = encryptor({ key: key(), allocate })
        const messages = lengths.map((length) => ({ ...message, payload: new Uint8Array(length) }))
        expect(worker.handleBatch(messages, context)).toBeUndefined()
        expect(sent).toHaveLength(lengths.length)
        unset += left.size
        for (const { payload } of sent) {
          const bytesLeft = left.get(payload.buffer)
          if (bytesLeft === undefined) continue
          // One behind the other, from the beginning of the slab on.
          expect(payload.byteOffset).toBe(payload.buffer.byteLength - bytesLeft)
          left.set(payload.buffer, bytesLeft - payload.length)
        }
        expect([...left.values()].every((bytesLeft) => bytesLeft === 0)).toBe(true)
      }),
      { numRuns: 60 },
    )
    expect(unset).toBeGreaterThan(60)
  })

  test('a route that is gone costs no nonce, and a new one goes on', () => {
    const sending = key()
    const { worker, dropped, state, handle } = encryptor({ key: sending })
    state.isClosed = true
    handle(100)
    expect(sending.nonce).toBe(0)
    expect(dropped).toHaveLength(100)
    state.isClosed = false
    worker.setRoute(Route.of('other', 'peer'))
    handle(3)
    expect(sending.nonce).toBe(3)
  })

  test('a route that fails under a batch costs less than the peer’s window, and nothing after that', () => {
    const sending = key()
    const dispatch = (): undefined => {
      throw new OckamError('routing/unknown-address', 'gone')
    }
    const { dropped, failures, handle } = encryptor({ key: sending, dispatch })
    handle(100)
    expect(sending.nonce).toBe(16)
    expect(dropped).toEqual(Array.from({ length: 100 }, () => 'route-lost'))
    handle(100)
    expect(sending.nonce).toBe(16)
    expect(failures).toHaveLength(0)
  })

  test('a message the next hop does not take is dropped alone', () => {
    let calls = 0
    const dispatch = (): undefined => {
      if (++calls === 2) throw new OckamError('routing/mailbox-overflow', 'full')
    }
    const { dropped, worker, handle } = encryptor({ key: key(), dispatch })
    handle(5)
    expect(dropped).toEqual(['not-accepted'])
    expect(worker.sent).toBe(4)
    expect(worker.isRouteLost).toBe(false)
  })

  test('a vault that fails to seal ends the channel with a report, and no nonce is used again', () => {
    const broken = {
      sealInto: () => {
        throw new Error('token removed')
      },
      destroy: () => undefined,
    } as unknown as AeadKey
    const sending = new SendingKey(broken)
    const { failures, dropped, handle } = encryptor({ key: sending })
    handle(4)
    expect(failures).toHaveLength(1)
    expect(dropped).toEqual(['closed', 'closed', 'closed', 'closed'])
    expect(sending.nonce).toBe(4)
  })

  test('a batch lies in slabs of bounded size, and a large message has one of its own', () => {
    const { sent, worker, context } = encryptor({ key: key() })
    const large = { ...message, payload: new Uint8Array(200_000) } as LocalMessage
    dropPressure(worker.handleBatch([...Array.from({ length: 2000 }, () => message), large, message], context))
    expect(sent).toHaveLength(2002)
    const sizes = new Set(sent.map(({ payload }) => payload.buffer))
    for (const buffer of sizes) expect(buffer.byteLength <= 65_536 || buffer.byteLength < 200_100).toBe(true)
    expect(sent.every(({ isExclusive, returnRoute }) => isExclusive === true && returnRoute.isEmpty)).toBe(true)
  })
})
