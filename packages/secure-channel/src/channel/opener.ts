/**
 * Opens the ciphertexts of one direction: replay window, keys, tags. Bounds come before cryptography: a nonce outside of the window costs nothing,
 * and nothing is remembered of a message before its tag has verified.
 *
 * A run of consecutive nonces that came in one chunk, exclusive, is opened where it lies with one call, if the vault can do that and gains from it.
 * Otherwise the plaintext goes to fresh memory where the vault gives it some of its own; messages marked exclusive are opened where they lie if not.
 *
 * Only `true` is a yes: a vault of somebody else may answer with a promise, which is neither, and which must not let a forgery through.
 */

import type { AeadKey, BatchAeadKey, FreshAeadKey, LocalMessage, Primitives } from '@ockam/core'
import { channelError } from '../error.ts'
import { CIPHERTEXT_OVERHEAD, NONCE_LENGTH, readNonce } from '../protocol/nonce.ts'
import type { NonceVerdict, NonceWindow } from '../protocol/nonce-window.ts'
import type { ReceivingKey } from '../protocol/receiving-key.ts'
import { KEY_INTERVAL } from '../protocol/sending-key.ts'

/** Why a ciphertext was refused. */
export type Refusal = Exclude<NonceVerdict, 'fresh'> | 'short' | 'forged'

export interface OpenerOptions {
  readonly primitives: Primitives
  readonly window: NonceWindow
  readonly key: ReceivingKey
  /** The plaintext is `bytes` from `start` to `end`; the memory is the receiver's, shared with nobody. */
  onOpened(message: LocalMessage, nonce: number, bytes: Uint8Array, start: number, end: number): void
  onRefused(message: LocalMessage, refusal: Refusal, nonce: number): void
}

export class Opener {
  /** Ciphertexts that authenticated. */
  authentic = 0
  readonly #options: OpenerOptions
  readonly #jobs: { outAt: number; inAt: number; length: number }[] = []
  readonly #pool: { outAt: number; inAt: number; length: number }[] = []

  constructor(options: OpenerOptions) {
    this.#options = options
  }

  /**
   * Opens the message at `at`, and those behind it that can be opened along with it. @returns how many were dealt with.
   * @throws {OckamError} `secure-channel/vault-failed`, and what the vault throws.
   */
  open(messages: readonly LocalMessage[], at: number): number {
    const { window, key } = this.#options
    const message = messages[at] as LocalMessage
    const { payload } = message
    if (payload.length < CIPHERTEXT_OVERHEAD) {
      this.#options.onRefused(message, 'short', -1)
      return 1
    }
    const nonce = readNonce(payload, 0)
    const verdict = window.judge(nonce)
    const aead = verdict === 'fresh' ? key.keyOf(nonce) : undefined
    if (aead === undefined) {
      this.#options.onRefused(message, verdict === 'fresh' ? 'old' : verdict, nonce)
      return 1
    }
    const count = opensMany(aead) ? this.#runLength(messages, at, nonce, aead.longestInBatch ?? Infinity) : 1
    if (count > 1) this.#openRun(messages, at, count, nonce, aead as AeadKey & BatchAeadKey)
    else if (opensFresh(aead)) this.#openFresh(message, nonce, aead)
    else if (!message.isExclusive) this.#openCopy(message, nonce, aead)
    else {
      const isAuthentic = aead.openInto(payload, NONCE_LENGTH, payload, NONCE_LENGTH, payload.length - NONCE_LENGTH, nonce)
      this.#settle(message, nonce, isAuthentic === true, payload)
    }
    return count
  }

  /** Opens one ciphertext for the decryption API: a copy of its content, or why not. Accepts the nonce. */
  openOne(ciphertext: Uint8Array): Uint8Array<ArrayBuffer> | Refusal {
    if (ciphertext.length < CIPHERTEXT_OVERHEAD) return 'short'
    const nonce = readNonce(ciphertext, 0)
    const verdict = this.#options.window.judge(nonce)
    if (verdict !== 'fresh') return verdict
    const content = this.#options.primitives.allocate(ciphertext.length - CIPHERTEXT_OVERHEAD)
    const aead = this.#options.key.keyOf(nonce)
    if (aead?.openInto(content, 0, ciphertext, NONCE_LENGTH, ciphertext.length - NONCE_LENGTH, nonce) !== true) return 'forged'
    this.authentic++
    this.#options.window.accept(nonce)
    this.#options.key.accept(nonce)
    return content
  }

  #openFresh(message: LocalMessage, nonce: number, aead: FreshAeadKey): void {
    const { payload } = message
    const plaintext = aead.openFresh(payload, NONCE_LENGTH, payload.length - NONCE_LENGTH, nonce)
    if (plaintext === undefined) {
      this.#options.onRefused(message, 'forged', nonce)
      return
    }
    if (!(plaintext instanceof Uint8Array) || plaintext.length !== payload.length - CIPHERTEXT_OVERHEAD) {
      throw channelError(
        'secure-channel/vault-failed',
        'The vault was asked to open a message and gave something that cannot be its plaintext.',
      )
    }
    this.#accept(message, nonce, plaintext, 0, plaintext.length)
  }

  #openCopy(message: LocalMessage, nonce: number, aead: AeadKey): void {
    const { payload } = message
    const plaintext = this.#options.primitives.allocate(payload.length - CIPHERTEXT_OVERHEAD)
    const isAuthentic = aead.openInto(plaintext, 0, payload, NONCE_LENGTH, payload.length - NONCE_LENGTH, nonce)
    if (isAuthentic !== true) this.#options.onRefused(message, 'forged', nonce)
    else this.#accept(message, nonce, plaintext, 0, plaintext.length)
  }

  /**
   * How many messages from `at` on may be opened where they lie, lie in one buffer, gain from a batch, have consecutive nonces of one key, and are
   * inside of the window as it is now. One, when not even the first does.
   */
  #runLength(messages: readonly LocalMessage[], at: number, nonce: number, longest: number): number {
    const first = messages[at] as LocalMessage
    const { buffer } = first.payload
    if (!first.isExclusive || first.payload.length - CIPHERTEXT_OVERHEAD > longest) return 1
    const most = Math.min(messages.length - at, KEY_INTERVAL - (nonce % KEY_INTERVAL))
    let count = 1
    while (count < most) {
      const { payload, isExclusive } = messages[at + count] as LocalMessage
      if (!isExclusive || payload.buffer !== buffer || payload.length < CIPHERTEXT_OVERHEAD) break
      if (payload.length - CIPHERTEXT_OVERHEAD > longest) break
      if (readNonce(payload, 0) !== nonce + count || this.#options.window.judge(nonce + count) !== 'fresh') break
      count++
    }
    return count
  }

  #openRun(messages: readonly LocalMessage[], at: number, count: number, nonce: number, aead: AeadKey & BatchAeadKey): void {
    const jobs = this.#jobs
    jobs.length = count
    for (let i = 0; i < count; i++) {
      const { payload } = messages[at + i] as LocalMessage
      let job = this.#pool[i]
      if (job === undefined) {
        job = { outAt: 0, inAt: 0, length: 0 }
        this.#pool.push(job)
      }
      job.outAt = job.inAt = payload.byteOffset + NONCE_LENGTH
      job.length = payload.length - NONCE_LENGTH
      jobs[i] = job
    }
    const slab = new Uint8Array((messages[at] as LocalMessage).payload.buffer)
    const verdicts = aead.openMany(slab, jobs, nonce)
    for (let i = 0; i < count; i++) {
      const message = messages[at + i] as LocalMessage
      this.#settle(message, nonce + i, verdicts[i] === true, message.payload)
    }
  }

  /** The plaintext stands where the ciphertext stood. */
  #settle(message: LocalMessage, nonce: number, isAuthentic: boolean, bytes: Uint8Array): void {
    if (!isAuthentic) this.#options.onRefused(message, 'forged', nonce)
    else this.#accept(message, nonce, bytes, NONCE_LENGTH, bytes.length - 16)
  }

  #accept(message: LocalMessage, nonce: number, bytes: Uint8Array, start: number, end: number): void {
    this.authentic++
    this.#options.window.accept(nonce)
    this.#options.key.accept(nonce)
    this.#options.onOpened(message, nonce, bytes, start, end)
  }
}

function opensMany(aead: AeadKey): aead is AeadKey & BatchAeadKey {
  return (aead as Partial<BatchAeadKey>).openMany !== undefined
}

function opensFresh(aead: AeadKey): aead is AeadKey & FreshAeadKey {
  return (aead as Partial<FreshAeadKey>).openFresh !== undefined
}
