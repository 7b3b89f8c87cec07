/**
 * Differential fuzzing: the same bytes, valid, unusual and broken, to our decoders and verifiers and to those of a Rust node. What each known
 * difference is about stands in docs/compatibility.md. One minute here; longer runs with `npm run fuzz -- --minutes 30 --seed 7`.
 */

import { afterEach, describe, expect, test } from 'vitest'
import { RustPeer, stopRustPeers } from './fixture/rust-peer.ts'
import { NOT_COMPARED } from './fuzz/kind.ts'
import { runSession } from './fuzz/session.ts'

const seed = Number(process.env.OCKAM_FUZZ_SEED ?? 1)
const durationMs = 1000 * Number(process.env.OCKAM_FUZZ_SECONDS ?? 60)
/** A round takes seconds; a loaded machine may take many times longer. */
const SLACK_MS = 180_000
const PROGRESS_MS = 60_000

afterEach(stopRustPeers)

describe('differential fuzzing', () => {
  test(
    'we and a Rust node read the same bytes alike, apart from the known differences, and are never less strict',
    async () => {
      const peer = await RustPeer.start()
      const start = performance.now()
      let lastProgress = start
      const report = await runSession(peer, { seed, durationMs }, (cases) => {
        if (performance.now() - lastProgress < PROGRESS_MS) return
        lastProgress = performance.now()
        console.log(`${cases} cases in ${Math.round((lastProgress - start) / 1000)} s`)
      })
      const known = [...report.known].map(([id, count]) => `${id} ${count}`).join(', ')
      console.log(`differential fuzzing: ${report.cases} cases, seed ${seed}; both accept ${report.accepted}; known differences: ${known}`)
      for (const [kind, reason] of Object.entries(NOT_COMPARED)) console.log(`not compared: ${kind}, because ${reason}`)
      expect(report.unknown.join('\n')).toBe('')
      expect(report.accepted).toBeGreaterThan(report.cases / 10)
    },
    durationMs + SLACK_MS,
  )
})
