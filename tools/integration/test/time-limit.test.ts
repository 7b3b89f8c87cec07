/** One `timeoutMs` for what takes several steps, over a transport that takes whole milliseconds. */

import { createNode, type OckamNode, trustEveryone } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { afterEach, expect, test } from 'vitest'

const nodes: OckamNode[] = []

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close()
})

async function makeNode(): Promise<OckamNode> {
  const node = await createNode({ transports: [tcp()] })
  nodes.push(node)
  return node
}

test('regression: what is left of a time limit is a whole number, so that channels and relays open over TCP', async () => {
  const [client, server] = [await makeNode(), await makeNode()]
  server.startRelayService()
  await server.listenSecureChannels('api', { identity: await server.createIdentity(), trust: trustEveryone() })
  const { address } = await server.listen('/ip4/127.0.0.1/tcp/0')
  // A fraction to begin with leaves a fraction in any case.
  const timeoutMs = 20_000.5
  const relay = await client.createRelay(address, { name: 'client', timeoutMs })
  expect(relay.address.name).toBe('forward_to_client')
  const identity = await client.createIdentity()
  const channel = await client.openSecureChannel(`${address}/secure/api`, { identity, trust: trustEveryone(), timeoutMs })
  expect(await channel.request('echo', new Uint8Array([7]), { timeoutMs })).toEqual(new Uint8Array([7]))
})
