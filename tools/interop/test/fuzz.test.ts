/**
 * Differential fuzzing: the same bytes, valid, unusual and broken, to our decoders and verifiers and to those of a Rust node. What each known
 * difference is about stands in docs/compatibility.md. The same seed in a plain `npm test`, for one minute, and in continuous integration, for longer; other
 * seeds every night, and with `npm run fuzz -- --minutes 30 --seed 7` for as long as one likes.
 */

import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { RustPeer, stopRustPeers } from './fixture/rust-peer.ts'
import { compare, isDifference } from './fuzz/comparison.ts'
import { Corpus, DATED_KINDS, keptExamples, resultOf } from './fuzz/corpus.ts'
import { fuzzSubjects, hexOf, kinds, NOT_COMPARED } from './fuzz/kind.ts'
import { KNOWN_DIFFERENCES, knownDifference } from './fuzz/known-difference.ts'
import { SeededRandom } from './fuzz/random.ts'
import { runSession } from './fuzz/session.ts'

const seed = Number(process.env.OCKAM_FUZZ_SEED ?? 1)
const durationMs = 1000 * Number(process.env.OCKAM_FUZZ_SECONDS ?? 60)
const corpus = process.env.OCKAM_FUZZ_EXAMPLES === 'write' ? new Corpus() : undefined
/** The last turn takes seconds; on a loaded machine many times longer. */
const SLACK_MS = 180_000
const PROGRESS_MS = 60_000

afterEach(stopRustPeers)

describe('differential fuzzing', () => {
  test('we and a Rust node read the same bytes alike, apart from the known differences', { timeout: durationMs + SLACK_MS }, async () => {
    console.log(`differential fuzzing: ${durationMs / 1000} s, seed ${seed}`)
    const peer = await RustPeer.start()
    const start = performance.now()
    let nextProgress = PROGRESS_MS
    const report = await runSession(peer, {
      seed,
      durationMs,
      onCase: (kind, one, id) => corpus?.offer(kind, one, id),
      onProgress: (cases) => {
        if (performance.now() - start < nextProgress) return
        console.log(`${cases} cases in ${Math.round(nextProgress / 1000)} s`)
        nextProgress += PROGRESS_MS
      },
    })
    const known = [...report.known].map(([id, count]) => `${id} ${count}`).join(', ')
    console.log(`differential fuzzing: ${report.cases} cases; both accept ${report.accepted}; known differences: ${known}`)
    for (const [kind, reason] of Object.entries(NOT_COMPARED)) console.log(`not compared: ${kind}, because ${reason}`)
    expect(report.unknown.join('\n'), `seed ${seed}`).toBe('')
    // A generator that makes nothing valid would find nothing.
    expect(report.accepted).toBeGreaterThan(report.cases / 10)
    const subjects = fuzzSubjects(new SeededRandom(seed)).map(({ history }) => history)
    await corpus?.write(peer, subjects)
  })

  test('the verdicts that packages keep are those of both sides, and every known difference has one', async () => {
    const peer = await RustPeer.start()
    const examples = keptExamples()
    // Attestations and credentials grow old: the package that keeps them replays them at their time.
    for (const kind of await kinds(peer, [])) {
      if (DATED_KINDS.includes(kind.name)) continue
      const kept = examples.filter(({ kind: name }) => name === kind.name)
      expect(kept.length, kind.name).toBeGreaterThan(5)
      const cases = await compare(
        peer,
        kind,
        kept.map(({ input }) => input),
      )
      for (const [at, { ours, rust, id }] of kept.entries()) {
        const one = cases[at] as (typeof cases)[number]
        const found = { ours: resultOf(one.ours), rust: resultOf(one.rust), id: isDifference(one) ? knownDifference(one)?.id : undefined }
        expect(found, `${kind.name} ${hexOf(one.input)}`).toEqual({ ours, rust, id })
      }
    }
    expect(new Set(KNOWN_DIFFERENCES.map(({ id }) => id))).toEqual(new Set(examples.flatMap(({ id }) => id ?? [])))
  })

  test('every format that the Rust peer decodes is compared, or listed with the reason why not', async () => {
    const document = readFileSync(new URL('../../rust-peer/README.md', import.meta.url), 'utf8')
    const [, paragraph = ''] = /^Kinds for `decode`(.*?)^$/ms.exec(document) ?? []
    const offered = [...paragraph.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name as string)
    expect(offered.length).toBeGreaterThan(15)
    const compared = (await kinds(await RustPeer.start(), [])).map(({ name }) => name)
    expect(offered.filter((name) => !compared.includes(name) && !(name in NOT_COMPARED))).toEqual([])
    expect(compared.filter((name) => name in NOT_COMPARED || !offered.includes(name))).toEqual([])
  })

  test('docs/compatibility.md explains every known difference and no other', () => {
    const document = readFileSync(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8')
    const [, section = ''] = document.split('### Known differences')
    const ids = [...(section.split(/^## /m)[0] ?? '').matchAll(/^\| `([\w-]+)` \|/gm)].map(([, id]) => id)
    expect(new Set(ids)).toEqual(new Set(KNOWN_DIFFERENCES.map(({ id }) => id)))
  })
})
