/**
 * `AeadKey` of core over a back end's cipher: the argument checks, the nonce of Noise section 12 (four zero bytes, then the counter as 64 bits, in
 * the byte order of the cipher), REKEY of section 4.2. One class for both back ends and both algorithms, so that they cannot differ in what they
 * accept.
 *
 * `BatchAeadKey` is there for ciphers that gain from it.
 */

import type { AeadJob, AeadKey, BatchAeadKey, FreshAeadKey } from '@ockam/core'
import { requireBytes, requireRange } from './argument.ts'
import type { BatchNonceCipher, NonceCipher } from './backend.ts'
import { vaultError } from './error.ts'

const TAG_LENGTH = 16
const HIGH_WORD = 2 ** 32

type MakeCipher = (key: Uint8Array) => NonceCipher

/** @param key 32 bytes, copied. */
export function createAeadKey(makeCipher: MakeCipher, key: Uint8Array, writeCounter: CounterWriter): AeadKey & FreshAeadKey {
  const cipher = makeCipher(key)
  return isBatchCipher(cipher)
    ? new BatchCounterAeadKey(makeCipher, cipher, writeCounter)
    : new CounterAeadKey(makeCipher, cipher, writeCounter)
}

class CounterAeadKey<Cipher extends NonceCipher = NonceCipher> implements AeadKey, FreshAeadKey {
  readonly #makeCipher: MakeCipher
  readonly #writeCounter: CounterWriter
  /** Filled in anew for each call; ciphers do not keep it. */
  readonly #nonce: Uint8Array<ArrayBuffer> = new Uint8Array(12)
  #cipher: Cipher | undefined

  constructor(makeCipher: MakeCipher, cipher: Cipher, writeCounter: CounterWriter) {
    this.#makeCipher = makeCipher
    this.#writeCounter = writeCounter
    this.#cipher = cipher
  }

  sealInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): void {
    const cipher = this.cipher
    requireRange('sealInto: input', input, inAt, length)
    requireRange('sealInto: out', out, outAt, length + TAG_LENGTH)
    if (aad !== undefined) requireBytes('sealInto: aad', aad)
    cipher.seal(out, outAt, input, inAt, length, this.nonceOf(nonce), aad)
  }

  openInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): boolean {
    const cipher = this.cipher
    requireRange('openInto: input', input, inAt, length)
    if (length < TAG_LENGTH) return false
    const plaintextLength = length - TAG_LENGTH
    requireRange('openInto: out', out, outAt, plaintextLength)
    if (aad !== undefined) requireBytes('openInto: aad', aad)
    if (cipher.open(out, outAt, input, inAt, length, this.nonceOf(nonce), aad)) return true
    out.fill(0, outAt, outAt + plaintextLength)
    return false
  }

  openFresh(input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const cipher = this.cipher
    requireRange('openFresh: input', input, inAt, length)
    if (length < TAG_LENGTH) return undefined
    if (aad !== undefined) requireBytes('openFresh: aad', aad)
    return cipher.openFresh(input, inAt, length, this.nonceOf(nonce), aad)
  }

  rekey(): AeadKey {
    const cipher = this.cipher
    const sealed = new Uint8Array(32 + TAG_LENGTH)
    cipher.seal(sealed, 0, sealed, 0, 32, this.#nonce.fill(0, 0, 4).fill(0xff, 4), undefined)
    const next = createAeadKey(this.#makeCipher, sealed.subarray(0, 32), this.#writeCounter)
    sealed.fill(0)
    return next
  }

  destroy(): void {
    this.#cipher?.destroy()
    this.#cipher = undefined
  }

  /** @throws {OckamError} `vault/unknown-key` after `destroy`. */
  protected get cipher(): Cipher {
    return this.#cipher ?? unknownKey()
  }

  /** The nonce of a counter, in memory that the next call overwrites. */
  protected nonceOf(counter: number): Uint8Array {
    if (!Number.isSafeInteger(counter) || counter < 0) {
      throw vaultError('vault/invalid-argument', `An AEAD nonce must be an integer from 0 to 2^53 - 1, got ${counter}.`)
    }
    this.#writeCounter(this.#nonce, counter)
    return this.#nonce
  }
}

class BatchCounterAeadKey extends CounterAeadKey<BatchNonceCipher> implements BatchAeadKey {
  get longestInBatch(): number {
    return this.cipher.longestInBatch
  }

  sealMany(slab: Uint8Array, jobs: readonly AeadJob[], firstNonce: number): void {
    const { cipher } = this
    for (const { outAt, inAt, length } of jobs) {
      requireRange('sealMany: input', slab, inAt, length)
      requireRange('sealMany: out', slab, outAt, length + TAG_LENGTH)
    }
    cipher.sealMany(slab, jobs, this.#firstNonceOf(firstNonce, jobs.length))
  }

  openMany(slab: Uint8Array, jobs: readonly AeadJob[], firstNonce: number): readonly boolean[] {
    const { cipher } = this
    for (const { outAt, inAt, length } of jobs) {
      requireRange('openMany: input', slab, inAt, length)
      requireRange('openMany: out', slab, outAt, Math.max(0, length - TAG_LENGTH))
    }
    const verdicts = new Array<boolean>(jobs.length)
    cipher.openMany(slab, jobs, this.#firstNonceOf(firstNonce, jobs.length), verdicts)
    return verdicts
  }

  /** Checks the last nonce as well as the first. The parentheses matter: sums beyond 2^53 are rounded. */
  #firstNonceOf(counter: number, count: number): Uint8Array {
    if (count > 1) this.nonceOf(counter + (count - 1))
    return this.nonceOf(counter)
  }
}

function isBatchCipher(cipher: NonceCipher): cipher is BatchNonceCipher {
  return 'sealMany' in cipher
}

/** Writes a counter of up to 53 bits into bytes 4 to 11 of a nonce. */
export type CounterWriter = (nonce: Uint8Array, counter: number) => void

/** AES-GCM, Noise section 12.4. */
export const bigEndianCounter: CounterWriter = (nonce, counter) => {
  const high = Math.floor(counter / HIGH_WORD)
  nonce[4] = high >>> 24
  nonce[5] = high >>> 16
  nonce[6] = high >>> 8
  nonce[7] = high
  nonce[8] = counter >>> 24
  nonce[9] = counter >>> 16
  nonce[10] = counter >>> 8
  nonce[11] = counter
}

/** ChaChaPoly, Noise section 12.3. */
export const littleEndianCounter: CounterWriter = (nonce, counter) => {
  const high = Math.floor(counter / HIGH_WORD)
  nonce[4] = counter
  nonce[5] = counter >>> 8
  nonce[6] = counter >>> 16
  nonce[7] = counter >>> 24
  nonce[8] = high
  nonce[9] = high >>> 8
  nonce[10] = high >>> 16
  nonce[11] = high >>> 24
}

function unknownKey(): never {
  throw vaultError('vault/unknown-key', 'This AEAD key was destroyed. Derive or import it again.')
}
