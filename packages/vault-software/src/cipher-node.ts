/**
 * One AEAD message per `createCipheriv`: node:crypto has no one-shot form and cannot reuse a cipher. Creating that object is most of the cost of
 * a small message, so nothing else is created beyond what node:crypto returns: views only where a range is not the whole array.
 */

import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { type AeadAlgorithm, giveBack } from '@ockam/core'
import type { NonceCipher } from './backend.ts'
import { keepHeap } from './kept-heap-node.ts'

const TAG_LENGTH = 16
const OPTIONS = { authTagLength: TAG_LENGTH } as const

export class NodeCipher implements NonceCipher {
  /** The overloads for GCM hold for both algorithms, except that ChaCha20-Poly1305 insists on the tag length in the options. */
  readonly #algorithm: 'aes-256-gcm'
  #key: KeyObject | undefined

  constructor(algorithm: AeadAlgorithm, key: KeyObject) {
    this.#algorithm = algorithm as 'aes-256-gcm'
    this.#key = key
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
    keepHeap(length)
    const cipher = createCipheriv(this.#algorithm, this.#key as KeyObject, nonce, OPTIONS)
    if (aad !== undefined) cipher.setAAD(aad)
    const ciphertext = cipher.update(range(input, inAt, inAt + length))
    out.set(ciphertext, outAt)
    giveBack(ciphertext)
    cipher.final()
    out.set(cipher.getAuthTag(), outAt + length)
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
    const plaintext = this.#decrypt(input, inAt, length, nonce, aad)
    if (plaintext === undefined) return false
    out.set(plaintext, outAt)
    giveBack(plaintext)
    return true
  }

  openFresh(
    input: Uint8Array,
    inAt: number,
    length: number,
    nonce: Uint8Array,
    aad: Uint8Array | undefined,
  ): Uint8Array<ArrayBuffer> | undefined {
    const plaintext = this.#decrypt(input, inAt, length, nonce, aad)
    if (plaintext === undefined) return undefined
    const { buffer } = plaintext
    // Node makes memory for each result; should another runtime take it from a pool, it is copied out.
    return buffer.byteLength === plaintext.length ? new Uint8Array(buffer as ArrayBuffer) : Uint8Array.from(plaintext)
  }

  destroy(): void {
    this.#key = undefined
  }

  #decrypt(input: Uint8Array, inAt: number, length: number, nonce: Uint8Array, aad: Uint8Array | undefined): Uint8Array | undefined {
    keepHeap(length)
    const tagAt = inAt + length - TAG_LENGTH
    const decipher = createDecipheriv(this.#algorithm, this.#key as KeyObject, nonce, OPTIONS)
    decipher.setAuthTag(input.subarray(tagAt, tagAt + TAG_LENGTH))
    if (aad !== undefined) decipher.setAAD(aad)
    const plaintext = decipher.update(input.subarray(inAt, tagAt))
    try {
      decipher.final()
    } catch {
      // Nobody may see what a wrong tag came with.
      plaintext.fill(0)
      giveBack(plaintext)
      return undefined
    }
    return plaintext
  }
}

function range(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to)
}
