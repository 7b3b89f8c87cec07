/**
 * `AeadKey` of core over a back end's cipher: the argument checks, the nonce of Noise section 12 (four zero bytes, then the counter as 64 bits, in
 * the byte order of the cipher), REKEY of section 4.2. One class for both back ends and both algorithms, so that they cannot differ in what they
 * accept.
 *
 * There is no batch form (`BatchAeadKey`): in `node:crypto` the cost is one cipher object per message, which a batch does not avoid.
 */

import type { AeadKey, FreshAeadKey } from '@ockam/core'
import { requireBytes, requireRange } from './argument.ts'
import type { NonceCipher } from './backend.ts'
import { vaultError } from './error.ts'

const TAG_LENGTH = 16
const HIGH_WORD = 2 ** 32

export class CounterAeadKey implements AeadKey, FreshAeadKey {
  readonly #makeCipher: (key: Uint8Array) => NonceCipher
  readonly #writeCounter: CounterWriter
  /** Filled in anew for each call; ciphers do not keep it. */
  readonly #nonce: Uint8Array<ArrayBuffer> = new Uint8Array(12)
  #cipher: NonceCipher | undefined

  constructor(makeCipher: (key: Uint8Array) => NonceCipher, key: Uint8Array, writeCounter: CounterWriter) {
    this.#makeCipher = makeCipher
    this.#writeCounter = writeCounter
    this.#cipher = makeCipher(key)
  }

  sealInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): void {
    const cipher = this.#cipher ?? unknownKey()
    requireRange('sealInto: input', input, inAt, length)
    requireRange('sealInto: out', out, outAt, length + TAG_LENGTH)
    if (aad !== undefined) requireBytes('sealInto: aad', aad)
    cipher.seal(out, outAt, input, inAt, length, this.#nonceOf(nonce), aad)
  }

  openInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): boolean {
    const cipher = this.#cipher ?? unknownKey()
    requireRange('openInto: input', input, inAt, length)
    if (length < TAG_LENGTH) return false
    const plaintextLength = length - TAG_LENGTH
    requireRange('openInto: out', out, outAt, plaintextLength)
    if (aad !== undefined) requireBytes('openInto: aad', aad)
    if (cipher.open(out, outAt, input, inAt, length, this.#nonceOf(nonce), aad)) return true
    out.fill(0, outAt, outAt + plaintextLength)
    return false
  }

  openFresh(input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const cipher = this.#cipher ?? unknownKey()
    requireRange('openFresh: input', input, inAt, length)
    if (length < TAG_LENGTH) return undefined
    if (aad !== undefined) requireBytes('openFresh: aad', aad)
    return cipher.openFresh(input, inAt, length, this.#nonceOf(nonce), aad)
  }

  rekey(): AeadKey {
    const cipher = this.#cipher ?? unknownKey()
    const sealed = new Uint8Array(32 + TAG_LENGTH)
    cipher.seal(sealed, 0, sealed, 0, 32, this.#nonce.fill(0, 0, 4).fill(0xff, 4), undefined)
    const next = new CounterAeadKey(this.#makeCipher, sealed.subarray(0, 32), this.#writeCounter)
    sealed.fill(0)
    return next
  }

  destroy(): void {
    this.#cipher?.destroy()
    this.#cipher = undefined
  }

  #nonceOf(counter: number): Uint8Array {
    if (!Number.isSafeInteger(counter) || counter < 0) {
      throw vaultError('vault/invalid-argument', `An AEAD nonce must be an integer from 0 to 2^53 - 1, got ${counter}.`)
    }
    this.#writeCounter(this.#nonce, counter)
    return this.#nonce
  }
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
