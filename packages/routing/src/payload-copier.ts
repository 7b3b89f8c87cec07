/**
 * Copies payloads that are small parts of large memory. Copies of similar length share a slab of at most eight times their length, so that a stream
 * of messages does not pay for an allocation each, and what a kept copy pins stays within the same eighth that made the copy necessary.
 */
import type { RoutedMessage } from './routed-message.ts'

/** Shorter ones are cheapest on their own, in V8's heap. */
const SHORTEST_SHARED = 65
const LONGEST_SHARED = 16_384
const COPIES_PER_SLAB = 8

interface Slab {
  readonly memory: ArrayBuffer
  readonly bytes: Uint8Array<ArrayBuffer>
  used: number
}

export class PayloadCopier {
  /** By the power of two that the length is rounded up to. */
  readonly #slabs: (Slab | undefined)[] = new Array(15).fill(undefined)

  /** Makes sure, once, that the payload of a message pins no more than it should. Its mailbox has marked those that need no copy. */
  own(message: RoutedMessage): void {
    if (message.isOwned) return
    message.isOwned = true
    message.payload = this.copy(message.payload)
    // A copy is ours alone, so it may be opened in place even if the original was shared.
    message.isExclusive = true
  }

  /** A copy that nobody else holds. */
  copy(payload: Uint8Array): Uint8Array {
    const length = payload.length
    if (length < SHORTEST_SHARED || length > LONGEST_SHARED) {
      const copy = new Uint8Array(length)
      copy.set(payload)
      return copy
    }
    const power = 32 - Math.clz32(length - 1)
    let slab = this.#slabs[power]
    if (slab === undefined || slab.used + length > slab.bytes.length || length * COPIES_PER_SLAB < slab.bytes.length) {
      const memory = new ArrayBuffer(length * COPIES_PER_SLAB)
      slab = { memory, bytes: new Uint8Array(memory), used: 0 }
      this.#slabs[power] = slab
    }
    const start = slab.used
    slab.used += length
    slab.bytes.set(payload, start)
    // Half the price of `subarray`, which looks for the constructor to call.
    return new Uint8Array(slab.memory, start, length)
  }
}
