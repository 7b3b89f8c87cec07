/** The request and response API, each side asking the other, and what Rust clients make of answers with and without bodies. */

import { dropPressure } from '@ockam/core'
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
import { ours, rust, rustListener, socketOf, unhex } from './fixture/world.ts'

/** CBOR `["x", 7]`. */
const BODY = unhex('82617807')

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
      '/denied': { status: 403, body: encodeApiError({ path: '/denied', method: 'GET', message: 'no' }) },
    }
    node.startWorker('service', (message, context) => {
      const request = decodeApiRequest(message.payload)
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
})
