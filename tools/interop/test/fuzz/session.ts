/** One run of the comparison: rounds over all kinds until the time is up, with every difference sorted into the known ones and the others. */

import type { RustPeer } from '../fixture/rust-peer.ts'
import { type Case, compare, type Difference, isDifference } from './comparison.ts'
import { fuzzSubjects, hexOf, type Kind, kinds } from './kind.ts'
import { knownDifference } from './known-difference.ts'
import { minimise } from './minimisation.ts'
import { SeededRandom } from './random.ts'

export interface SessionOptions {
  /** 32 bits. */
  readonly seed: number
  /** Every kind has its turn once at least. */
  readonly durationMs: number
  /** Called with every case, and the id of its difference if it is a known one. */
  readonly onCase?: (kind: Kind, one: Case, id: string | undefined) => void
  /** Called after each kind's turn, with the cases so far. */
  readonly onProgress?: (cases: number) => void
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

export async function runSession(peer: RustPeer, { seed, durationMs, onCase, onProgress }: SessionOptions): Promise<Report> {
  const random = new SeededRandom(seed)
  const all = await kinds(peer, fuzzSubjects(random))
  const known = new Map<string, number>()
  const unknown = new Map<string, string>()
  let cases = 0
  let accepted = 0
  const end = performance.now() + durationMs
  for (let turn = 0; turn < all.length || performance.now() < end; turn++) {
    const kind = all[turn % all.length] as Kind
    const inputs = Array.from({ length: kind.perRound }, () => kind.generate(random))
    for (const one of await compare(peer, kind, inputs)) {
      cases++
      const id = isDifference(one) ? knownDifference(one)?.id : undefined
      onCase?.(kind, one, id)
      if (id !== undefined) known.set(id, (known.get(id) ?? 0) + 1)
      else if (!isDifference(one)) accepted += 'result' in one.ours ? 1 : 0
      else if (!unknown.has(signature(one)) && unknown.size < MAX_UNKNOWN) unknown.set(signature(one), await describe(peer, kind, one))
    }
    onProgress?.(cases)
  }
  return { cases, accepted, known, unknown: [...unknown.values()] }
}

/** Equal for cases of the same cause, as far as messages tell. */
function signature({ kind, direction, ours, rust }: Case): string {
  const reasons = [ours, rust].map((verdict) => ('refusal' in verdict ? verdict.refusal.replace(/I[0-9a-f]{64}|\d+/g, '#') : 'accepts'))
  return [kind, direction, ...reasons].join(' | ')
}

async function describe(peer: RustPeer, kind: Kind, difference: Difference): Promise<string> {
  const wanted = signature(difference)
  const least = await minimise(peer, kind, difference, (other) => signature(other) === wanted && knownDifference(other) === undefined)
  return `${kind.name}, ${least.direction}: ${hexOf(least.input)}\n  ours ${JSON.stringify(least.ours)}\n  Rust ${JSON.stringify(least.rust)}`
}
