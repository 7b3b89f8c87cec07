import { transportConformance } from '@ockam/conformance'
import type { TransportFactory, TransportServices } from '@ockam/core'
import { createRouter, startEcho } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { bytes, text } from './fixture/bytes.ts'
import { quic } from './fixture/quic.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'

describe("Somebody else's transport", () => {
  for (const check of transportConformance({ factory: quic(), listenAt: '/ip4/127.0.0.1/quic/0' })) test(check.name, check.run)

  test('needs nothing but its names and what makes it: its hops follow from them', async () => {
    const server = createRouter({ transports: [quic()] })
    startEcho(server)
    const { address } = await server.listen('/ip4/0.0.0.0/quic/0')
    const port = address.pieces[1]?.value
    const client = createRouter({ transports: [quic()] })
    for (const host of ['/ip4/127.0.0.1', '/ip6/::1', '/dnsaddr/example.com']) {
      const open = await client.resolve(`${host}/quic/${port}/service/echo`)
      const { payload } = await client.context.request(open.route, bytes('hello'), { timeoutMs: 5000 })
      expect(text(payload)).toBe('hello')
      await open.close()
    }
    await Promise.all([client.close(), server.close()])
  })

  test('whose name takes no port is reached by the name alone', async () => {
    const scripted = new ScriptedTransport()
    const router = createRouter({ transports: [{ protocols: scripted.protocols, create: (services) => scripted.create(services) }] })
    await router.connect('/script/a')
    await expect(router.connect('/ip4/127.0.0.1/script/a')).rejects.toMatchObject({ code: 'routing/unresolvable' })
    expect(scripted.connections.map(({ remote }) => remote)).toEqual(['/script/a'])
  })

  test('may say itself what it is for, and is then for nothing else', async () => {
    const router = createRouter({ transports: [{ ...quic(), hops: [['ip4', 'quic']] }] })
    await expect(router.connect('/dnsaddr/example.com/quic/1')).rejects.toMatchObject({ code: 'routing/unresolvable' })
    await router.close()
  })

  const create = (services: TransportServices): ReturnType<TransportFactory['create']> => quic().create(services)
  const { protocols } = quic()
  test.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['text', 'quic'],
    ['a factory that was not called', quic],
    ['an object without protocols', { create }],
    ['protocols that are no list', { protocols: 'quic', create }],
    ['a protocol that is nothing', { protocols: [undefined], create }],
    ['a protocol without a code', { protocols: [{ name: 'quic', value: 'port' }], create }],
    ['no create', { protocols }],
    ['neither names nor hops', { protocols: [], create }],
    ['hops that are no list', { protocols, hops: 'quic', create }],
    ['hops of bare names', { protocols, hops: ['quic'], create }],
    ['an empty hop', { protocols, hops: [[]], create }],
    ['no hops', { protocols, hops: [], create }],
    ['a transport that is nothing', { protocols, create: () => undefined }],
    ['a transport without close', { protocols, create: () => ({ connect: () => undefined, listen: () => undefined }) }],
  ])('is refused with a typed error, and leaves nothing behind, when it is %s', (_, factory) => {
    const refused = expect.objectContaining({ code: 'routing/invalid-argument' })
    expect(() => createRouter({ transports: [factory as TransportFactory] })).toThrow(refused)
    const router = createRouter()
    expect(() => router.addTransport(factory as TransportFactory)).toThrow(refused)
    router.addTransport(quic())
  })
})

test('The limit of addresses is that of the node, also where messages are decoded.', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `hop-${i}`)
  for (const [maxAddresses, arrives] of [
    [50, true],
    [41, false],
  ] as const) {
    const server = createRouter({ transports: [quic()], maxAddresses })
    const box = server.createMailbox('hop-0', { from: 'anyone' })
    const { address } = await server.listen('/ip4/127.0.0.1/quic/0')
    const client = createRouter({ transports: [quic()], maxAddresses: 100 })
    const connection = await client.connect(address)
    await client.context.send([connection.address, ...names], bytes('far'))
    await client.context.send([connection.address, 'hop-0'], bytes('near'))
    expect(text((await box.receive({ timeoutMs: 5000 })).payload)).toBe(arrives ? 'far' : 'near')
    expect(server.services.maxAddresses).toBe(maxAddresses)
    await Promise.all([client.close(), server.close()])
  }
})
