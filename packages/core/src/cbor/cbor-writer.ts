/**
 * Writes CBOR (RFC 8949) as the Rust nodes' minicbor does: every head in its shortest form, definite lengths only, floats always 64 bits. This is
 * what gets signed and hashed, so one value has one encoding.
 *
 * The conventions of minicbor-derive, for readers of `[a, b, ?c]` in the formats:
 * - structure: `array(structLength(a, b, c))`, then the items; absent ones in the middle are `null()`, absent ones at the end are left out;
 * - structure with keys: `map(definedCount(a, b, c))`, then for each present one `uint(key)` and the item, keys ascending;
 * - enumeration: `enumeration(index, structLength(…))`, then the fields; without fields it is `82 index 80`.
 *
 * It does not count what is written into an array or map: the head says how many items follow, and the caller writes them.
 */

import { OckamError } from '../error.ts'
import { GrowingBytes } from '../growing-bytes.ts'
import { encodeUtf8, isShortAscii } from '../utf8.ts'

const UINT = 0x00
const NEGATIVE = 0x20
const BYTES = 0x40
const TEXT = 0x60
const ARRAY = 0x80
const MAP = 0xa0
const MAX_UINT64 = 0xffff_ffff_ffff_ffffn
const MIN_INT64 = -0x8000_0000_0000_0000n

export class CborWriter extends GrowingBytes {
  /** @throws {OckamError} `core/invalid-argument` unless a whole number from 0 to 2^53-1, or a bigint below 2^64. */
  uint(value: number | bigint): this {
    if (typeof value === 'bigint') {
      if (value < 0n || value > MAX_UINT64) throw outOfRange('an unsigned integer', value)
      return this.#wideHead(UINT, value)
    }
    if (!Number.isSafeInteger(value) || value < 0) throw outOfRange('an unsigned integer', value)
    return this.#head(UINT, value)
  }

  /** @throws {OckamError} `core/invalid-argument` unless a safe whole number, or a bigint from -2^63 to 2^64-1. */
  int(value: number | bigint): this {
    if (value >= 0) return this.uint(value)
    if (typeof value === 'bigint') {
      if (value < MIN_INT64) throw outOfRange('a signed integer', value)
      return this.#wideHead(NEGATIVE, -1n - value)
    }
    if (!Number.isSafeInteger(value)) throw outOfRange('a signed integer', value)
    return this.#head(NEGATIVE, -1 - value)
  }

  /** A byte string. @param value copied. */
  bytes(value: Uint8Array): this {
    if (!(value instanceof Uint8Array))
      throw new OckamError('core/invalid-argument', `A CBOR byte string needs a Uint8Array; got ${typeof value}.`)
    this.#head(BYTES, value.length)
    this.append(value)
    return this
  }

  /** @throws {OckamError} `core/invalid-argument` for text with half of a surrogate pair, which has no UTF-8 form. */
  text(value: string): this {
    if (typeof value !== 'string') throw new OckamError('core/invalid-argument', `A CBOR text needs a string; got ${typeof value}.`)
    if (isShortAscii(value)) {
      this.#head(TEXT, value.length)
      this.appendAscii(value)
      return this
    }
    const encoded = encodeUtf8(value)
    if (encoded === undefined) {
      throw new OckamError(
        'core/invalid-argument',
        'Text with half of a surrogate pair cannot be written as CBOR; it was probably cut in the middle.',
      )
    }
    this.#head(TEXT, encoded.length)
    this.append(encoded)
    return this
  }

  bool(value: boolean): this {
    return this.#byte(value ? 0xf5 : 0xf4)
  }

  null(): this {
    return this.#byte(0xf6)
  }

  /** Always nine bytes; every NaN becomes the one of RFC 8949 appendix A, `fb7ff8000000000000`. */
  float64(value: number): this {
    this.#byte(0xfb)
    this.reserve(8)
    new DataView(this.buffer.buffer).setFloat64(this.position, Number.isNaN(value) ? Number.NaN : value)
    this.position += 8
    return this
  }

  /** The head of an array; `count` items follow. */
  array(count: number): this {
    return this.#head(ARRAY, checkedCount(count))
  }

  /** The head of a map; `count` pairs of key and value follow. */
  map(count: number): this {
    return this.#head(MAP, checkedCount(count))
  }

  /** Two heads of an enumeration, `82 index` and an array of `fieldCount`; the fields follow. */
  enumeration(index: number, fieldCount: number): this {
    return this.array(2).uint(index).array(fieldCount)
  }

  /** Splices in one item, or several, that are already encoded. Copied, and trusted to be CBOR. */
  raw(encoded: Uint8Array): this {
    this.append(encoded)
    return this
  }

  #byte(byte: number): this {
    this.reserve(1)
    this.buffer[this.position++] = byte
    return this
  }

  #head(major: number, argument: number): this {
    this.reserve(9)
    const buffer = this.buffer
    let at = this.position
    if (argument < 24) {
      buffer[at++] = major | argument
    } else if (argument < 0x100) {
      buffer[at++] = major | 24
      buffer[at++] = argument
    } else if (argument < 0x1_0000) {
      buffer[at++] = major | 25
      buffer[at++] = argument >>> 8
      buffer[at++] = argument
    } else {
      const isWide = argument > 0xffff_ffff
      buffer[at++] = major | (isWide ? 27 : 26)
      if (isWide) at = writeUint32(buffer, at, Math.floor(argument / 0x1_0000_0000))
      at = writeUint32(buffer, at, argument >>> 0)
    }
    this.position = at
    return this
  }

  #wideHead(major: number, argument: bigint): this {
    if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) return this.#head(major, Number(argument))
    this.reserve(9)
    this.buffer[this.position] = major | 27
    new DataView(this.buffer.buffer).setBigUint64(this.position + 1, argument)
    this.position += 9
    return this
  }
}

/** How many elements a structure's array has when absent fields at its end are left out. */
export function structLength(...fields: readonly unknown[]): number {
  let length = fields.length
  while (length > 0 && fields[length - 1] === undefined) length--
  return length
}

/** How many entries a structure's map has: absent fields are left out. */
export function definedCount(...fields: readonly unknown[]): number {
  let count = 0
  for (const field of fields) if (field !== undefined) count++
  return count
}

function writeUint32(buffer: Uint8Array, at: number, value: number): number {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
  return at + 4
}

function checkedCount(count: number): number {
  if (!Number.isSafeInteger(count) || count < 0) throw outOfRange('a count of items', count)
  return count
}

function outOfRange(what: string, value: unknown): OckamError {
  const got = typeof value === 'number' || typeof value === 'bigint' ? String(value) : typeof value
  return new OckamError(
    'core/invalid-argument',
    `CBOR cannot hold ${got} as ${what}: it must be whole and fit 64 bits, as a bigint from 2^53 on.`,
  )
}
