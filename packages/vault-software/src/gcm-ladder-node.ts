/**
 * AES-256-GCM under Node as a ladder: small messages, alone or many at once, go to the engine, large ones to `node:crypto`, each by the way that
 * is faster for it. The bytes are the same, which the engine has to show before it is used at all.
 */

import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { AeadJob } from '@ockam/core'
import type { BatchNonceCipher } from './backend.ts'
import { NodeCipher } from './cipher-node.ts'
import { GcmEngine, type GcmKey, type GcmRun, LONGEST, loadGcmModule, MOST, WIDEST } from './gcm-engine-node.ts'

const TAG_LENGTH = 16
/** Up to so many bytes of plaintext the engine is faster for one message alone. */
const LONGEST_ALONE = 1024

export class GcmLadder implements BatchNonceCipher {
  readonly longestInBatch: number = LONGEST
  readonly #engine: GcmEngine
  readonly #large: NodeCipher
  readonly #small: SmallKey
  /** Filled in anew for each run, and for each message beside the runs; nobody keeps them. */
  readonly #run: GcmRun = { from: 0, to: 0, start: 0, end: 0 }
  readonly #nonce: Uint8Array<ArrayBuffer> = new Uint8Array(12)

  constructor(engine: GcmEngine, key: KeyObject) {
    this.#engine = engine
    this.#large = new NodeCipher('aes-256-gcm', key)
    this.#small = new SmallKey(key)
  }

  seal(
    out: Uint8Array,
    outAt: number,
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): void {
    if (isSmall(length, aad)) this.#engine.seal(this.#small, out, outAt, input, inAt, length, nonce, aad)
    else this.#large.seal(out, outAt, input, inAt, length, nonce, aad)
  }

  open(
    out: Uint8Array,
    outAt: number,
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): boolean {
    return isSmall(length - TAG_LENGTH, aad)
      ? this.#engine.open(this.#small, out, outAt, input, inAt, length, nonce, aad)
      : this.#large.open(out, outAt, input, inAt, length, nonce, aad)
  }

  openFresh(
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): Uint8Array<ArrayBuffer> | undefined {
    if (!isSmall(length - TAG_LENGTH, aad)) return this.#large.openFresh(input, inAt, length, nonce, aad)
    const plaintext = new Uint8Array(length - TAG_LENGTH)
    return this.#engine.open(this.#small, plaintext, 0, input, inAt, length, nonce, aad) ? plaintext : undefined
  }

  sealMany(slab: Uint8Array, jobs: readonly AeadJob[], nonce: Uint8Array): void {
    for (let at = 0; at < jobs.length; ) {
      const run = this.#runFrom(jobs, at, 0, TAG_LENGTH)
      if (run.to - at > 1) this.#engine.sealRun(this.#small, slab, jobs, run, nonce)
      else {
        const { outAt, inAt, length } = jobs[at] as AeadJob
        this.seal(slab, outAt, slab, inAt, length, this.#nonceAt(nonce, at), undefined)
      }
      at = run.to
    }
  }

  openMany(slab: Uint8Array, jobs: readonly AeadJob[], nonce: Uint8Array, verdicts: boolean[]): void {
    for (let at = 0; at < jobs.length; ) {
      const run = this.#runFrom(jobs, at, TAG_LENGTH, 0)
      if (run.to - at > 1) this.#engine.openRun(this.#small, slab, jobs, run, nonce, verdicts)
      else {
        const { outAt, inAt, length } = jobs[at] as AeadJob
        const isAuthentic = length >= TAG_LENGTH && this.open(slab, outAt, slab, inAt, length, this.#nonceAt(nonce, at), undefined)
        if (!isAuthentic) slab.fill(0, outAt, outAt + Math.max(0, length - TAG_LENGTH))
        verdicts[at] = isAuthentic
      }
      at = run.to
    }
  }

  destroy(): void {
    this.#large.destroy()
    this.#small.destroy()
  }

  /**
   * The run that begins with the job at `from`: small jobs, in place, each behind the one before it. At least that job, be it as it may.
   * @param before bytes of a job's input that are its tag.
   * @param behind bytes that its tag will take.
   */
  #runFrom(jobs: readonly AeadJob[], from: number, before: number, behind: number): GcmRun {
    const run = this.#run
    const { inAt: start } = jobs[from] as AeadJob
    let end = start
    let to = from
    for (const most = Math.min(jobs.length, from + MOST); to < most; to++) {
      const { inAt, outAt, length } = jobs[to] as AeadJob
      if (length < before || length - before > LONGEST) break
      if (inAt !== outAt || inAt < end || inAt + length + behind - start > WIDEST) break
      end = inAt + length + behind
    }
    run.from = from
    run.to = Math.max(to, from + 1)
    run.start = start
    run.end = end
    return run
  }

  /** `nonce + step`, a 64-bit addition in its last eight bytes. */
  #nonceAt(nonce: Uint8Array, step: number): Uint8Array {
    const sum = this.#nonce
    sum.set(nonce)
    for (let at = 11, carry = step; carry > 0 && at >= 4; at--) {
      carry += sum[at] as number
      sum[at] = carry
      carry = Math.floor(carry / 256)
    }
    return sum
  }
}

/**
 * One key for the engine: AES in ECB mode with an object that lasts as long as the key. Blocks that go through it are counters, which never repeat
 * under a key, and the block of zeros that makes the hash key.
 */
class SmallKey implements GcmKey {
  tables: Uint8Array<ArrayBuffer> | undefined
  #cipher: ReturnType<typeof createCipheriv> | undefined
  #key: KeyObject | undefined

  constructor(key: KeyObject) {
    this.#key = key
  }

  encryptBlocks(blocks: Uint8Array): Uint8Array {
    this.#cipher ??= createCipheriv('aes-256-ecb', this.#key as KeyObject, null).setAutoPadding(false)
    const encrypted = this.#cipher.update(blocks)
    // A shorter keystream would leave text in the clear.
    if (encrypted.length !== blocks.length) throw new Error(`AES made ${encrypted.length} bytes of ${blocks.length}.`)
    return encrypted
  }

  destroy(): void {
    this.tables?.fill(0)
    this.tables = undefined
    this.#key = undefined
    // OpenSSL wipes the expanded key now, not when the object is collected.
    this.#cipher?.final()
    this.#cipher = undefined
  }
}

function isSmall(length: number, aad: Uint8Array | undefined): boolean {
  return length <= LONGEST_ALONE && (aad === undefined || aad.length <= LONGEST_ALONE)
}

/**
 * The engine of this platform, if it has one and it seals a message to the same bytes as `node:crypto`. Without, `node:crypto` seals every message by
 * itself.
 */
export function createCheckedEngine(): GcmEngine | undefined {
  const module = loadGcmModule()
  if (module === undefined) return undefined
  const engine = new GcmEngine(module)
  const [text, aad, nonce] = [new Uint8Array(99).fill(1), new Uint8Array(20).fill(2), new Uint8Array(12).fill(3)]
  const [ours, theirs] = [new Uint8Array(115), new Uint8Array(115)]
  try {
    const key = createSecretKey(new Uint8Array(32).fill(4))
    const small = new SmallKey(key)
    engine.seal(small, ours, 0, text, 0, text.length, nonce, aad)
    small.destroy()
    new NodeCipher('aes-256-gcm', key).seal(theirs, 0, text, 0, text.length, nonce, aad)
  } catch {
    return undefined
  }
  return ours.every((byte, at) => byte === theirs[at]) ? engine : undefined
}
