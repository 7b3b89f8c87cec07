/**
 * Bounds of what a policy may be and may cost. Whoever writes a policy may be a stranger to the node that evaluates it for every message: reading stops
 * before anything is built that is over a bound, and evaluating stops when the work is over.
 */

import { abacError } from './error.ts'

export const POLICY_LIMIT: {
  /** Longest text, in UTF-16 code units. */
  readonly textLength: number
  /** Longest CBOR, in bytes. */
  readonly encodedLength: number
  /** How deep lists, sequences, and operators of the shorthand may nest. A chain `a or b or c` nests once for each operator. */
  readonly depth: number
  /** Most parts: literals, names, lists and sequences together. */
  readonly parts: number
  /** Most steps of one evaluation: one for each part evaluated or compared, and one more for each 64 code units of text that are compared. */
  readonly steps: number
} = { textLength: 65_536, encodedLength: 262_144, depth: 128, parts: 8192, steps: 200_000 }

/** What is left of the work one evaluation may do. */
export class StepBudget {
  #left = POLICY_LIMIT.steps

  /** @throws {OckamError} `credentials/policy-too-large` */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0)
      throw abacError('credentials/policy-too-large', `Evaluating the policy takes more than ${POLICY_LIMIT.steps} steps: make it simpler.`)
  }
}

/** Counts the parts of a policy while it is read. */
export class PartCounter {
  #count = 0
  #deepest = 0

  /** @throws {OckamError} `credentials/policy-too-large` when all of it stands in a list more. */
  enclose(): void {
    if (this.#deepest + 1 > POLICY_LIMIT.depth) throw tooDeep()
  }

  /** @param depth of lists and sequences around the part. @throws {OckamError} `credentials/policy-too-large` */
  add(depth: number): void {
    if (depth > POLICY_LIMIT.depth) throw tooDeep()
    this.#deepest = Math.max(this.#deepest, depth)
    if (++this.#count > POLICY_LIMIT.parts)
      throw abacError('credentials/policy-too-large', `The policy has more than ${POLICY_LIMIT.parts} parts.`)
  }
}

export const tooDeep = (): Error =>
  abacError(
    'credentials/policy-too-large',
    `The policy is nested deeper than ${POLICY_LIMIT.depth}. A long chain is shorter as one list: (or a b c).`,
  )
