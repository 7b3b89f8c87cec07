/** A live channel outlives its connection: it goes on over another connection and another transport, and nothing is accepted twice. */

import { connect } from 'node:net'
import { dropPressure } from '@ockam/core'
import { createNode, type OckamNode, trustIdentifiers } from '@ockam/node'
import type { SecureChannel } from '@ockam/secure-channel'
import { memoryNetwork } from '@ockam/transport-memory'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, expect, test } from 'vitest'
import { until } from './fixture/child.ts'
import { CutProxy, portOf } from './fixture/cut-proxy.ts'

const TCP = '/ip4/127.0.0.1/tcp/0'
const cleanUp: (() => unknown)[] = []

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task()
})

const numbered = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 0xff)

async function world() {
  const network = memoryNetwork({ encode: true })
  const [device, service]: [OckamNode, OckamNode] = [
    await createNode({ transports: [tcp(), network.transport('device')] }),
    await createNode({ transports: [tcp(), network.transport('service')] }),
  ]
  cleanUp.push(() => Promise.all([device.close(), service.close()]))
  const [deviceIdentity, serviceIdentity] = [await device.createIdentity(), await service.createIdentity()]
  const inbox: number[] = []
  service.startWorker('inbox', ({ payload, returnRoute }, context) => {
    inbox.push(((payload[0] as number) << 8) | (payload[1] as number))
    return returnRoute.length > 1 ? context.send(returnRoute, payload) : undefined
  })
  await service.listenSecureChannels('api', { identity: serviceIdentity, trust: trustIdentifiers([deviceIdentity.identifier]) })
  const first = (await service.listen(TCP)).address.toString()
  const proxy = await CutProxy.to(first)
  cleanUp.push(() => proxy.cut())
  const channel = await device.openSecureChannel(`${proxy.address}/secure/api`, {
    identity: deviceIdentity,
    trust: trustIdentifiers([serviceIdentity.identifier]),
  })
  let next = 0
  /** Sends some messages and waits for the answer to each. */
  const exchange = async (count: number): Promise<void> => {
    for (const end = next + count; next < end; next++) {
      const payload = numbered(next)
      expect(await channel.request('inbox', payload, { timeoutMs: 5000 })).toEqual(payload)
    }
  }
  await exchange(10)
  const [accepted] = service.channels.channels() as [SecureChannel]
  /** The same channel on both sides, and an inbox without repetitions and in order. */
  const expectSame = (): void => {
    expect(service.channels.channels()).toEqual([accepted])
    expect(device.channels.channels()).toEqual([channel.channel])
    expect(channel.channel.channelBinding()).toEqual(accepted.channelBinding())
    expect(inbox).toEqual([...new Set(inbox)].sort((a, b) => a - b))
  }
  return { device, service, proxy, first, channel, accepted, inbox, exchange, expectSame, skip: () => next++ }
}

test('the TCP connection is cut: the same channel goes on over a second one, then over another transport, then over TCP again', async () => {
  const { service, proxy, channel, inbox, exchange, expectSame, skip } = await world()
  const binding = channel.channel.channelBinding()

  // Some are on their way when the cable is cut: they may arrive or be lost, never both.
  for (let i = 0; i < 8; i++) dropPressure(channel.send('inbox', numbered(skip())))
  proxy.cut()
  const second = (await service.listen(TCP)).address.toString()
  await channel.moveTo(second)
  await exchange(40)
  expectSame()

  await service.listen('/memory/service')
  await channel.moveTo('/memory/service')
  await exchange(40)
  expectSame()

  await channel.moveTo(second)
  await exchange(40)
  expectSame()
  expect(channel.channel.channelBinding()).toEqual(binding)
  expect(inbox.length).toBeGreaterThanOrEqual(130)
}, 60_000)

test('what was captured on the first connection and played again on others is refused, and does not move the channel', async () => {
  const { service, proxy, first, channel, accepted, inbox, exchange, expectSame } = await world()
  const recording = proxy.sent
  const before = inbox.length
  /** Messages refused because they were accepted before, or are older than the window. */
  const refused = (): number => {
    const { seen = 0, old = 0 } = accepted.statistics().refused
    return seen + old
  }
  expect(refused()).toBe(0)

  const replay = async (): Promise<void> => {
    const already = refused()
    const socket = connect(portOf(first), '127.0.0.1')
    cleanUp.push(() => socket.destroy())
    socket.on('error', () => undefined).write(recording)
    await until(refused, (count) => count >= already + before, 'every repeated message was refused')
  }
  await replay()
  proxy.cut()
  await replay()
  await channel.moveTo((await service.listen(TCP)).address)
  await exchange(10)
  await replay()
  await exchange(10)
  expectSame()
  expect(inbox).toHaveLength(before + 20)
}, 60_000)
