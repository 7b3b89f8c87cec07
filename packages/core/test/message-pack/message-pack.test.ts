import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { Address } from '../../src/address.ts'
import { OckamError } from '../../src/error.ts'
import { Identifier } from '../../src/identifier.ts'
import { type LocalMessage, NO_LOCAL_INFO } from '../../src/message.ts'
import {
  decodeEnvelope,
  decodeMessagePack,
  type EnvelopeKind,
  encodeEnvelope,
  encodeMessagePack,
  type MessagePackBody,
  messagePack,
  type StandardSchema,
  unchecked,
} from '../../src/message-pack/index.ts'
import { Route } from '../../src/route.ts'
import type { Context, WorkerFunction } from '../../src/worker.ts'
import { hex, toHex } from '../hex.ts'

const invalid: unknown = expect.objectContaining({ name: 'OckamError', code: 'core/invalid-message-pack' })
const Reading = z.object({ celsius: z.number() })
const Verdict = z.object({ accepted: z.boolean() })
const readings = messagePack({ request: Reading, response: Verdict })
const peer = Identifier.fromBytes(new Uint8Array(32).fill(7))
const device = Route.of(Address.local('channel'), Address.local('device'))

/** A message for the service, by default as a decryptor of a channel delivers it. */
function messageOf(
  payload: Uint8Array,
  localInfo: LocalMessage['localInfo'] = [{ kind: 'channel-peer', identifier: peer } as never],
): LocalMessage {
  return {
    onwardRoute: Route.of(Address.local('thermostat')),
    returnRoute: device,
    payload,
    localInfo,
    source: Address.local('decryptor'),
    origin: undefined,
    forwards: 0,
    isExclusive: false,
  }
}

interface Sent {
  readonly route: string
  readonly payload: Uint8Array
}

/** Runs one message through a worker. @returns what it sent, and what it threw. */
async function run(worker: WorkerFunction, message: LocalMessage): Promise<{ sent: readonly Sent[]; error: unknown }> {
  const sent: Sent[] = []
  const unused = (): never => {
    throw new Error('a service only replies')
  }
  const context: Context = {
    address: Address.local('thermostat'),
    send: unused,
    reply: ({ returnRoute }, payload) => void sent.push({ route: String(returnRoute), payload }),
    forward: unused,
    dispatch: unused,
    request: unused,
  }
  try {
    await worker(message, context)
    return { sent, error: undefined }
  } catch (error) {
    return { sent, error }
  }
}

describe('the envelope', () => {
  test.each<[string, EnvelopeKind, number, unknown]>([
    ['930000a26869', 'one-way', 0, 'hi'],
    ['93012a81a161c3', 'request', 42, { a: true }],
    ['9302ceffffffffc0', 'reply', 4_294_967_295, null],
    ['930307af696e76616c69642d72657175657374', 'failure', 7, 'invalid-request'],
  ])('%s is a %s', (digits, kind, id, body) => {
    expect(toHex(encodeEnvelope({ kind, id, body }))).toBe(digits)
    expect(decodeEnvelope(hex(digits))).toEqual({ kind, id, body })
  })

  test.each([
    ['two parts', [1, 2]],
    ['four parts', [1, 2, 3, 4]],
    ['no array', { 0: 1, 1: 2, 2: 3 }],
    ['an unknown kind', [4, 1, null]],
    ['a negative kind', [-1, 1, null]],
    ['a kind that is a fraction', [0.5, 1, null]],
    ['a kind that is a name', ['length', 1, null]],
    ['a kind that is a bigint', [1n, 1, null]],
    ['an id over 32 bits', [1, 2 ** 32, null]],
    ['a negative id', [1, -1, null]],
    ['an id that is text', [1, '1', null]],
    ['a failure without code', [3, 1, null]],
    ['a failure with a sentence', [3, 1, 'The database at 10.0.0.1 is down.']],
    ['a failure with a long code', [3, 1, 'a'.repeat(65)]],
  ])('%s is refused', (_, parts) => {
    expect(() => decodeEnvelope(encodeMessagePack(parts))).toThrow(invalid)
  })

  test('ids and codes that could not be read are not written', () => {
    const misuse: unknown = expect.objectContaining({ code: 'core/invalid-argument' })
    for (const id of [-1, 0.5, 2 ** 32, Number.NaN]) expect(() => encodeEnvelope({ kind: 'request', id, body: null })).toThrow(misuse)
    expect(() => encodeEnvelope({ kind: 'failure', id: 1, body: 'No.' })).toThrow(misuse)
  })
})

describe('a service', () => {
  const service = readings.worker(({ celsius }, details) => ({ accepted: celsius < 30 && details.peer.identifier.equals(peer) }))

  test('answers a request on its return route, with its id, and its client reads the answer', async () => {
    const { sent, error } = await run(service, messageOf(readings.encodeRequest(42, { celsius: 21.5 })))
    expect(error).toBeUndefined()
    expect(sent.map(({ route }) => route)).toEqual([String(device)])
    expect(decodeEnvelope(sent[0]?.payload as Uint8Array)).toEqual({ kind: 'reply', id: 42, body: { accepted: true } })
    await expect(readings.decodeReply(sent[0]?.payload as Uint8Array, 42)).resolves.toEqual({ accepted: true })
  })

  test('handles a one-way message and answers nothing', async () => {
    const seen: number[] = []
    const silent = readings.worker(async ({ celsius }) => {
      seen.push(celsius)
      return { accepted: true }
    })
    const { sent, error } = await run(silent, messageOf(readings.encodeOneWay({ celsius: 3 })))
    expect([seen, sent, error]).toEqual([[3], [], undefined])
  })

  test('ignores replies and failures, so that two services cannot answer each other for ever', async () => {
    let calls = 0
    const counting = messagePack({ request: unchecked(), response: unchecked() }).worker(() => ++calls)
    for (const kind of ['reply', 'failure'] as const) {
      expect(await run(counting, messageOf(encodeEnvelope({ kind, id: 1, body: 'failed' })))).toEqual({ sent: [], error: undefined })
    }
    expect(calls).toBe(0)
  })

  test('answers a handler that throws with a code and nothing else, and reports the error here', async () => {
    const secret = new Error('password of the database is hunter2')
    const failing = readings.worker(() => {
      throw secret
    })
    const { sent, error } = await run(failing, messageOf(readings.encodeRequest(7, { celsius: 1 })))
    expect(error).toBe(secret)
    expect(sent.map(({ payload }) => toHex(payload))).toEqual([toHex(encodeEnvelope({ kind: 'failure', id: 7, body: 'failed' }))])
    await expect(readings.decodeReply(sent[0]?.payload as Uint8Array, 7)).rejects.toMatchObject({ code: 'core/request-failed' })
  })

  test('answers an answer that has no MessagePack form with the same code', async () => {
    const dated = messagePack({ request: Reading, response: unchecked<Date>() }).worker(() => new Date())
    const { sent, error } = await run(dated, messageOf(readings.encodeRequest(7, { celsius: 1 })))
    expect(OckamError.is(error, 'core/invalid-message-pack')).toBe(true)
    expect(sent.map(({ payload }) => decodeEnvelope(payload))).toEqual([{ kind: 'failure', id: 7, body: 'failed' }])
  })

  test('answers a request that fails the schema with a code, without calling the handler', async () => {
    let calls = 0
    const counting = readings.worker(() => {
      calls++
      return { accepted: true }
    })
    for (const body of [null, {}, { celsius: 'hot' }, [], { celsius: 1n }]) {
      const { sent, error } = await run(counting, messageOf(encodeEnvelope({ kind: 'request', id: 9, body })))
      expect(OckamError.is(error, 'core/invalid-message-pack')).toBe(true)
      expect(sent.map(({ payload }) => decodeEnvelope(payload))).toEqual([{ kind: 'failure', id: 9, body: 'invalid-request' }])
    }
    const oneWay = await run(counting, messageOf(encodeEnvelope({ kind: 'one-way', id: 0, body: {} })))
    expect(oneWay.sent).toEqual([])
    expect(OckamError.is(oneWay.error, 'core/invalid-message-pack')).toBe(true)
    expect(calls).toBe(0)
  })

  test('is silent towards what is no envelope, and reports it here', async () => {
    for (const payload of [hex(''), hex('c1'), hex('0568656c6c6f'), encodeMessagePack({ celsius: 1 })]) {
      const { sent, error } = await run(service, messageOf(payload))
      expect(sent).toEqual([])
      expect(OckamError.is(error, 'core/invalid-message-pack')).toBe(true)
    }
  })

  test('knows the peer of the channel, and fails when it asks for one that is not there', async () => {
    const { sent, error } = await run(service, messageOf(readings.encodeRequest(1, { celsius: 1 }), NO_LOCAL_INFO))
    expect(OckamError.is(error, 'core/peer-missing')).toBe(true)
    expect(sent.map(({ payload }) => decodeEnvelope(payload).body)).toEqual(['failed'])
    const indifferent = readings.worker((_, { message, context }) => ({
      accepted: message.localInfo.length === 0 && context.address.name === 'thermostat',
    }))
    const { sent: answered } = await run(indifferent, messageOf(readings.encodeRequest(1, { celsius: 1 }), NO_LOCAL_INFO))
    expect(answered.map(({ payload }) => decodeEnvelope(payload).body)).toEqual([{ accepted: true }])
  })

  test('keeps to its limits', async () => {
    const small = messagePack({ request: unchecked<unknown>(), response: unchecked<unknown>(), limits: { maxLength: 16 } })
    const large = messagePack({ request: unchecked<unknown>(), response: unchecked<unknown>() })
    const { sent, error } = await run(
      small.worker(() => null),
      messageOf(large.encodeRequest(1, 'x'.repeat(100))),
    )
    expect(sent).toEqual([])
    expect(OckamError.is(error, 'core/limit-exceeded')).toBe(true)
    expect(() => small.encodeRequest(1, 'x'.repeat(100))).toThrow(expect.objectContaining({ code: 'core/limit-exceeded' }))
  })
})

describe('a client', () => {
  const reply = (kind: EnvelopeKind, id: number, body: unknown): Uint8Array => encodeEnvelope({ kind, id, body })

  test('reads the answer to its own request only', async () => {
    await expect(readings.decodeReply(reply('reply', 5, { accepted: true }), 4)).rejects.toEqual(invalid)
    await expect(readings.decodeReply(reply('failure', 5, 'failed'), 4)).rejects.toEqual(invalid)
    await expect(readings.decodeReply(reply('request', 4, { accepted: true }), 4)).rejects.toEqual(invalid)
    await expect(readings.decodeReply(reply('one-way', 4, { accepted: true }), 4)).rejects.toEqual(invalid)
    await expect(readings.decodeReply(reply('reply', 4, { accepted: true }), 4)).resolves.toEqual({ accepted: true })
  })

  test('refuses an answer that fails the schema, and says where', async () => {
    await expect(readings.decodeReply(reply('reply', 4, { accepted: 'yes' }), 4)).rejects.toThrow(
      /reply does not fit its schema: accepted: /,
    )
  })

  test('learns the code of a failure', async () => {
    await expect(readings.decodeReply(reply('failure', 4, 'invalid-request'), 4)).rejects.toThrow(/invalid-request/)
  })
})

describe('schemas', () => {
  test('what they transform arrives transformed', async () => {
    const body = messagePack({
      request: z.object({ at: z.number().transform((ms) => new Date(ms)), unit: z.string().default('C') }),
      response: z.bigint(),
    })
    expectTypeOf<Parameters<typeof body.encodeRequest>[1]>().toEqualTypeOf<{ at: number; unit?: string | undefined }>()
    const { sent } = await run(
      body.worker(({ at, unit }) => (unit === 'C' ? BigInt(at.getTime()) : 0n)),
      messageOf(body.encodeRequest(1, { at: 1234 })),
    )
    await expect(body.decodeReply(sent[0]?.payload as Uint8Array, 1)).resolves.toBe(1234n)
  })

  test('may be asynchronous and of any library', async () => {
    const even: StandardSchema<number, string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) =>
          typeof value === 'number' && value % 2 === 0
            ? { value: `even ${value}` }
            : { issues: [{ message: 'odd', path: ['a', { key: 1 }] }] },
      },
    }
    const body: MessagePackBody<typeof even, StandardSchema<string>> = messagePack({ request: even, response: unchecked<string>() })
    const echo = body.worker((text) => text)
    const { sent } = await run(echo, messageOf(body.encodeRequest(1, 2)))
    await expect(body.decodeReply(sent[0]?.payload as Uint8Array, 1)).resolves.toBe('even 2')
    const { error } = await run(echo, messageOf(body.encodeRequest(1, 3)))
    expect(error).toMatchObject({ message: 'The request does not fit its schema: a.1: odd.' })
  })

  test('unchecked accepts everything, as it says', async () => {
    const body = messagePack({ request: unchecked<{ n: number }>(), response: unchecked<undefined>() })
    const { sent } = await run(
      body.worker(({ n }) => {
        expectTypeOf(n).toEqualTypeOf<number>()
        return undefined
      }),
      messageOf(encodeEnvelope({ kind: 'request', id: 1, body: 'anything' })),
    )
    expect(decodeMessagePack(sent[0]?.payload as Uint8Array)).toEqual([2, 1, null])
  })
})
