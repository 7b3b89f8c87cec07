/** Records the vectors again and compares: what stands in the packages is what a Rust node says. `npm run capture` writes them instead. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { rust } from '../../interop/test/fixture/world.ts'
import { recordApi } from './record/api.ts'
import { recordBareStrings } from './record/bare-string.ts'
import { recordHandshakes } from './record/handshake.ts'
import { recordCredentials, recordIdentities } from './record/identity.ts'
import { closeNats } from './record/nat.ts'
import { recordPolicies } from './record/policy.ts'
import { recordPortals } from './record/portal.ts'
import { closeProxies } from './record/proxy.ts'
import { recordPuncture } from './record/puncture.ts'
import { closeSockets } from './record/raw-socket.ts'
import { comparable, type VectorFile, vectorFile } from './record/recording.ts'
import { recordRelays } from './record/relay.ts'
import { recordTcpFrames } from './record/tcp-frame.ts'
import { recordDatagrams } from './record/udp.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const isWriting = process.env['OCKAM_CAPTURE'] === 'write'

afterEach(() => {
  closeProxies()
  closeSockets()
  closeNats()
})

const RECORDINGS = [
  ['channels', recordHandshakes],
  ['identities', recordIdentities],
  ['credentials', recordCredentials],
  ['TCP frames', recordTcpFrames],
  ['API messages', recordApi],
  ['relays', recordRelays],
  ['portals', recordPortals],
  ['texts', recordBareStrings],
  ['policies', recordPolicies],
  ['UDP datagrams', recordDatagrams],
  ['punctures', recordPuncture],
] as const

test.each(RECORDINGS)('%s: what is recorded now is what the packages have', async (_, record) => {
  const recording = await record()
  const { peer } = await rust()
  const recorded = vectorFile(recording, (await peer.ask('peer.version')).crates)
  const path = join(root, recording.file)
  const kept = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as VectorFile) : undefined
  const isSame = kept !== undefined && isDeepStrictEqual(comparable(recorded), comparable(kept))
  // What changes each time stays as it is while its form does: recording again changes no file without a reason.
  if (isWriting && !isSame) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${JSON.stringify(recorded, undefined, 2)}\n`)
    console.log(`Written: ${recording.file}`)
  }
  if (!isWriting) expect(comparable(recorded)).toEqual(kept === undefined ? undefined : comparable(kept))
})
