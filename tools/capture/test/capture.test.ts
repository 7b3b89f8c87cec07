/** Records the vectors again and compares: what stands in the packages is what a Rust node says. `npm run capture` writes them instead. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { rust } from '../../interop/test/fixture/world.ts'
import { closeProxies, recordHandshakes } from './record/handshake.ts'
import { recordCredentials, recordIdentities } from './record/identity.ts'
import { comparable, type VectorFile, vectorFile } from './record/recording.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const isWriting = process.env['OCKAM_CAPTURE'] === 'write'

afterEach(closeProxies)

const RECORDINGS = [
  ['channels', recordHandshakes],
  ['identities', recordIdentities],
  ['credentials', recordCredentials],
] as const

test.each(RECORDINGS)('%s: what is recorded now is what the packages have', async (_, record) => {
  const recording = await record()
  const { peer } = await rust()
  const recorded = vectorFile(recording, (await peer.ask('peer.version')).crates)
  const path = join(root, recording.file)
  if (isWriting) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `${JSON.stringify(recorded, undefined, 2)}\n`)
  }
  const kept = JSON.parse(readFileSync(path, 'utf8')) as VectorFile
  expect(comparable(recorded)).toEqual(comparable(kept))
})
