/**
 * Seals messages of one direction: nonces 0, 1, 2 …, each used once, and a new key every 32 messages (Noise, section 4.2). Messages are sealed where
 * they lie, behind eight bytes left free for the nonce and in front of sixteen left free for the tag.
 *
 * A nonce counts as used as soon as sealing with it has begun. There is no way to set one.
 */

import type { AeadKey, BatchAeadKey } from '@ockam/core'
import { channelError } from '../error.ts'
import { MAX_NONCE, NONCE_LENGTH, writeNonce } from './nonce.ts'

/** How many messages one key seals. */
export const KEY_INTERVAL = 32
/** Channels without new keys (key exchange only) end here: a bound on what one AES-GCM key may seal. */
const MAX_WITHOUT_NEW_KEYS: number = 2 ** 32

/** Where a message to be sealed lies: offset of its nonce, and length of its plaintext. */
export interface SealJob {
  start: number
  length: number
}

export interface SendingKeyOptions {
  /** False for channels that only exchange keys. Default true. */
  readonly hasNewKeys?: boolean
  /** For tests of the far end. Default 0. */
  readonly firstNonce?: number
  /** Called after the key was replaced. */
  readonly onNewKey?: () => void
}

export class SendingKey {
  #key: AeadKey
  #nonce: number
  /** The nonce that `#key` was made for: not to be made for it again. */
  #keyedAt: number
  readonly #limit: number
  readonly #hasNewKeys: boolean
  readonly #onNewKey: (() => void) | undefined
  /** Reused for every run: offsets in the form the vault wants. */
  readonly #jobs: { outAt: number; inAt: number; length: number }[] = []
  readonly #pool: { outAt: number; inAt: number; length: number }[] = []

  constructor(key: AeadKey, { hasNewKeys = true, firstNonce = 0, onNewKey }: SendingKeyOptions = {}) {
    this.#key = key
    this.#nonce = firstNonce
    this.#keyedAt = firstNonce
    this.#hasNewKeys = hasNewKeys
    this.#limit = hasNewKeys ? MAX_NONCE : MAX_WITHOUT_NEW_KEYS
    this.#onNewKey = onNewKey
  }

  /** The nonce of the next message. */
  get nonce(): number {
    return this.#nonce
  }

  /**
   * How many messages can be sealed at once; a new key is made here when it is time. Asking again before anything was sealed changes nothing more:
   * the peer makes one new key for an interval, so two here would part the sides for good.
   * @param isLast true for the message that ends the channel, for which one nonce is always kept.
   * @throws {OckamError} `secure-channel/exhausted`
   */
  reserve(wanted: number, isLast = false): number {
    const left = this.#limit - this.#nonce - (isLast ? 0 : 1)
    if (left <= 0) {
      throw channelError(
        'secure-channel/exhausted',
        `A secure channel has sent ${this.#limit} messages, which is all it can: open a new one.`,
      )
    }
    if (!this.#hasNewKeys) return Math.min(wanted, left)
    const used = this.#nonce % KEY_INTERVAL
    if (used === 0 && this.#nonce > this.#keyedAt) this.#replaceKey()
    return Math.min(wanted, left, KEY_INTERVAL - used)
  }

  /** Seals the first `count` jobs, no more than were reserved, in their order. */
  seal(slab: Uint8Array, jobs: readonly SealJob[], count: number): void {
    const nonce = this.#nonce
    this.#nonce += count
    const key = this.#key as AeadKey & Partial<BatchAeadKey>
    if (count > 1 && key.sealMany !== undefined) {
      this.#sealMany(key as AeadKey & BatchAeadKey, slab, jobs, count, nonce)
      return
    }
    for (let i = 0; i < count; i++) {
      const { start, length } = jobs[i] as SealJob
      writeNonce(slab, start, nonce + i)
      key.sealInto(slab, start + NONCE_LENGTH, slab, start + NONCE_LENGTH, length, nonce + i)
    }
  }

  destroy(): void {
    this.#key.destroy()
    this.#nonce = this.#limit
  }

  #sealMany(key: AeadKey & BatchAeadKey, slab: Uint8Array, jobs: readonly SealJob[], count: number, nonce: number): void {
    const offsets = this.#jobs
    offsets.length = count
    for (let i = 0; i < count; i++) {
      const { start, length } = jobs[i] as SealJob
      let offset = this.#pool[i]
      if (offset === undefined) {
        offset = { outAt: 0, inAt: 0, length: 0 }
        this.#pool.push(offset)
      }
      offset.outAt = offset.inAt = start + NONCE_LENGTH
      offset.length = length
      offsets[i] = offset
      writeNonce(slab, start, nonce + i)
    }
    key.sealMany(slab, offsets, nonce)
  }

  #replaceKey(): void {
    const next = this.#key.rekey()
    this.#key.destroy()
    this.#key = next
    this.#keyedAt = this.#nonce
    this.#onNewKey?.()
  }
}
