/**
 * Writes BARE as the Rust nodes' serde_bare does: integers of fixed width little-endian, lengths and enumerations as unsigned LEB128, structures
 * as their fields and nothing else. Floats and signed integers, which no message here has, are left out.
 */

import { OckamError } from '../error.ts'
import { GrowingBytes } from '../growing-bytes.ts'
import { encodeUtf8, isShortAscii } from '../utf8.ts'

export class BareWriter extends GrowingBytes {
  u8(value: number): this {
    return this.#fixed(value, 1, 0xff)
  }

  u16(value: number): this {
    return this.#fixed(value, 2, 0xffff)
  }

  u32(value: number): this {
    return this.#fixed(value, 4, 0xffff_ffff)
  }

  /** @throws {OckamError} `core/invalid-argument` unless a whole number from 0 to 2^53-1, or a bigint below 2^64. */
  u64(value: number | bigint): this {
    this.reserve(8)
    new DataView(this.buffer.buffer).setBigUint64(this.position, checkedUint64(value), true)
    this.position += 8
    return this
  }

  bool(value: boolean): this {
    return this.u8(value ? 1 : 0)
  }

  /** Unsigned LEB128 in its shortest form; also the index of an enumeration and the count of a list, whose fields or items follow. */
  uvarint(value: number | bigint): this {
    this.reserve(10)
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fff_ffff) {
      let rest = value
      for (; rest >= 0x80; rest >>>= 7) this.buffer[this.position++] = (rest & 0x7f) | 0x80
      this.buffer[this.position++] = rest
      return this
    }
    let rest = checkedUint64(value)
    for (; rest >= 0x80n; rest >>= 7n) this.buffer[this.position++] = Number(rest & 0x7fn) | 0x80
    this.buffer[this.position++] = Number(rest)
    return this
  }

  /** @throws {OckamError} `core/invalid-argument` for text with half of a surrogate pair, which has no UTF-8 form. */
  string(value: string): this {
    if (typeof value !== 'string') throw new OckamError('core/invalid-argument', `A BARE string needs a string; got ${typeof value}.`)
    if (isShortAscii(value)) {
      this.uvarint(value.length)
      this.appendAscii(value)
      return this
    }
    const encoded = encodeUtf8(value)
    if (encoded === undefined) {
      throw new OckamError(
        'core/invalid-argument',
        'Text with half of a surrogate pair cannot be written as BARE; it was probably cut in the middle.',
      )
    }
    return this.data(encoded)
  }

  /** Length and bytes. @param value copied. */
  data(value: Uint8Array): this {
    if (!(value instanceof Uint8Array)) throw new OckamError('core/invalid-argument', `BARE data needs a Uint8Array; got ${typeof value}.`)
    this.uvarint(value.length)
    this.append(value)
    return this
  }

  /** Whether an optional value follows; when true, write it next. */
  optional(isPresent: boolean): this {
    return this.bool(isPresent)
  }

  /** Splices in bytes that are already encoded. Copied. */
  raw(encoded: Uint8Array): this {
    this.append(encoded)
    return this
  }

  #fixed(value: number, width: 1 | 2 | 4, max: number): this {
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw new OckamError('core/invalid-argument', `BARE cannot hold ${String(value)} as an unsigned integer of ${8 * width} bits.`)
    }
    this.reserve(width)
    for (let i = 0; i < width; i++) this.buffer[this.position++] = value >>> (8 * i)
    return this
  }
}

/** One BARE string, as the bodies of the standard text services are. @throws {OckamError} `core/invalid-argument` */
export function encodeBareString(text: string): Uint8Array<ArrayBuffer> {
  return new BareWriter(text.length + 5).string(text).finish()
}

/** One BARE data value: the length, then a copy of `content`. */
export function encodeBareData(content: Uint8Array): Uint8Array<ArrayBuffer> {
  return new BareWriter(content.length + 10).data(content).finish()
}

function checkedUint64(value: number | bigint): bigint {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value)
  const wide = isWhole ? BigInt(value) : -1n
  if (wide < 0n || wide > 0xffff_ffff_ffff_ffffn) {
    throw new OckamError('core/invalid-argument', `BARE cannot hold ${String(value)} as an unsigned integer of 64 bits.`)
  }
  return wide
}
