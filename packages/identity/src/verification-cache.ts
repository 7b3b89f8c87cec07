/**
 * Remembers which bytes had valid signatures, so that a reconnecting peer costs no public-key operation. Nothing else is remembered: time,
 * expected subject, comparison with stored histories and trust are judged on every use. Failures are never remembered.
 *
 * The key is the SHA-256 of a label and of all bytes that took part, with their lengths. The cache belongs to one verifying vault and profile.
 */

import { type Primitives, toByteText } from '@ockam/core'

const encoder = new TextEncoder()

export class VerificationCache {
  readonly #primitives: Primitives
  readonly #maxEntries: number
  /** In order of last use. */
  readonly #valid = new Set<string>()

  /** @param maxEntries 0 remembers nothing. */
  constructor(primitives: Primitives, maxEntries: number) {
    this.#primitives = primitives
    this.#maxEntries = maxEntries
  }

  /** Runs `verify` unless the same bytes passed it before. What `verify` throws is passed on and not remembered. */
  async remember(label: string, parts: readonly Uint8Array[], verify: () => Promise<void>): Promise<void> {
    const key = this.#key(label, parts)
    if (this.#valid.delete(key)) {
      this.#valid.add(key)
      return
    }
    await verify()
    this.#valid.add(key)
    if (this.#valid.size > this.#maxEntries) this.#valid.delete(this.#valid.values().next().value as string)
  }

  #key(label: string, parts: readonly Uint8Array[]): string {
    const all = [encoder.encode(label), ...parts]
    const joined = new Uint8Array(all.reduce((sum, part) => sum + 4 + part.length, 0))
    const view = new DataView(joined.buffer)
    let at = 0
    for (const part of all) {
      view.setUint32(at, part.length)
      joined.set(part, at + 4)
      at += 4 + part.length
    }
    return toByteText(this.#primitives.sha256(joined))
  }
}
