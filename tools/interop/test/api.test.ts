/** The request and response API, each side asking the other, and what Rust clients make of answers with and without bodies. */

import { dropPressure } from '@ockam/core'
import { decodeBareData, encodeBareData } from '@ockam/core/bare'
import { trustEveryone, trustIdentifier } from '@ockam/node'
import {
  API_UNIT,
  type ApiResponse,
  decodeApiError,
  decodeApiRequest,
  decodeApiResponse,
  encodeApiError,
  encodeApiRequest,
  encodeApiResponse,
} from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { hex, ours, rust, rustListener, socketOf, unhex } from './fixture/world.ts'

/** CBOR `["x", 7]`. */
const BODY = unhex('82617807')

/** CBOR, in the long form. */
const uint32 = (value: number): Uint8Array => {
  const bytes = Uint8Array.of(0x1a, 0, 0, 0, 0)
  new DataView(bytes.buffer).setUint32(1, value)
  return bytes
}

const DENIED: Omit<ApiResponse, 'id' | 're'> = { status: 403, body: encodeApiError({ path: '/denied', method: 'GET', message: 'no' }) }

/** The same message with two bytes more behind its body, which would be no CBOR. */
const withBytesBehind = (message: Uint8Array): Uint8Array => encodeBareData(Uint8Array.of(...decodeBareData(message), 0xff, 0x1c))

describe('a Rust service answers us', () => {
  async function service() {
    const { peer, address, identifier, channels } = await rustListener()
    await peer.ask('worker.start', { address: 'service', kind: 'api', consumerOf: [channels] })
    const node = await ours()
    const identity = await node.createIdentity()
    const channel = await node.openSecureChannel(`${address}/secure/api`, { identity, trust: trustIdentifier(identifier) })
    return async (path: string, body?: Uint8Array): Promise<ApiResponse> =>
      decodeApiResponse(await channel.request('service', encodeApiRequest({ id: 0x01020304, method: 'POST', path, body })))
  }

  test('with the body we sent', async () => {
    const response = await (await service())('/body', BODY)
    expect(response).toMatchObject({ status: 200, re: 0x01020304 })
    expect(response.body).toEqual(BODY)
  })

  test('with nothing, where it says it has a body that is empty, and where it has none', async () => {
    const ask = await service()
    expect(await ask('/unit')).toMatchObject({ status: 200, re: 0x01020304, body: undefined })
    expect(await ask('/none')).toMatchObject({ status: 200, re: 0x01020304, body: undefined })
  })

  test('with errors that say why', async () => {
    const ask = await service()
    const forbidden = await ask('/forbidden')
    expect(forbidden).toMatchObject({ status: 403, re: 0x01020304 })
    expect(decodeApiError(forbidden.body as Uint8Array)).toMatchObject({ message: 'you may not', path: '/forbidden', method: 'POST' })
    const unknown = await ask('/elsewhere')
    expect(unknown.status).toBe(400)
    expect(decodeApiError(unknown.body as Uint8Array)).toMatchObject({ path: '/elsewhere' })
  })
})

describe('we answer a Rust client', () => {
  async function client() {
    const node = await ours()
    const identity = await node.createIdentity()
    await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
    const answers: Record<string, Omit<ApiResponse, 'id' | 're'>> = {
      '/body': { status: 200, body: BODY },
      '/unit': { status: 200, body: API_UNIT },
      '/none': { status: 200 },
      '/denied': DENIED,
    }
    node.startWorker('service', (message, context) => {
      const request = decodeApiRequest(message.payload)
      if (request.path === '/bare-failure') {
        // Our encoder refuses to write it.
        const header = `a4010702${hex(uint32(request.id))}0319019404f4`
        dropPressure(context.send(message.returnRoute, encodeBareData(unhex(header))))
        return
      }
      if (request.path === '/behind') {
        dropPressure(context.send(message.returnRoute, withBytesBehind(encodeApiResponse({ id: 7, re: request.id, ...DENIED }))))
        return
      }
      const [, status] = /^\/status\/(\d+)$/.exec(request.path) ?? []
      if (status !== undefined)
        answers[request.path] = { status: Number(status) as ApiResponse['status'], body: encodeApiError({ message: 'no' }) }
      const answer = answers[request.path] ?? { status: 404, body: encodeApiError({ message: 'not here' }) }
      dropPressure(context.send(message.returnRoute, encodeApiResponse({ id: 7, re: request.id, ...answer })))
    })
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const { peer } = await rust()
    const { identifier } = await peer.ask('identity.create')
    const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
    const { encryptor } = await peer.ask('channel.create', { identifier, route: [worker, 'api'] })
    return (path: string, details = {}) => peer.ask('message.api', { route: [encryptor, 'service'], path, ...details })
  }

  test('and it reads body, status and message', async () => {
    const call = await client()
    expect(await call('/body', { method: 'POST', body: '8101' })).toEqual({ body: '82617807' })
    expect(await call('/unit')).toEqual({ body: '80' })
    expect(await call('/denied')).toEqual({ status: 403, message: 'no', path: '/denied' })
    expect(await call('/elsewhere', { method: 'DELETE' })).toMatchObject({ status: 404, message: 'not here' })
  })

  test('which asks for a body in every answer but to "tell"', async () => {
    const call = await client()
    await expect(call('/none')).rejects.toThrow('expected a message body, got nothing')
    expect(await call('/none', { tell: true })).toEqual({})
  })

  test('and a failure without a body keeps its status there and here; ours writes it with one', async () => {
    const call = await client()
    expect(await call('/bare-failure')).toMatchObject({ status: 404, message: null })
    expect(decodeApiResponse(encodeBareData(unhex('a4010702010319019304f4')))).toMatchObject({ status: 403, body: undefined })
    expect(() => encodeApiResponse({ id: 7, re: 1, status: 404 })).toThrow(/./)
  })

  test('and it reads over bytes behind a body, as we do', async () => {
    const call = await client()
    expect(await call('/behind')).toEqual({ status: 403, message: 'no', path: '/denied' })
    const { body } = decodeApiResponse(withBytesBehind(encodeApiResponse({ id: 7, re: 1, ...DENIED })))
    expect(body).toEqual(DENIED.body)
    const request = decodeApiRequest(withBytesBehind(encodeApiRequest({ id: 1, method: 'POST', path: '/', body: BODY })))
    expect(request.body).toEqual(BODY)
  })

  test('and it knows the statuses of failures', async () => {
    const call = await client()
    for (const status of [400, 401, 403, 404, 405, 408, 409, 500, 501])
      expect(await call(`/status/${status}`)).toMatchObject({ status, message: 'no' })
  })
})

describe('headers of the API', () => {
  const framed = (header: string): string => hex(encodeBareData(unhex(header)))
  const plain = framed('a4 01 1a01020304 02 652f6e6f6465 03 00 04 f4'.replaceAll(' ', ''))

  test.each([
    ['keys in another order', 'a4 04 f4 03 00 02 652f6e6f6465 01 1a01020304'],
    ['an unknown key', 'a5 01 1a01020304 02 652f6e6f6465 03 00 04 f4 18ff 00'],
    ['the tag of former years', 'a5 00 1a0073c1a6 01 1a01020304 02 652f6e6f6465 03 00 04 f4'],
  ])('with %s are read by a Rust node and by us alike', async (_form, header) => {
    const { peer } = await rust()
    const bytes = framed(header.replaceAll(' ', ''))
    expect((await peer.ask('decode', { kind: 'api-request', items: [bytes] })).results).toEqual([{ ok: plain }])
    expect(decodeApiRequest(unhex(bytes))).toMatchObject({ id: 0x01020304, path: '/node', method: 'GET' })
  })

  test.each([201, 418])('with status %i are refused by a Rust node, and ours never writes one', async (status) => {
    const { peer } = await rust()
    const header = `a401070200031${status === 201 ? '8c9' : '901a2'}04f4`
    expect((await peer.ask('decode', { kind: 'api-response', items: [framed(header)] })).results[0]?.error).toBeDefined()
    // @ts-expect-error There is no such status.
    expect(() => encodeApiResponse({ id: 7, re: 1, status, body: API_UNIT })).toThrow(/./)
  })

  test('with an unknown method are refused by a Rust node, so that ours never writes one', async () => {
    const { peer } = await rust()
    const { results } = await peer.ask('decode', { kind: 'api-request', items: [framed('a4011a0102030402652f6e6f6465030904f4')] })
    expect(results[0]?.error).toBeDefined()
    // @ts-expect-error There is no such method.
    expect(() => encodeApiRequest({ id: 1, method: 'HEAD', path: '/node' })).toThrow(/./)
  })
})
