/** Answers of the published nodes that are not part of this repository (identity-channels.json) are used by its tests, every one of them. */

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unusedVectors } from '../src/external-vector.ts'
import { filesBelow, textOf } from '../src/repository.ts'

const folder = process.env['OCKAM_EXTERNAL_VECTORS'] ?? ''
const file = join(folder, 'identity-channels.json')
const isThere = folder !== '' && existsSync(file)
if (!isThere) console.log('use of external vectors: skipped, because OCKAM_EXTERNAL_VECTORS names no folder with identity-channels.json')

test.skipIf(!isThere)('external vectors: each that the published nodes carry is read or repeated by a test of a package', async () => {
  const { repo_vectors: vectors } = JSON.parse(await readFile(file, 'utf8')) as { repo_vectors: Readonly<Record<string, unknown>> }
  const sources = (await filesBelow('packages', '.ts')).filter((path) => path.includes('/test/'))
  const used = await Promise.all(sources.map(textOf))
  expect(unusedVectors(vectors, used)).toEqual([])
  console.log(`use of external vectors: ${Object.keys(vectors).length} of identity-channels.json are in use`)
})

describe('a vector is in use', () => {
  const [one, two] = ['ab'.repeat(16), 'cd'.repeat(32)]
  const vectors = { known: { from: 'somewhere', answers: [{ input: one }, { output: two }] } }

  test('when a test reads it by its name', () => {
    expect(unusedVectors(vectors, ['for (const { input } of repo.known.answers)'])).toEqual([])
    expect(unusedVectors(vectors, ['repo_vectors.known'])).toEqual([])
    expect(unusedVectors(vectors, ['repo.known_otherwise', 'known', 'repo.unknown'])).toEqual(['known'])
  })

  test('when all its bytes stand in tests, in one file or several, broken into lines or not', () => {
    expect(unusedVectors(vectors, [`hex('${one}')`, `hex(\`${two.slice(0, 20)}\n  ${two.slice(20)}\`)`])).toEqual([])
    expect(unusedVectors(vectors, [`hex('${one}')`])).toEqual(['known'])
  })

  test('when what is a padded name stands in a test as that name', () => {
    const padded = { name: Buffer.from('Noise_XX_25519\0\0').toString('hex'), computed_here: two }
    expect(unusedVectors({ padded }, ["initialize('Noise_XX_25519')"])).toEqual([])
    expect(unusedVectors({ padded }, ["initialize('Noise_XK_25519')"])).toEqual(['padded'])
  })

  test('never, when it has no bytes to be found by', () => {
    expect(unusedVectors({ empty: { from: 'somewhere' } }, [one])).toEqual(['empty'])
  })
})
