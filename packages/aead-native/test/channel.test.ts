/** A secure channel between a node with the native AEAD and one without, over TCP: neither can tell. */

import { createNode, type OckamNode, trustEveryone } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'
import { softwareVault } from '@ockam/vault-software'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { nativeAead } from '../src/index.ts'
import { NativeAeadKey } from '../src/native-aead-key.ts'
import { isBuilt, plainText } from './addon.ts'

const MESSAGES = 1000
const BURST = 50
const open: OckamNode[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const node of open.splice(0)) await node.close()
})

async function makeNode(isNative: boolean): Promise<OckamNode> {
  const { primitives } = isNative ? softwareVault({ aead: nativeAead() }) : softwareVault()
  const node = await createNode({ transports: [tcp()], vault: { primitives } })
  open.push(node)
  return node
}

/** Small ones in bursts, so that they go in batches, and every kind of large one between them. */
const lengthOf = (number: number) => (number % 10 === 9 ? (number * 6553) % 65_537 : (number * 7) % 3000)

describe.skipIf(!isBuilt)('a channel', () => {
  for (const [what, isNative] of [
    ['from native to plain', [true, false]],
    ['from plain to native', [false, true]],
    ['from native to native', [true, true]],
  ] as const)
    test(`${what} carries ${MESSAGES} messages of 0 to 64 KiB, and their answers`, { timeout: 60_000 }, async () => {
      const batches = [vi.spyOn(NativeAeadKey.prototype, 'sealMany'), vi.spyOn(NativeAeadKey.prototype, 'openMany')]
      const [client, server] = [await makeNode(isNative[0]), await makeNode(isNative[1])]
      const wrong: number[] = []
      let count = 0
      server.startWorker('sink', (message, context) => {
        if (Buffer.compare(message.payload, plainText(lengthOf(count), count)) !== 0) wrong.push(count)
        count++
        return context.reply(message, message.payload)
      })
      await server.listenSecureChannels('api', { identity: await server.createIdentity(), trust: trustEveryone() })
      const { address } = await server.listen('/ip4/127.0.0.1/tcp/0')
      const channel = await client.openSecureChannel(`${address}/secure/api`, {
        identity: await client.createIdentity(),
        trust: trustEveryone(),
      })
      for (let first = 0; first < MESSAGES; first += BURST) {
        const numbers = Array.from({ length: BURST }, (_, i) => first + i)
        const answers = await Promise.all(numbers.map((number) => channel.request('sink', plainText(lengthOf(number), number))))
        for (const [i, answer] of answers.entries()) {
          if (Buffer.compare(answer, plainText(lengthOf(first + i), first + i)) !== 0) wrong.push(first + i)
        }
      }
      expect([count, wrong]).toEqual([MESSAGES, []])
      for (const batch of batches) expect(batch.mock.calls.length).toBeGreaterThan(20)
    })
})
