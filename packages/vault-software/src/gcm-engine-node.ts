/**
 * AES-256-GCM (NIST SP 800-38D) for small messages: the keystream of all of them from one call to a block cipher, XOR and GHASH in the WebAssembly
 * module of `assembly/aes-gcm.ts`. One engine serves all keys of a back end. Nothing of a key or a message stays in it: its memory is wiped
 * after each use.
 *
 * Arguments have been checked by the caller and keep to `LONGEST`, `MOST` and `WIDEST`: then everything fits into the memory, which never grows.
 */

import type { AeadJob } from '@ockam/core'
import { AES_GCM_MODULE } from './aes-gcm-module-node.ts'

/** Longest plaintext, and longest additional data, of one message, in bytes. */
export const LONGEST = 2048
/** Most messages in one call. */
export const MOST = 32
/** The messages of one call lie in at most so many bytes. */
export const WIDEST = 98_304

const BLOCK = 16
const TAG_LENGTH = 16
/** Where the module keeps its tables. */
const TABLES = 256
const TABLES_LENGTH = 2048
/** From here on the memory is the engine's: hash key, keystream, then texts. */
const HASH_KEY = 2560
const KEYSTREAM: number = HASH_KEY + BLOCK
/** The module reads up to so many bytes behind a text, and writes them back. */
const BEYOND = 16

/** What the module exports. */
export interface GcmModule {
  readonly memory: WebAssembly.Memory
  prepare(hashKeyAt: number): void
  writeCounters(at: number, blocks: number, nonce0: number, nonce1: number, nonce2: number): void
  seal(at: number, length: number, keystreamAt: number, aadAt: number, aadLength: number): void
  open(at: number, length: number, keystreamAt: number, aadAt: number, aadLength: number): number
}

/** What the engine needs of a key. */
export interface GcmKey {
  /** AES in ECB mode: encrypts whole blocks into fresh memory, which the engine wipes. */
  encryptBlocks(blocks: Uint8Array): Uint8Array
  /** Tables of the hash key, made at the first use; the key's owner wipes them. */
  tables: Uint8Array<ArrayBuffer> | undefined
}

/** A run of jobs, `from` to `to`, that are done where they lie, in order, and all between `start` and `end` of the slab. */
export interface GcmRun {
  from: number
  to: number
  start: number
  end: number
}

export class GcmEngine {
  readonly #module: GcmModule
  readonly #memory: Uint8Array<ArrayBuffer>

  constructor(module: GcmModule) {
    this.#module = module
    this.#memory = new Uint8Array(module.memory.buffer)
  }

  /** Writes ciphertext and tag to `out`, which may be `input`. */
  seal(
    key: GcmKey,
    out: Uint8Array,
    outAt: number,
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): void {
    const aadLength = aad?.length ?? 0
    const aadAt = this.#writeCounters(KEYSTREAM, length, nonce, 0)
    const at = aadAt + aadLength
    const end = at + length + TAG_LENGTH
    try {
      this.#makeKeystream(key, aadAt)
      if (aad !== undefined) this.#memory.set(aad, aadAt)
      this.#memory.set(input.subarray(inAt, inAt + length), at)
      this.#module.seal(at, length, KEYSTREAM, aadAt, aadLength)
      out.set(this.#memory.subarray(at, end), outAt)
    } finally {
      this.#wipe(end)
    }
  }

  /** Opens `length` bytes of ciphertext and tag into `out`, which may be `input`. When the tag is wrong, `out` stays as it is. */
  open(
    key: GcmKey,
    out: Uint8Array,
    outAt: number,
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): boolean {
    const aadLength = aad?.length ?? 0
    const textLength = length - TAG_LENGTH
    const aadAt = this.#writeCounters(KEYSTREAM, textLength, nonce, 0)
    const at = aadAt + aadLength
    try {
      this.#makeKeystream(key, aadAt)
      if (aad !== undefined) this.#memory.set(aad, aadAt)
      this.#memory.set(input.subarray(inAt, inAt + length), at)
      const isAuthentic = this.#module.open(at, textLength, KEYSTREAM, aadAt, aadLength) !== 0
      if (isAuthentic) out.set(this.#memory.subarray(at, at + textLength), outAt)
      return isAuthentic
    } finally {
      this.#wipe(at + length)
    }
  }

  /** Seals a run. `nonce` is the one of job 0, whichever the run begins with; the others follow it. */
  sealRun(key: GcmKey, slab: Uint8Array, jobs: readonly AeadJob[], run: GcmRun, nonce: Uint8Array): void {
    const { from, to, start, end } = run
    let keystream = KEYSTREAM
    for (let i = from; i < to; i++) keystream = this.#writeCounters(keystream, (jobs[i] as AeadJob).length, nonce, i)
    const texts = keystream
    try {
      this.#makeKeystream(key, texts)
      this.#memory.set(slab.subarray(start, end), texts)
      keystream = KEYSTREAM
      for (let i = from; i < to; i++) {
        const { inAt, length } = jobs[i] as AeadJob
        this.#module.seal(texts + inAt - start, length, keystream, 0, 0)
        keystream += keystreamLength(length)
      }
      slab.set(this.#memory.subarray(texts, texts + end - start), start)
    } finally {
      this.#wipe(texts + end - start)
    }
  }

  /** Opens a run like `sealRun`; every length is at least 16. Writes each verdict to its place, and zeros where the plaintext of a forgery would be. */
  openRun(key: GcmKey, slab: Uint8Array, jobs: readonly AeadJob[], run: GcmRun, nonce: Uint8Array, verdicts: boolean[]): void {
    const { from, to, start, end } = run
    let keystream = KEYSTREAM
    for (let i = from; i < to; i++) keystream = this.#writeCounters(keystream, (jobs[i] as AeadJob).length - TAG_LENGTH, nonce, i)
    const texts = keystream
    try {
      this.#makeKeystream(key, texts)
      this.#memory.set(slab.subarray(start, end), texts)
      keystream = KEYSTREAM
      for (let i = from; i < to; i++) {
        const { inAt, length } = jobs[i] as AeadJob
        verdicts[i] = this.#module.open(texts + inAt - start, length - TAG_LENGTH, keystream, 0, 0) !== 0
        keystream += keystreamLength(length - TAG_LENGTH)
      }
      slab.set(this.#memory.subarray(texts, texts + end - start), start)
    } finally {
      this.#wipe(texts + end - start)
    }
  }

  /** Writes the counter blocks of one message under `nonce + step`, a 64-bit addition in its last eight bytes. @returns the end of them. */
  #writeCounters(at: number, length: number, nonce: Uint8Array, step: number): number {
    const last = word(nonce, 8) + step
    const carry = last > 0xffffffff ? 1 : 0
    this.#module.writeCounters(at, keystreamLength(length) / BLOCK, word(nonce, 0), word(nonce, 4) + carry, last)
    return at + keystreamLength(length)
  }

  /** Turns the counter blocks up to `end` into keystream, and puts the key's tables where the module wants them. */
  #makeKeystream(key: GcmKey, end: number): void {
    const memory = this.#memory
    // The hash key is what AES makes of a block of zeros, which stands in front.
    const start = key.tables === undefined ? HASH_KEY : KEYSTREAM
    const keystream = key.encryptBlocks(memory.subarray(start, end))
    memory.set(keystream, start)
    keystream.fill(0)
    if (key.tables !== undefined) {
      memory.set(key.tables, TABLES)
      return
    }
    this.#module.prepare(HASH_KEY)
    key.tables = memory.slice(TABLES, TABLES + TABLES_LENGTH)
  }

  #wipe(end: number): void {
    this.#memory.fill(0, TABLES, end + BEYOND)
  }
}

/** Bytes of keystream for a text: one block masks the tag. */
function keystreamLength(length: number): number {
  return BLOCK + ((length + BLOCK - 1) & -BLOCK)
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  )
}

/** The module, or undefined where there is no WebAssembly, or none with vectors. */
export function loadGcmModule(): GcmModule | undefined {
  try {
    const module = new WebAssembly.Module(Buffer.from(AES_GCM_MODULE, 'base64'))
    return new WebAssembly.Instance(module).exports as unknown as GcmModule
  } catch {
    return undefined
  }
}
