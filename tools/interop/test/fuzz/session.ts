/** One run of the comparison: rounds over all kinds until the time is up, with every difference sorted into the known ones and the others. */

import type { RustPeer } from '../fixture/rust-peer.ts'
import { compare, type Difference } from './comparison.ts'
import { hexOf, type Kind, kinds } from './kind.ts'
import { knownDifference } from './known-difference.ts'
import { minimise } from './minimisation.ts'
import { SeededRandom } from './random.ts'

export interface SessionOptions {
  /** 32 bits. */
  readonly seed: number
  readonly durationMs: number
}

export interface Report {
  readonly cases: number
  readonly accepted: number
  /** How often each known difference came, by id. */
  readonly known: ReadonlyMap<string, number>
  /** One minimised example of every difference that is not known. */
  readonly unknown: readonly string[]
}

/** So many different defects are enough for one run. */
const MAX_UNKNOWN = 20

/** @param onRound called after each round, with the cases so far. */
export async function runSession(peer: RustPeer, { seed, durationMs }: SessionOptions, onRound: (cases: number) => void): Promise<Report> {
  const random = new SeededRandom(seed)
  const all = await kinds(random, peer)
  const known = new Map<string, number>()
  const unknown = new Map<string, string>()
  let cases = 0
  let accepted = 0
  const end = performance.now() + durationMs
  do {
    for (const kind of all) {
      const inputs = Array.from({ length: kind.perRound }, () => kind.generate(random))
      const comparison = await compare(peer, kind, inputs)
      cases += inputs.length
      accepted += comparison.accepted
      for (const difference of comparison.differences) {
        const { id } = knownDifference(difference) ?? {}
        if (id !== undefined) known.set(id, (known.get(id) ?? 0) + 1)
        else if (!unknown.has(signature(difference)) && unknown.size < MAX_UNKNOWN)
          unknown.set(signature(difference), await describe(peer, kind, difference))
      }
    }
    onRound(cases)
  } while (performance.now() < end)
  return { cases, accepted, known, unknown: [...unknown.values()] }
}

/** Equal for differences of the same cause, as far as messages tell. */
function signature({ kind, direction, ours, rust }: Difference): string {
  const reasons = [ours, rust].map((verdict) => ('refusal' in verdict ? verdict.refusal.replace(/I[0-9a-f]{64}|\d+/g, '#') : 'accepts'))
  return [kind, direction, ...reasons].join(' | ')
}

async function describe(peer: RustPeer, kind: Kind, difference: Difference): Promise<string> {
  const wanted = signature(difference)
  const least = await minimise(peer, kind, difference, (other) => signature(other) === wanted && knownDifference(other) === undefined)
  return `${kind.name}, ${least.direction}: ${hexOf(least.input)}\n  ours ${JSON.stringify(least.ours)}\n  Rust ${JSON.stringify(least.rust)}`
}
