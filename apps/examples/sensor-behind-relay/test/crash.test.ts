/** `kill -9` of the relay and of the service: the device is told, with an error it can act on, and a restart makes everything work again. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode, type NodeChannel, type OckamNode, trustIdentifiers } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Reading, readings } from '../src/schema.ts'
import { endPrograms, type RunningProgram, run } from './running-program.ts'

const reading: Reading = { load: 0.5, memory: 0.5, uptimeSeconds: 1 }
const TIMEOUT_MS = 1000

let folder = ''
let device: OckamNode
let identity: Awaited<ReturnType<OckamNode['createIdentity']>>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-crash-'))
  device = await createNode({ transports: [tcp()] })
  identity = await device.createIdentity()
})

afterEach(async () => {
  await device.close()
  await endPrograms()
  await rm(folder, { recursive: true })
})

async function startRelay(listen = '/ip4/127.0.0.1/tcp/0'): Promise<{ relay: RunningProgram; address: string }> {
  const relay = run('relay', { LISTEN: listen, STATE: join(folder, 'relay') })
  return { relay, address: (await relay.line('listens on')).split(' ').at(-1) as string }
}

/** @returns the identifier it has. */
async function startService(relay: string): Promise<{ service: RunningProgram; identifier: string }> {
  const service = run('service', { RELAY: relay, DEVICE: identity.identifier.toString(), STATE: join(folder, 'service') })
  const line = await service.line('reachable at')
  return { service, identifier: line.match(/I[0-9a-f]{64}/)?.[0] as string }
}

function open(relay: string, service: string): Promise<NodeChannel> {
  const to = `${relay}/service/forward_to_service/secure/api`
  return device.openSecureChannel(to, { identity, trust: trustIdentifiers([service]), timeoutMs: TIMEOUT_MS })
}

const ask = (channel: NodeChannel, timeoutMs = 10_000): Promise<{ readonly accepted: boolean }> =>
  channel.request('thermostat', reading, { body: readings, timeoutMs })

test('when the service is killed, the device gets errors with a code; restarted, it has its identifier and its name at the relay again', async () => {
  const { address } = await startRelay()
  const first = await startService(address)
  const channel = await open(address, first.identifier)
  expect(await ask(channel)).toMatchObject({ accepted: true })

  await first.service.kill()
  await expect(ask(channel, TIMEOUT_MS)).rejects.toMatchObject({ code: 'routing/timeout' })
  await expect(open(address, first.identifier)).rejects.toMatchObject({ code: expect.stringMatching(/^(secure-channel|node)\/timeout$/) })
  await channel.close()
  expect((await channel.closed).reason).toBe('local')

  const second = await startService(address)
  expect(second.identifier).toBe(first.identifier)
  expect(await ask(await open(address, first.identifier))).toMatchObject({ accepted: true })
}, 60_000)

test('when the relay is killed, the device gets errors with a code; restarted, the service comes back to it by itself, as who it was', async () => {
  const { relay, address } = await startRelay()
  const { service, identifier } = await startService(address)
  const channel = await open(address, identifier)
  expect(await ask(channel)).toMatchObject({ accepted: true })
  expect(service.lines.filter((line) => line.includes('again'))).toEqual([])

  await relay.kill()
  await service.line('lost the relay: registering again')
  await expect(ask(channel, TIMEOUT_MS)).rejects.toMatchObject({ code: 'routing/timeout' })
  await expect(open(address, identifier)).rejects.toMatchObject({ code: 'transport/connect-failed' })
  await channel.close()

  await startRelay(address)
  await service.line('is registered with the relay again')
  expect(await ask(await open(address, identifier))).toMatchObject({ accepted: true })
}, 60_000)

test('when the relay is killed while a request waits, the request still ends by its own time limit', async () => {
  const { relay, address } = await startRelay()
  const { service, identifier } = await startService(address)
  const channel = await open(address, identifier)
  expect(await ask(channel)).toMatchObject({ accepted: true })
  service.signal('SIGSTOP')
  const waiting = ask(channel, TIMEOUT_MS)
  await relay.kill()
  await expect(waiting).rejects.toMatchObject({ code: 'routing/timeout' })
}, 60_000)
