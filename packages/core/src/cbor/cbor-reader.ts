/**
 * Reads CBOR (RFC 8949) from peers, never more leniently than the Rust nodes' minicbor: integers and lengths may be longer than needed, arrays and
 * maps may be indefinite, elements and keys that are not known are skipped. Stricter than it: tags, indefinite strings, text that is not UTF-8 and
 * unassigned simple values are refused inside skipped items as well, and so is a small key that a structure's map has twice.
 *
 * A cursor over borrowed bytes: it copies nothing but text, never reads back, and never recurses. It remembers the containers it is in, so that a
 * structure cannot read past its own end into its neighbour. Every limit is checked before anything is allocated for what is declared.
 *
 * A structure `[a, b, ?c]`, an enumeration, a map with integer keys, a list:
 * ```ts
 * reader.beginArray(2); const a = reader.uint(); const b = reader.bytes(32); const c = reader.hasValue() ? reader.text() : undefined; reader.end()
 * switch (reader.beginEnum()) { case 0: … } reader.endEnum()
 * reader.beginMap(); for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) { if (key === 1) …; else reader.skip() } reader.end()
 * reader.beginArray(); while (reader.hasNext()) items.push(readItem(reader)); reader.end()
 * ```
 * Trailing bytes are ignored unless `finish` is called. A reader that has thrown is spent. Errors tell the offset and never the bytes.
 */

import { OckamError } from '../error.ts'
import { decodeUtf8 } from '../utf8.ts'
import {
  ARRAY,
  BREAK,
  BYTES,
  type CborKind,
  describe,
  floatWidth,
  isAssigned,
  kindOf,
  MAP,
  NEGATIVE,
  NULL,
  SIMPLE,
  TEXT,
  UINT,
} from './cbor-kind.ts'

/** What a reader allows; each limit has a default fit for messages of peers. */
export interface CborReaderOptions {
  /** What is being read, for error messages: `change history`. */
  readonly what?: string
  /** How deep arrays and maps may nest. Default 32. */
  readonly maxDepth?: number
  /** How many items this reader reads or skips in all. Default 65536. */
  readonly maxItems?: number
  /** Bytes in one byte string or text. Default 16777216, the largest frame. */
  readonly maxStringLength?: number
}

/** What `beginArray` and `beginMap` return for a container whose end is marked instead of counted. */
export const INDEFINITE: -1 = -1

const NOT_A_MAP = -1
const MAX_UINT32 = 0xffff_ffff

export class CborReader {
  readonly #bytes: Uint8Array
  readonly #what: string
  readonly #maxDepth: number
  readonly #maxStringLength: number
  #itemsLeft: number
  #position = 0
  /** Items left in the innermost container; negative when it is indefinite, and outside of all containers. */
  #left: number = INDEFINITE
  /** Keys 0 to 30 that `nextKey` has seen in the innermost container, as bits. */
  #keys = NOT_A_MAP
  /** `#left` and `#keys` of the containers around the innermost one. */
  readonly #outer: number[] = []

  /** @param bytes borrowed: byte strings and raw items are views of it. */
  constructor(bytes: Uint8Array, options: CborReaderOptions = {}) {
    if (!(bytes instanceof Uint8Array))
      throw new OckamError('core/invalid-argument', `CBOR is read from a Uint8Array; got ${typeof bytes}.`)
    // Views of a Node Buffer would be Buffers, whose slice() shares memory.
    this.#bytes = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#what = options.what ?? 'message'
    this.#maxDepth = options.maxDepth ?? 32
    this.#itemsLeft = options.maxItems ?? 65_536
    this.#maxStringLength = options.maxStringLength ?? 16_777_216
  }

  /** Offset of the next item. */
  get position(): number {
    return this.#position
  }

  /** Kind of the next item, without reading it. */
  peek(): CborKind {
    const initial = this.#bytes[this.#position]
    return initial === undefined ? 'end' : kindOf(initial)
  }

  /** @param max largest value allowed. @throws {OckamError} `core/invalid-cbor`, also above 2^53-1: such integers are read by {@link uint64}. */
  uint(max: number = Number.MAX_SAFE_INTEGER): number {
    const initial = this.#head()
    if (initial >> 5 !== UINT) throw this.#unexpected('an unsigned integer', initial)
    const value = this.#argument(initial)
    if (value > max) throw this.#invalid(`the integer is over ${max}`)
    return value
  }

  uint64(): bigint {
    const initial = this.#head()
    if (initial >> 5 !== UINT) throw this.#unexpected('an unsigned integer', initial)
    return this.#wideArgument(initial)
  }

  /** @throws {OckamError} `core/invalid-cbor`, also beyond ±(2^53-1): such integers are read by {@link int64}. */
  int(): number {
    const initial = this.#head()
    const major = initial >> 5
    if (major !== UINT && major !== NEGATIVE) throw this.#unexpected('an integer', initial)
    const argument = this.#argument(initial)
    const value = major === UINT ? argument : -1 - argument
    if (!Number.isSafeInteger(value)) throw this.#invalid('the integer does not fit 53 bits')
    return value
  }

  /** @throws {OckamError} `core/invalid-cbor`, also outside of -2^63 to 2^63-1. */
  int64(): bigint {
    const initial = this.#head()
    const major = initial >> 5
    if (major !== UINT && major !== NEGATIVE) throw this.#unexpected('an integer', initial)
    const argument = this.#wideArgument(initial)
    if (argument >= 0x8000_0000_0000_0000n) throw this.#invalid('the integer does not fit 64 bits with a sign')
    return major === UINT ? argument : -1n - argument
  }

  /** A view of the bytes. @param length the exact length needed; any when left out. */
  bytes(length?: number): Uint8Array {
    const initial = this.#head()
    if (initial >> 5 !== BYTES) throw this.#unexpected('a byte string', initial)
    const end = this.#stringEnd(initial)
    if (length !== undefined && end - this.#position !== length) {
      throw this.#invalid(`the byte string has ${end - this.#position} bytes instead of ${length}`)
    }
    const view = this.#bytes.subarray(this.#position, end)
    this.#position = end
    return view
  }

  text(): string {
    const initial = this.#head()
    if (initial >> 5 !== TEXT) throw this.#unexpected('text', initial)
    const end = this.#stringEnd(initial)
    const text = decodeUtf8(this.#bytes, this.#position, end)
    if (text === undefined) throw this.#invalid('the text is not UTF-8')
    this.#position = end
    return text
  }

  bool(): boolean {
    const initial = this.#head()
    if (initial !== 0xf4 && initial !== 0xf5) throw this.#unexpected('true or false', initial)
    return initial === 0xf5
  }

  null(): void {
    const initial = this.#head()
    if (initial !== NULL) throw this.#unexpected('null', initial)
  }

  /** A float of 64 or 32 bits; as in Rust, neither half floats nor integers will do. */
  float64(): number {
    const initial = this.#head()
    const width = initial === 0xfb ? 8 : initial === 0xfa ? 4 : 0
    if (width === 0) throw this.#unexpected('a float', initial)
    const at = this.#advance(width)
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, width)
    return width === 8 ? view.getFloat64(0) : view.getFloat32(0)
  }

  /**
   * Enters an array. @param minimum how many elements the structure has at least.
   * @returns how many elements are declared, at most as many as bytes are left; or {@link INDEFINITE}.
   */
  beginArray(minimum = 0): number {
    const initial = this.#head()
    if (initial >> 5 !== ARRAY) throw this.#unexpected('an array', initial)
    const count = this.#enter(initial, 1, NOT_A_MAP)
    if (count !== INDEFINITE && count < minimum) throw this.#invalid(`the array has ${count} elements where at least ${minimum} are needed`)
    return count
  }

  /** Enters a map: keys and values follow in turn. @returns how many pairs are declared, or {@link INDEFINITE}. */
  beginMap(): number {
    const initial = this.#head()
    if (initial >> 5 !== MAP) throw this.#unexpected('a map', initial)
    return this.#enter(initial, 2, 0)
  }

  /** Enters `[index, [fields]]`, whose outer array must be definite and of two. @returns the index; the fields are read next. */
  beginEnum(): number {
    const initial = this.#head()
    if (initial >> 5 !== ARRAY || (initial & 31) === 31) throw this.#unexpected('an enumeration', initial)
    if (this.#enter(initial, 1, NOT_A_MAP) !== 2) throw this.#invalid('an enumeration is an array of two')
    const index = this.uint(MAX_UINT32)
    this.beginArray()
    return index
  }

  /** Leaves the innermost array or map; elements and keys that were not read are skipped. */
  end(): void {
    if (this.#outer.length === 0) throw new OckamError('core/invalid-argument', 'end() was called more often than containers were begun.')
    while (this.hasNext()) this.skip()
    this.#leave()
  }

  /** Leaves what {@link beginEnum} entered. */
  endEnum(): void {
    this.end()
    this.end()
  }

  /** Whether the innermost container, or the input when outside of all, holds another item. */
  hasNext(): boolean {
    if (this.#outer.length === 0) return this.#position < this.#bytes.length
    if (this.#left >= 0) return this.#left > 0
    if (this.#position >= this.#bytes.length) throw this.#cut()
    if (this.#bytes[this.#position] !== BREAK) return true
    if (this.#keys !== NOT_A_MAP && (this.#left & 1) !== 0) throw this.#invalid('the map ends after a key')
    return false
  }

  /** Whether an optional element is there: false when the container has ended, and for null, which is then read. */
  hasValue(): boolean {
    return this.hasNext() && !this.tryNull()
  }

  /** Reads null if that comes next, and nothing otherwise. */
  tryNull(): boolean {
    if (this.#bytes[this.#position] !== NULL) return false
    this.#head()
    return true
  }

  /**
   * The next key of a structure's map, 0 to 2^32-1; undefined when there is none.
   * @throws {OckamError} `core/invalid-cbor` for any other key, and for a key from 0 to 30 given twice.
   */
  nextKey(): number | undefined {
    if (!this.hasNext()) return undefined
    const key = this.uint(MAX_UINT32)
    if (key <= 30) {
      const bit = 1 << key
      if ((this.#keys & bit) !== 0) throw this.#invalid(`the key ${key} is given twice`)
      this.#keys |= bit
    }
    return key
  }

  /** Passes over one item of any kind, with all that is in it. */
  skip(): void {
    const depth = this.#outer.length
    do {
      if (this.#outer.length > depth && !this.hasNext()) this.#leave()
      else this.#skipHead()
    } while (this.#outer.length > depth)
  }

  /** Passes over one item. @returns its bytes as received, a view: hash and verify these, never a re-encoding. */
  rawItem(): Uint8Array {
    const start = this.#position
    this.skip()
    return this.#bytes.subarray(start, this.#position)
  }

  /** Call after the last item, where nothing may follow. */
  finish(): void {
    if (this.#outer.length !== 0)
      throw new OckamError('core/invalid-argument', 'finish() was called inside an array or map that was not ended.')
    if (this.#position < this.#bytes.length) throw this.#invalid(`${this.#bytes.length - this.#position} bytes follow the end`)
  }

  /** Reads an initial byte and counts the item. */
  #head(): number {
    if (this.#left === 0) throw this.#invalid('an element is missing')
    const initial = this.#bytes[this.#position]
    if (initial === undefined) throw this.#cut()
    if (--this.#itemsLeft < 0) throw this.#limit('has too many items')
    this.#left--
    this.#position++
    return initial
  }

  /** The number in a head; above 2^53 it is no longer exact, which callers refuse. */
  #argument(initial: number): number {
    const info = initial & 31
    if (info < 24) return info
    const bytes = this.#bytes
    if (info === 24) return bytes[this.#advance(1)] as number
    if (info === 25) {
      const at = this.#advance(2)
      return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
    }
    if (info === 26) return readUint32(bytes, this.#advance(4))
    if (info === 27) {
      const at = this.#advance(8)
      return readUint32(bytes, at) * 0x1_0000_0000 + readUint32(bytes, at + 4)
    }
    throw this.#invalid(info === 31 ? 'an indefinite length stands where none is allowed' : 'the length of an item is malformed')
  }

  #wideArgument(initial: number): bigint {
    if ((initial & 31) !== 27) return BigInt(this.#argument(initial))
    const at = this.#advance(8)
    return (BigInt(readUint32(this.#bytes, at)) << 32n) | BigInt(readUint32(this.#bytes, at + 4))
  }

  /** Passes `count` bytes, which must be there. @returns where they begin. */
  #advance(count: number): number {
    const at = this.#position
    if (count > this.#bytes.length - at) throw this.#cut()
    this.#position = at + count
    return at
  }

  #stringEnd(initial: number): number {
    const length = this.#argument(initial)
    if (length > this.#maxStringLength) throw this.#limit(`has a string over ${this.#maxStringLength} bytes`)
    if (length > this.#bytes.length - this.#position) throw this.#cut()
    return this.#position + length
  }

  #enter(initial: number, itemsEach: 1 | 2, keys: number): number {
    if (this.#outer.length === 2 * this.#maxDepth) throw this.#limit(`is nested deeper than ${this.#maxDepth}`)
    let count: number = INDEFINITE
    // Twice: a map counts keys and values, so that its parity tells a key from a value also when it is indefinite.
    let left = INDEFINITE * itemsEach
    if ((initial & 31) !== 31) {
      count = this.#argument(initial)
      left = count * itemsEach
      if (left > this.#bytes.length - this.#position) throw this.#cut()
      if (left > this.#itemsLeft) throw this.#limit('has too many items')
    }
    this.#outer.push(this.#left, this.#keys)
    this.#left = left
    this.#keys = keys
    return count
  }

  /** To be called where {@link hasNext} is false. */
  #leave(): void {
    if (this.#left < 0) this.#position++
    this.#keys = this.#outer.pop() as number
    this.#left = this.#outer.pop() as number
  }

  /** Reads one head, and with it the whole item unless it is a container, which is then entered. */
  #skipHead(): void {
    const initial = this.#bytes[this.#position]
    if (initial !== undefined && initial >> 5 === TEXT) {
      this.text()
      return
    }
    this.#head()
    const major = (initial as number) >> 5
    if (major <= NEGATIVE) this.#argument(initial as number)
    else if (major === BYTES) this.#position = this.#stringEnd(initial as number)
    else if (major === ARRAY) this.#enter(initial as number, 1, NOT_A_MAP)
    else if (major === MAP) this.#enter(initial as number, 2, 0)
    else if (major === SIMPLE && isAssigned(initial as number)) this.#advance(floatWidth(initial as number))
    else throw this.#unexpected('an item', initial as number)
  }

  #unexpected(expected: string, initial: number): OckamError {
    return this.#invalid(`expected ${expected} but found ${describe(initial)}`, this.#position - 1)
  }

  #cut(): OckamError {
    return this.#invalid('the bytes end too early')
  }

  #invalid(problem: string, offset = this.#position): OckamError {
    return new OckamError('core/invalid-cbor', `Cannot read the ${this.#what}: ${problem} (CBOR, byte ${offset}).`)
  }

  #limit(problem: string): OckamError {
    return new OckamError('core/limit-exceeded', `Cannot read the ${this.#what}: it ${problem} (CBOR, byte ${this.#position}).`)
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  )
}
