import { dropPressure } from '@ockam/core'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as core from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytes, text } from './fixture/bytes.ts'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { until } from './fixture/settle.ts'

let folder = ''
let other: typeof core

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-second-core-'))
  await cp(fileURLToPath(new URL('../../core/src', import.meta.url)), folder, { recursive: true })
  other = (await import(pathToFileURL(join(folder, 'index.ts')).href)) as typeof core
})

afterAll(() => rm(folder, { recursive: true }))

describe('a second installed copy of core', () => {
  test('really is another one', () => {
    expect(other.Address).not.toBe(core.Address)
    expect(other.Address.local('x')).not.toBeInstanceOf(core.Address)
  })

  test('has addresses, routes and MultiAddrs that a router takes as its own', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    router.startWorker(other.Address.local('echo'), (message, context) => context.send(message.returnRoute, message.payload), {
      from: 'local',
      aliases: [other.Address.local('alias')],
    })
    for (const route of [other.Route.of('echo'), other.Address.local('alias'), [other.Address.local('echo')]]) {
      expect(text((await router.context.request(route, bytes('hello'))).payload)).toBe('hello')
    }
    const { address } = await router.connect(other.MultiAddr.parse('/script/a', transport.protocols))
    dropPressure(router.context.send(other.Route.of(address, 'far'), bytes('x')))
    const [connection] = transport.connections
    await until(() => connection!.sent.length === 1)
    expect(connection?.sent[0]?.onward).toBe('0#far')
  })

  test('has transports whose messages a router delivers, and takes its errors for what they are', async () => {
    const transport = new ScriptedTransport()
    const router = createRouter({ transports: [transport] })
    await router.connect('/script/a')
    const mailbox = router.createMailbox('box', { from: 'anyone' })
    const message = { onwardRoute: other.Route.of('box'), returnRoute: other.Route.of('a', 'b'), payload: bytes('x') }
    dropPressure(transport.services.deliver(transport.connections[0]!, message, true))
    const arrived = await mailbox.receive()
    expect(arrived.returnRoute.length).toBe(3)
    dropPressure(mailbox.send(arrived.returnRoute, bytes('answer')))
    await until(() => transport.connections[0]!.sent.length === 1)
    expect(transport.connections[0]?.sent[0]?.onward).toBe('0#a => 0#b')
    const error = await router.context.request('nobody', bytes('x')).catch((reason: unknown) => reason)
    expect(other.OckamError.is(error, 'routing/unknown-address')).toBe(true)
  })
})
