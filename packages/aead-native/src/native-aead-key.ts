/**
 * `AeadKey` and `BatchAeadKey` of core over a key inside the addon. What is refused, with which code and words, is the same as in every vault of ours;
 * the addon then compares each range with the memory that is really there, which no getter can have changed by then.
 *
 * There is no `openFresh`: that plaintexts need no memory of their own is the point.
 */

import type { AeadJob, AeadKey, BatchAeadKey, OckamError } from '@ockam/core'
import { type Addon, type AddonKey, DESTROYED, DONE, FORGED, JOB_LENGTH, OUT_OF_RANGE } from './addon.ts'
import { requireBytes, requireNonce, requireRange } from './argument.ts'
import { type NativeAeadErrorCode, nativeAeadError } from './error.ts'

const TAG_LENGTH = 16
/** Batches of so many messages share one array of jobs; a larger one gets its own. */
const SHARED_JOBS = 256

/** The jobs of one batch on their way into the addon. Undefined while one is under way: its getters may start another, which then gets its own. */
let sharedJobs: Float64Array | undefined = new Float64Array(SHARED_JOBS * JOB_LENGTH)

export class NativeAeadKey implements AeadKey, BatchAeadKey {
  readonly #addon: Addon
  #key: AddonKey | undefined

  constructor(addon: Addon, key: AddonKey) {
    this.#addon = addon
    this.#key = key
  }

  sealInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): void {
    const key = this.#key ?? unknownKey()
    requireRange('sealInto: input', input, inAt, length)
    requireRange('sealInto: out', out, outAt, length + TAG_LENGTH)
    if (aad !== undefined) requireBytes('sealInto: aad', aad)
    requireNonce(nonce)
    const outcome =
      aad !== undefined
        ? this.#addon.seal(key, out, outAt, inAt, length, nonce, input, aad)
        : out === input
          ? this.#addon.seal(key, out, outAt, inAt, length, nonce)
          : this.#addon.seal(key, out, outAt, inAt, length, nonce, input)
    if (outcome !== DONE) throw errorOf('sealInto', outcome)
  }

  openInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): boolean {
    const key = this.#key ?? unknownKey()
    requireRange('openInto: input', input, inAt, length)
    if (length < TAG_LENGTH) return false
    requireRange('openInto: out', out, outAt, length - TAG_LENGTH)
    if (aad !== undefined) requireBytes('openInto: aad', aad)
    requireNonce(nonce)
    const outcome =
      aad !== undefined
        ? this.#addon.open(key, out, outAt, inAt, length, nonce, input, aad)
        : out === input
          ? this.#addon.open(key, out, outAt, inAt, length, nonce)
          : this.#addon.open(key, out, outAt, inAt, length, nonce, input)
    if (outcome === DONE) return true
    if (outcome === FORGED) return false
    throw errorOf('openInto', outcome)
  }

  sealMany(slab: Uint8Array, jobs: readonly AeadJob[], firstNonce: number): void {
    this.#unlessDestroyed()
    const count = jobs.length
    const numbers = takeJobs(count)
    try {
      for (let i = 0; i < count; i++) {
        const { outAt, inAt, length } = jobs[i] as AeadJob
        requireRange('sealMany: input', slab, inAt, length)
        requireRange('sealMany: out', slab, outAt, length + TAG_LENGTH)
        writeJob(numbers, i, outAt, inAt, length)
      }
      requireNonces(firstNonce, count)
      // The getters of a job may have destroyed the key.
      const outcome = count === 0 ? DONE : this.#addon.sealMany(this.#unlessDestroyed(), slab, numbers, count, firstNonce)
      if (outcome !== DONE) throw errorOf('sealMany', outcome)
    } finally {
      giveBack(numbers)
    }
  }

  openMany(slab: Uint8Array, jobs: readonly AeadJob[], firstNonce: number): readonly boolean[] {
    this.#unlessDestroyed()
    const count = jobs.length
    const numbers = takeJobs(count)
    try {
      for (let i = 0; i < count; i++) {
        const { outAt, inAt, length } = jobs[i] as AeadJob
        requireRange('openMany: input', slab, inAt, length)
        requireRange('openMany: out', slab, outAt, length < TAG_LENGTH ? 0 : length - TAG_LENGTH)
        writeJob(numbers, i, outAt, inAt, length)
      }
      requireNonces(firstNonce, count)
      const outcome = count === 0 ? DONE : this.#addon.openMany(this.#unlessDestroyed(), slab, numbers, count, firstNonce)
      if (outcome !== DONE) throw errorOf('openMany', outcome)
      const verdicts = new Array<boolean>(count)
      for (let i = 0; i < count; i++) verdicts[i] = numbers[i * JOB_LENGTH + 2] === DONE
      return verdicts
    } finally {
      giveBack(numbers)
    }
  }

  rekey(): AeadKey {
    const next = this.#addon.rekey(this.#unlessDestroyed())
    if (next === undefined) throw new Error('OpenSSL could not derive the next AEAD key.')
    return new NativeAeadKey(this.#addon, next)
  }

  destroy(): void {
    if (this.#key === undefined) return
    this.#addon.destroy(this.#key)
    this.#key = undefined
  }

  #unlessDestroyed(): AddonKey {
    return this.#key ?? unknownKey()
  }
}

function takeJobs(count: number): Float64Array {
  const jobs = sharedJobs
  if (jobs === undefined || count > SHARED_JOBS) return new Float64Array(count * JOB_LENGTH)
  sharedJobs = undefined
  return jobs
}

function giveBack(jobs: Float64Array): void {
  if (jobs.length === SHARED_JOBS * JOB_LENGTH) sharedJobs = jobs
}

function writeJob(jobs: Float64Array, index: number, outAt: number, inAt: number, length: number): void {
  const at = index * JOB_LENGTH
  jobs[at] = outAt
  jobs[at + 1] = inAt
  jobs[at + 2] = length
}

/** Checks the last nonce as well as the first. The parentheses matter: sums beyond 2^53 are rounded. */
function requireNonces(first: number, count: number): void {
  if (count > 1) requireNonce(first + (count - 1))
  requireNonce(first)
}

/** What the addon refused although it was in order when it was looked at here. */
function errorOf(call: string, outcome: number): OckamError<NativeAeadErrorCode> | Error {
  if (outcome === DESTROYED) return destroyed()
  if (outcome === OUT_OF_RANGE)
    return nativeAeadError('vault/invalid-argument', `${call}: a range does not fit into the memory of its array.`)
  return new Error(`${call}: OpenSSL failed.`)
}

function unknownKey(): never {
  throw destroyed()
}

function destroyed(): OckamError<NativeAeadErrorCode> {
  return nativeAeadError('vault/unknown-key', 'This AEAD key was destroyed. Derive or import it again.')
}
