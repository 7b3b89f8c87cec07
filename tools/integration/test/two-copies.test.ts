/**
 * Two installed copies of core in one program: a plug-in that brought its own. The second copy, and a transport that uses it, are laid out as the
 * package manager would: what is published, nothing else.
 */

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as core from '@ockam/core'
import { createNode, type OckamNode, trustIdentifiers } from '@ockam/node'
import { tcp as ownTcp } from '@ockam/transport-tcp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

let folder = ''
let other: typeof core
let otherTcp: typeof ownTcp
const nodes: OckamNode[] = []

async function publish(name: string): Promise<string> {
  const from = fileURLToPath(new URL(`../../../packages/${name}/`, import.meta.url))
  const to = join(folder, 'node_modules', '@ockam', name)
  await mkdir(to, { recursive: true })
  await cp(join(from, 'dist'), join(to, 'dist'), { recursive: true })
  const { publishConfig, ...manifest } = JSON.parse(await readFile(join(from, 'package.json'), 'utf8'))
  await writeFile(join(to, 'package.json'), JSON.stringify({ ...manifest, exports: publishConfig.exports }))
  return pathToFileURL(join(to, 'dist', 'index.js')).href
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ockam-two-copies-'))
  other = await import(/* @vite-ignore */ await publish('core'))
  otherTcp = (await import(/* @vite-ignore */ await publish('transport-tcp'))).tcp
})

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})

afterAll(() => rm(folder, { recursive: true }))

async function makeNode(tcp: typeof ownTcp): Promise<OckamNode> {
  const node = await createNode({ transports: [tcp()] })
  nodes.push(node)
  return node
}

describe('a second installed copy of core, and a transport that uses it', () => {
  test('really are other ones', () => {
    expect(other.Address).not.toBe(core.Address)
    expect(other.Identifier.parse(`I${'0'.repeat(64)}`)).not.toBeInstanceOf(core.Identifier)
    expect(otherTcp).not.toBe(ownTcp)
  })

  test('carry a secure channel between a node with that transport and a node with ours, each taking the values of the other copy', async () => {
    const [device, service] = [await makeNode(otherTcp), await makeNode(ownTcp)]
    const [deviceIdentity, serviceIdentity] = [await device.createIdentity(), await service.createIdentity()]
    const foreign = (identifier: core.Identifier): core.Identifier => other.Identifier.fromBytes(identifier.toBytes())

    service.startWorker(other.Address.local('shout'), ({ payload, returnRoute }, context) =>
      context.send(other.Route.of(...returnRoute), payload),
    )
    await service.listenSecureChannels(other.Address.local('api'), {
      identity: foreign(serviceIdentity.identifier),
      trust: trustIdentifiers([foreign(deviceIdentity.identifier)]),
    })
    const listener = await service.listen(other.MultiAddr.parse('/ip4/127.0.0.1/tcp/0'))
    const channel = await device.openSecureChannel(other.MultiAddr.parse(`${listener.address}/secure/api`), {
      identity: foreign(deviceIdentity.identifier),
      trust: trustIdentifiers([foreign(serviceIdentity.identifier)]),
    })
    expect(other.Identifier.is(channel.peerIdentifier)).toBe(true)
    for (const route of [other.Route.of('shout'), [other.Address.local('shout')], 'shout']) {
      expect(await channel.request(route, new Uint8Array([1, 2, 3]))).toEqual(new Uint8Array([1, 2, 3]))
    }
  })

  test('understand each other’s errors', async () => {
    const node = await makeNode(otherTcp)
    const refused = await node.connect('/ip4/127.0.0.1/tcp/1', { timeoutMs: 5000 }).catch((error: unknown) => error)
    expect(refused).not.toBeInstanceOf(core.OckamError)
    expect(core.OckamError.is(refused, 'transport/connect-failed')).toBe(true)
    const unknown = await node.request('nobody', new Uint8Array(1)).catch((error: unknown) => error)
    expect(unknown).toBeInstanceOf(core.OckamError)
    expect(other.OckamError.is(unknown, 'routing/unknown-address')).toBe(true)
  })

  test('decode routes that our nodes use, and are sent as ours', async () => {
    const [from, to] = [await makeNode(ownTcp), await makeNode(otherTcp)]
    const heard: string[] = []
    to.startWorker('ear', ({ returnRoute }) => void heard.push(`${other.Route.is(returnRoute)} ${core.Route.is(returnRoute)}`), {
      from: 'anyone',
    })
    const listener = await to.listen('/ip4/127.0.0.1/tcp/0')
    const { address } = await from.connect(listener.address)
    core.dropPressure(from.send(other.Route.of(address, 'ear'), new Uint8Array(1)))
    await from.request(other.Route.of(address, 'echo'), new Uint8Array(1))
    expect(heard).toEqual(['true true'])
  })
})
