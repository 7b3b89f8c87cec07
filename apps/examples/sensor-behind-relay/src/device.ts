/** The device: sends readings of this machine to the service, end to end, and prints the answers. */

import { freemem, loadavg, totalmem, uptime } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNode, OckamError, trustIdentifiers } from '@ockam/node'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { type Reading, readings } from './schema.ts'
import { setting, stateFolder } from './setting.ts'

const relay = setting('RELAY', '/ip4/127.0.0.1/tcp/4000')
const service = setting('SERVICE', '$(node dist/identity.js ./service)')
const count = Number(process.env.COUNT ?? '5')
const timeoutMs = Number(process.env.TIMEOUT_MS ?? '10000')

const node = await createNode({ store: fileStore(stateFolder('./device')), transports: [tcp()] })
try {
  const identity = await node.createIdentity({ name: 'main' })
  const address = `${relay}/service/forward_to_service/secure/api`
  const channel = await node.openSecureChannel(address, { identity, trust: trustIdentifiers([service]), timeoutMs })
  console.log(`has proof that it talks to ${channel.peerIdentifier}, and sends its own`)
  for (let i = 0; i < count; i++) {
    const { accepted, note } = await channel.request('thermostat', reading(), { body: readings, timeoutMs })
    console.log(`was told: ${accepted ? 'accepted' : 'refused'}, ${note}`)
    await sleep(200)
  }
  await channel.close()
} catch (error) {
  if (!OckamError.is(error)) throw error
  console.error(`error: ${error.message} (${error.code})`)
  process.exitCode = 1
} finally {
  await node.close()
}

function reading(): Reading {
  return { load: loadavg()[0] ?? 0, memory: 1 - freemem() / totalmem(), uptimeSeconds: uptime() }
}
