/**
 * SymmetricState with its CipherState: the running hash and keys of a handshake. Noise revision 34, sections 5.1 and 5.2.
 *
 * States are copied before a message is processed and the copy is kept only if the message holds (security: a bad message changes nothing). Keys
 * are plain arrays here, so that copying and wiping are certain; an `AeadKey` lives for one operation.
 */

import type { AeadAlgorithm, Primitives } from '@ockam/core'
import { channelError } from '../error.ts'
import { KEY_LENGTH, TAG_LENGTH } from './protocol.ts'

const NOTHING = new Uint8Array(0)

export class SymmetricState {
  readonly #primitives: Primitives
  readonly #cipher: AeadAlgorithm
  #hash: Uint8Array<ArrayBuffer>
  #chainingKey: Uint8Array<ArrayBuffer>
  #key: Uint8Array<ArrayBuffer> | undefined
  #nonce = 0

  private constructor(primitives: Primitives, cipher: AeadAlgorithm, hash: Uint8Array<ArrayBuffer>, chainingKey: Uint8Array<ArrayBuffer>) {
    this.#primitives = primitives
    this.#cipher = cipher
    this.#hash = hash
    this.#chainingKey = chainingKey
  }

  /** Section 5.2, InitializeSymmetric, then MixHash(prologue), which an empty prologue does not skip. */
  static initialize(primitives: Primitives, cipher: AeadAlgorithm, name: string, prologue: Uint8Array): SymmetricState {
    const encoded = new TextEncoder().encode(name)
    let hash: Uint8Array<ArrayBuffer>
    if (encoded.length > KEY_LENGTH) hash = primitives.sha256(encoded)
    else {
      hash = new Uint8Array(KEY_LENGTH)
      hash.set(encoded)
    }
    const state = new SymmetricState(primitives, cipher, hash, hash.slice())
    state.mixHash(prologue)
    return state
  }

  clone(): SymmetricState {
    const copy = new SymmetricState(this.#primitives, this.#cipher, this.#hash.slice(), this.#chainingKey.slice())
    copy.#key = this.#key?.slice()
    copy.#nonce = this.#nonce
    return copy
  }

  get hasKey(): boolean {
    return this.#key !== undefined
  }

  /** A copy of the transcript's hash so far. */
  get handshakeHash(): Uint8Array<ArrayBuffer> {
    return this.#hash.slice()
  }

  mixHash(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#hash.length + bytes.length)
    joined.set(this.#hash)
    joined.set(bytes, this.#hash.length)
    this.#hash = checkedHash(this.#primitives.sha256(joined))
  }

  /** @param sharedSecret borrowed; the caller wipes it. */
  mixKey(sharedSecret: Uint8Array): void {
    const output = this.#derive(sharedSecret)
    this.#chainingKey.fill(0)
    this.#key?.fill(0)
    this.#chainingKey = output.slice(0, KEY_LENGTH)
    this.#key = output.slice(KEY_LENGTH)
    this.#nonce = 0
    output.fill(0)
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    if (this.#key === undefined) {
      this.mixHash(plaintext)
      return plaintext
    }
    const ciphertext = new Uint8Array(plaintext.length + TAG_LENGTH)
    const key = this.#primitives.aeadKey(this.#key, this.#cipher)
    key.sealInto(ciphertext, 0, plaintext, 0, plaintext.length, this.#nonce, this.#hash)
    key.destroy()
    this.#nonce++
    this.mixHash(ciphertext)
    return ciphertext
  }

  /** @throws {OckamError} `secure-channel/invalid-handshake` when it does not authenticate. */
  decryptAndHash(ciphertext: Uint8Array): Uint8Array {
    if (this.#key === undefined) {
      this.mixHash(ciphertext)
      return ciphertext.slice()
    }
    const plaintext = new Uint8Array(Math.max(0, ciphertext.length - TAG_LENGTH))
    const key = this.#primitives.aeadKey(this.#key, this.#cipher)
    const isAuthentic = key.openInto(plaintext, 0, ciphertext, 0, ciphertext.length, this.#nonce, this.#hash)
    key.destroy()
    if (isAuthentic !== true)
      throw channelError('secure-channel/invalid-handshake', 'A handshake message does not authenticate; it was dropped.')
    this.#nonce++
    this.mixHash(ciphertext)
    return plaintext
  }

  /** Section 5.2, Split: 64 bytes, the first key and the second, which the caller wipes. */
  split(): Uint8Array<ArrayBuffer> {
    return this.#derive(NOTHING)
  }

  wipe(): void {
    this.#chainingKey.fill(0)
    this.#key?.fill(0)
  }

  #derive(inputKey: Uint8Array): Uint8Array<ArrayBuffer> {
    const output = this.#primitives.hkdfSha256(this.#chainingKey, inputKey, NOTHING, 2 * KEY_LENGTH)
    if (!(output instanceof Uint8Array) || output.length !== 2 * KEY_LENGTH) {
      throw channelError('secure-channel/vault-failed', 'The vault was asked to derive 64 bytes and gave something else.')
    }
    return output
  }
}

function checkedHash(hash: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (hash instanceof Uint8Array && hash.length === KEY_LENGTH) return hash
  throw channelError('secure-channel/vault-failed', 'The vault was asked for a SHA-256 hash and gave something that has not 32 bytes.')
}
