/** A conversation that is cut short over TCP cannot be mistaken for one that was finished (threat model, row 9). */

import { dropPressure } from '@ockam/core'
import { createNode, type OckamNode, trustIdentifiers } from '@ockam/node'
import type { SecureChannel } from '@ockam/secure-channel'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, expect, test } from 'vitest'
import { until } from './fixture/child.ts'
import { CutProxy } from './fixture/cut-proxy.ts'

const cleanUp: (() => unknown)[] = []

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task()
})

const MESSAGE_BYTES = 1000
const numbered = (n: number): Uint8Array => new Uint8Array(MESSAGE_BYTES).fill(n & 0xff).fill(n >> 8, 0, 1)
const numberOf = (payload: Uint8Array): number => ((payload[0] as number) << 8) | (payload[1] as number)

async function world() {
  const [device, service]: [OckamNode, OckamNode] = [await createNode({ transports: [tcp()] }), await createNode({ transports: [tcp()] })]
  cleanUp.push(() => Promise.all([device.close(), service.close()]))
  const [deviceIdentity, serviceIdentity] = [await device.createIdentity(), await service.createIdentity()]
  const inbox: number[] = []
  service.startWorker('inbox', ({ payload, returnRoute }, context) => {
    inbox.push(numberOf(payload))
    return returnRoute.length > 1 ? context.send(returnRoute, payload) : undefined
  })
  // The grace is for the way to come back, which it does not here; its length changes nothing but the time this takes.
  const side = { routeGraceMs: 100 }
  await service.listenSecureChannels('api', {
    identity: serviceIdentity,
    trust: trustIdentifiers([deviceIdentity.identifier]),
    ...side,
  })
  const proxy = await CutProxy.to(String((await service.listen('/ip4/127.0.0.1/tcp/0')).address))
  cleanUp.push(() => proxy.cut())
  const connection = await device.connect(proxy.address)
  const channel = await device.channels.createChannel([connection.address, 'api'], {
    identity: deviceIdentity.identifier,
    trust: trustIdentifiers([serviceIdentity.identifier]),
    ...side,
  })
  await device.request([channel.address, 'inbox'], numbered(0))
  const [accepted] = service.channels.channels() as [SecureChannel]
  const send = (n: number): void => dropPressure(device.send([channel.address, 'inbox'], numbered(n)))
  return { device, service, proxy, channel, accepted, inbox, send }
}

test('row 9: a TCP connection that is cut in the middle of a message makes both ends "cut": the half is nobody’s, what came before is whole', async () => {
  const { device, service, proxy, channel, accepted, inbox, send } = await world()
  // Room for some of the messages and for a part of one more, whatever a frame costs beyond its payload.
  proxy.cutAfter(50 * MESSAGE_BYTES + MESSAGE_BYTES / 2)
  for (let n = 1; n <= 200; n++) send(n)

  expect(await channel.closed).toMatchObject({ reason: 'cut', error: { code: 'secure-channel/route-lost' } })
  expect(await accepted.closed).toMatchObject({ reason: 'cut', error: { code: 'secure-channel/route-lost' } })
  expect(inbox).toEqual(Array.from(inbox, (_, n) => n))
  expect(inbox.length).toBeLessThanOrEqual(51)
  await until(
    () => [device, service].map((node) => node.router.statistics().connections),
    (connections) => connections.every((count) => count === 0),
    'both nodes have forgotten the connection',
  )
})

test('row 9: over the same TCP connection a channel that is closed after its last message says so, and that message is there', async () => {
  const { channel, accepted, inbox, send } = await world()
  for (let n = 1; n <= 200; n++) send(n)
  await channel.close()
  expect([await channel.closed, await accepted.closed].map(({ reason }) => reason)).toEqual(['local', 'peer'])
  await until(
    () => inbox.length,
    (count) => count === 201,
    'all messages are there',
  )
  expect(inbox).toEqual(Array.from(inbox, (_, n) => n))
})
