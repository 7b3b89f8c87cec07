/**
 * Reads BARE from peers as the Rust nodes do: unsigned LEB128 may be longer than needed, but has at most ten bytes, of which the tenth must be
 * `01`; a length over what is left is refused before anything is allocated.
 *
 * A cursor over borrowed bytes. Trailing bytes are ignored, as Rust ignores them, unless `finish` is called. A reader that has thrown is spent.
 * Errors tell the offset and never the bytes.
 */

import { OckamError } from '../error.ts'
import { decodeUtf8 } from '../utf8.ts'

export interface BareReaderOptions {
  /** What is being read, for error messages: `portal message`. */
  readonly what?: string
  /** Bytes in one string or data value. Default 16777216, the largest frame. */
  readonly maxStringLength?: number
  /** Items in one list. Default 65536. */
  readonly maxItems?: number
}

export class BareReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  readonly #maxStringLength: number
  readonly #maxItems: number
  #position = 0

  /** @param bytes borrowed: data values are views of it. */
  constructor(bytes: Uint8Array, options: BareReaderOptions = {}) {
    if (!(bytes instanceof Uint8Array))
      throw new OckamError('core/invalid-argument', `BARE is read from a Uint8Array; got ${typeof bytes}.`)
    // Views of a Node Buffer would be Buffers, whose slice() shares memory.
    this.#bytes = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#what = options.what ?? 'message'
    this.#maxStringLength = options.maxStringLength ?? 16_777_216
    this.#maxItems = options.maxItems ?? 65_536
  }

  /** Offset of the next value. */
  get position(): number {
    return this.#position
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  u8(): number {
    return this.#fixed(1)
  }

  u16(): number {
    return this.#fixed(2)
  }

  u32(): number {
    return this.#fixed(4)
  }

  u64(): bigint {
    const low = this.#fixed(4)
    return (BigInt(this.#fixed(4)) << 32n) | BigInt(low)
  }

  bool(): boolean {
    const byte = this.#fixed(1)
    if (byte > 1) throw this.#invalid('a boolean is neither 0 nor 1')
    return byte === 1
  }

  /** @throws {OckamError} `core/invalid-bare`, also above 2^53-1: such integers are read by {@link uvarint64}. */
  uvarint(): number {
    let value = 0
    let scale = 1
    for (let count = 1; count <= 10; count++) {
      const byte = this.#fixed(1)
      if (count === 10 && byte !== 1) break
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw this.#invalid('the integer does not fit 53 bits')
        return value
      }
      scale *= 128
    }
    throw this.#invalid('the integer does not fit 64 bits')
  }

  uvarint64(): bigint {
    let value = 0n
    for (let count = 1; count <= 10; count++) {
      const byte = this.#fixed(1)
      if (count === 10 && byte !== 1) break
      value |= BigInt(byte & 0x7f) << BigInt(7 * (count - 1))
      if (byte < 0x80) return value
    }
    throw this.#invalid('the integer does not fit 64 bits')
  }

  string(): string {
    const end = this.#stringEnd()
    const text = decodeUtf8(this.#bytes, this.#position, end)
    if (text === undefined) throw this.#invalid('the text is not UTF-8')
    this.#position = end
    return text
  }

  /** A view of the bytes. */
  data(): Uint8Array {
    const end = this.#stringEnd()
    const view = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return view
  }

  /** Whether an optional value follows. */
  optional(): boolean {
    return this.bool()
  }

  /** Index of an enumeration that has `count` variants; the variant's fields follow. */
  variant(count: number): number {
    const index = this.uvarint()
    if (index >= count) throw this.#invalid(`the variant is not among the ${count} known ones`)
    return index
  }

  /**
   * How many items of a list follow. @param minimumItemLength bytes that the shortest possible item takes, at least 1.
   * @throws {OckamError} `core/invalid-bare` when so many items cannot fit what is left, `core/limit-exceeded` over `maxItems`.
   */
  list(minimumItemLength = 1): number {
    const count = this.uvarint()
    if (count > this.#maxItems) throw this.#limit(`has a list over ${this.#maxItems} items`)
    if (count * Math.max(1, minimumItemLength) > this.remaining) throw this.#cut()
    return count
  }

  /** Call after the last value, where nothing may follow. */
  finish(): void {
    if (this.remaining > 0) throw this.#invalid(`${this.remaining} bytes follow the end`)
  }

  #fixed(width: 1 | 2 | 4): number {
    if (width > this.remaining) throw this.#cut()
    let value = 0
    for (let i = 0; i < width; i++) value |= (this.#bytes[this.#position++] as number) << (8 * i)
    return value >>> 0
  }

  #stringEnd(): number {
    const length = this.uvarint()
    if (length > this.#maxStringLength) throw this.#limit(`has a string over ${this.#maxStringLength} bytes`)
    if (length > this.remaining) throw this.#cut()
    return this.#position + length
  }

  #cut(): OckamError {
    return this.#invalid('the bytes end too early')
  }

  #invalid(problem: string): OckamError {
    return new OckamError('core/invalid-bare', `Cannot read the ${this.#what}: ${problem} (BARE, byte ${this.#position}).`)
  }

  #limit(problem: string): OckamError {
    return new OckamError('core/limit-exceeded', `Cannot read the ${this.#what}: it ${problem} (BARE, byte ${this.#position}).`)
  }
}

/** Reads one BARE string; trailing bytes are ignored, as Rust ignores them. @throws {OckamError} `core/invalid-bare`, `core/limit-exceeded` */
export function decodeBareString(bytes: Uint8Array, options?: BareReaderOptions): string {
  return new BareReader(bytes, options).string()
}

/** Reads one BARE data value, a view; trailing bytes are ignored. @throws {OckamError} `core/invalid-bare`, `core/limit-exceeded` */
export function decodeBareData(bytes: Uint8Array, options?: BareReaderOptions): Uint8Array {
  return new BareReader(bytes, options).data()
}
