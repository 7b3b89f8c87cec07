/**
 * The relay learns nothing: everything it receives and sends, on both of its connections, is captured and searched for what device and service say, for
 * who they are, and for the addresses behind the channel.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dropPressure } from '@ockam/core'
import { createNode, Identifier } from '@ockam/node'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RecordingProxy } from './recording-proxy.ts'
import { endPrograms, type RunningProgram, run } from './running-program.ts'

let folder = ''
const proxies: RecordingProxy[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-capture-'))
})

afterEach(async () => {
  await endPrograms()
  for (const proxy of proxies.splice(0)) proxy.close()
  await rm(folder, { recursive: true })
})

interface Secret {
  readonly what: string
  readonly bytes: Buffer
}

async function identify(name: string): Promise<Identifier> {
  const program = run('identity', {}, [join(folder, name)])
  await program.exited
  return Identifier.parse(program.lines[0] ?? '')
}

/** Everything an identity consists of in public: even that is nobody's business on the way. */
async function identitySecrets(name: string, identifier: Identifier): Promise<readonly Secret[]> {
  const node = await createNode({ store: fileStore(join(folder, name)) })
  const history = Buffer.from(await node.identities.export(identifier))
  await node.close()
  const digits = identifier.toString().slice(1)
  // Any 16 bytes in a row of a history: its keys, its signatures.
  const pieces = Array.from({ length: history.length - 15 }, (_, at) => history.subarray(at, at + 16))
  return [
    { what: `identifier of the ${name} as text`, bytes: Buffer.from(digits) },
    { what: `identifier of the ${name} as text in capitals`, bytes: Buffer.from(digits.toUpperCase()) },
    { what: `identifier of the ${name} in bytes`, bytes: Buffer.from(identifier.toBytes()) },
    ...pieces.map((bytes, at) => ({ what: `history of the ${name} from byte ${at}`, bytes })),
  ]
}

const plaintext: readonly Secret[] = ['thermostat', 'uptimeSeconds', 'memory', 'accepted', 'all is well'].map((text) => ({
  what: `"${text}"`,
  bytes: Buffer.from(text),
}))

function foundIn(captures: readonly Buffer[], secrets: readonly Secret[]): string[] {
  return secrets.filter(({ bytes }) => captures.some((capture) => capture.includes(bytes))).map(({ what }) => what)
}

async function relayBetweenProxies(): Promise<{ relay: RunningProgram; forService: RecordingProxy; forDevice: RecordingProxy }> {
  const relay = run('relay', { LISTEN: '/ip4/127.0.0.1/tcp/0', STATE: join(folder, 'relay') })
  const port = Number((await relay.line('listens on')).split('/').at(-1))
  const [forService, forDevice] = [await RecordingProxy.to(port), await RecordingProxy.to(port)]
  proxies.push(forService, forDevice)
  return { relay, forService, forDevice }
}

const through = (proxy: RecordingProxy): string => `/ip4/127.0.0.1/tcp/${proxy.port}`

test('of all bytes to and from the relay, none tells a reading, an answer, an identity or an inner address', async () => {
  const [service, device] = [await identify('service'), await identify('device')]
  const { relay, forService, forDevice } = await relayBetweenProxies()
  const serviceProgram = run('service', { RELAY: through(forService), DEVICE: device.toString(), STATE: join(folder, 'service') })
  await serviceProgram.line('reachable at')
  const deviceProgram = run('device', { RELAY: through(forDevice), SERVICE: service.toString(), STATE: join(folder, 'device'), COUNT: '4' })
  expect(await deviceProgram.exited, deviceProgram.lines.join('\n')).toBe(0)
  expect(serviceProgram.lines.filter((line) => line.includes('says load'))).toHaveLength(4)
  serviceProgram.signal('SIGTERM')
  expect(await serviceProgram.exited).toBe(0)

  const captures = [...forService.captured, ...forDevice.captured]
  const secrets = [...plaintext, ...(await identitySecrets('service', service)), ...(await identitySecrets('device', device))]
  expect(secrets.length).toBeGreaterThan(200)
  expect(foundIn(captures, secrets)).toEqual([])

  // All of it was captured: the outer addresses, and the beginning of every payload that the relay itself says it saw, once on its way in.
  const received = [forService.captured[0], forDevice.captured[0]]
  for (const outer of ['forward_to_service', 'static_forwarding_service', 'api']) {
    expect(received.some((capture) => capture.includes(outer))).toBe(true)
  }
  const seen = relay.lines.flatMap((line) => line.match(/^sees \d+ bytes ([0-9a-f]+)…/)?.[1] ?? [])
  expect(seen.length).toBeGreaterThan(10)
  for (const start of seen) expect(received.some((capture) => capture.includes(Buffer.from(start, 'hex')))).toBe(true)
}, 60_000)

test('the same search finds everything when it is sent without a channel', async () => {
  const service = await identify('service')
  const { forDevice } = await relayBetweenProxies()
  const secrets = [...plaintext, ...(await identitySecrets('service', service))]
  const node = await createNode({ transports: [tcp()] })
  try {
    const { address } = await node.connect(through(forDevice))
    for (const { bytes } of secrets) dropPressure(node.send([address, 'forward_to_service', 'thermostat'], new Uint8Array(bytes)))
    for (let i = 0; i < 400 && foundIn(forDevice.captured, secrets.slice(-1)).length === 0; i++) await sleep(10)
    expect(foundIn(forDevice.captured, secrets)).toEqual(secrets.map(({ what }) => what))
  } finally {
    await node.close()
  }
}, 60_000)
