/**
 * The keys of the receiving direction: of the interval of 32 nonces that holds the highest one accepted, the interval before, and the one after.
 * The next key is derived at most once per interval, however many forgeries claim to need it, and becomes current only when a message verified
 * under it (security rule 13).
 */

import type { AeadKey } from '@ockam/core'
import { KEY_INTERVAL } from './sending-key.ts'

export class ReceivingKey {
  #current: AeadKey
  #previous: AeadKey | undefined
  #next: AeadKey | undefined
  /** First nonce of the current interval. */
  #start: number
  readonly #onNewKey: (() => void) | undefined

  /** @param start first nonce of the interval of `key`; for tests of the far end. */
  constructor(key: AeadKey, onNewKey?: () => void, start = 0) {
    this.#current = key
    this.#onNewKey = onNewKey
    this.#start = start
  }

  /** The key of a nonce; undefined when it is more than one interval away. */
  keyOf(nonce: number): AeadKey | undefined {
    const offset = nonce - this.#start
    if (offset >= 0 && offset < KEY_INTERVAL) return this.#current
    if (offset < 0) return offset >= -KEY_INTERVAL ? this.#previous : undefined
    if (offset >= 2 * KEY_INTERVAL) return undefined
    this.#next ??= this.#current.rekey()
    return this.#next
  }

  /** A message with that nonce has verified. */
  accept(nonce: number): void {
    if (nonce - this.#start < KEY_INTERVAL || this.#next === undefined) return
    this.#previous?.destroy()
    this.#previous = this.#current
    this.#current = this.#next
    this.#next = undefined
    this.#start += KEY_INTERVAL
    this.#onNewKey?.()
  }

  destroy(): void {
    this.#previous?.destroy()
    this.#current.destroy()
    this.#next?.destroy()
  }
}
