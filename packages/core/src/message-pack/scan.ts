/**
 * Walks over MessagePack bytes before they are decoded, and refuses what a hostile peer would send: lengths and counts that are not there, nesting,
 * extension types (which are also how msgpackr spells records and references), keys that are not text, repeated keys, `__proto__`, text that is not
 * UTF-8, trailing bytes. Format: https://github.com/msgpack/msgpack/blob/master/spec.md.
 *
 * It never recurses and allocates no more than the keys of the maps it is in. What passes here cannot make the decoder throw.
 */

import { OckamError } from '../error.ts'
import { decodeUtf8 } from '../utf8.ts'

/** What a decoder allows; each limit has a default fit for bodies of messages. An encoder keeps to the same limits. */
export interface MessagePackLimits {
  /** How deep arrays and maps may nest. Default 32. */
  readonly maxDepth?: number
  /** Values in all, keys included. Default 65536. */
  readonly maxItems?: number
  /** Bytes in all. Default 16777216, the largest frame. */
  readonly maxLength?: number
}

export const MAX_DEPTH = 32
export const MAX_ITEMS = 65_536
export const MAX_LENGTH = 16_777_216

/** @throws {OckamError} `core/invalid-message-pack`, `core/limit-exceeded` */
export function scanMessagePack(bytes: Uint8Array, limits: MessagePackLimits = {}): void {
  const maxLength = limits.maxLength ?? MAX_LENGTH
  if (bytes.length > maxLength) {
    throw new OckamError('core/limit-exceeded', `A MessagePack body of ${bytes.length} bytes is over the limit of ${maxLength}.`)
  }
  new Scan(bytes, limits.maxDepth ?? MAX_DEPTH, limits.maxItems ?? MAX_ITEMS).run()
}

/** An array or map that is not finished. */
interface Container {
  /** Values left; in a map keys and values, so a key comes next when it is even. */
  left: number
  /** Keys seen; undefined for arrays. */
  readonly keys: Set<string> | undefined
}

class Scan {
  readonly #bytes: Uint8Array
  readonly #maxDepth: number
  readonly #open: Container[] = []
  #itemsLeft: number
  #position = 0

  constructor(bytes: Uint8Array, maxDepth: number, maxItems: number) {
    this.#bytes = bytes
    this.#maxDepth = maxDepth
    this.#itemsLeft = maxItems
  }

  run(): void {
    this.#value()
    for (let container = this.#open.at(-1); container !== undefined; container = this.#open.at(-1)) {
      if (container.left === 0) {
        this.#open.pop()
        continue
      }
      const isKey = container.keys !== undefined && container.left % 2 === 0
      container.left--
      if (isKey) this.#key(container.keys as Set<string>)
      else this.#value()
    }
    if (this.#position < this.#bytes.length) throw this.#invalid(`${this.#bytes.length - this.#position} bytes follow the end`)
  }

  #key(keys: Set<string>): void {
    const initial = this.#initial()
    const length = this.#textLength(initial)
    if (length === undefined) throw this.#invalid('a key of a map is not text')
    const key = this.#text(length)
    if (key === '__proto__') throw this.#invalid('a map has the key __proto__')
    if (keys.has(key)) throw this.#invalid('a map has the same key twice')
    keys.add(key)
  }

  #value(): void {
    const initial = this.#initial()
    const textLength = this.#textLength(initial)
    if (textLength !== undefined) this.#text(textLength)
    else if (initial <= 0x7f || initial >= 0xe0) return
    else if (initial <= 0x8f) this.#enter(initial & 0x0f, true)
    else if (initial <= 0x9f) this.#enter(initial & 0x0f, false)
    else this.#typed(initial)
  }

  #typed(initial: number): void {
    switch (initial) {
      case 0xc0: // nil
      case 0xc2: // false
      case 0xc3: // true
        return
      case 0xc4: // bin 8, 16, 32
      case 0xc5:
      case 0xc6:
        this.#advance(this.#uint(1 << (initial - 0xc4)))
        return
      case 0xca: // float 32, 64
      case 0xcb:
        this.#advance(4 << (initial - 0xca))
        return
      case 0xcc: // uint 8, 16, 32, 64
      case 0xcd:
      case 0xce:
      case 0xcf:
        this.#advance(1 << (initial - 0xcc))
        return
      case 0xd0: // int 8, 16, 32, 64
      case 0xd1:
      case 0xd2:
      case 0xd3:
        this.#advance(1 << (initial - 0xd0))
        return
      case 0xdc: // array 16, 32
      case 0xdd:
        this.#enter(this.#uint(2 << (initial - 0xdc)), false)
        return
      case 0xde: // map 16, 32
      case 0xdf:
        this.#enter(this.#uint(2 << (initial - 0xde)), true)
        return
      default:
        throw this.#invalid(initial === 0xc1 ? 'a value has the unused type c1' : 'extension types are not allowed')
    }
  }

  #enter(count: number, isMap: boolean): void {
    const left = isMap ? 2 * count : count
    if (this.#open.length === this.#maxDepth) throw this.#limit(`is nested deeper than ${this.#maxDepth}`)
    if (left > this.#bytes.length - this.#position) throw this.#cut()
    if (left > this.#itemsLeft) throw this.#limit('has too many values')
    this.#open.push({ left, keys: isMap ? new Set() : undefined })
  }

  #initial(): number {
    if (--this.#itemsLeft < 0) throw this.#limit('has too many values')
    return this.#bytes[this.#advance(1)] as number
  }

  /** The length of text, or undefined when the value is something else. */
  #textLength(initial: number): number | undefined {
    if (initial >= 0xa0 && initial <= 0xbf) return initial & 0x1f
    return initial >= 0xd9 && initial <= 0xdb ? this.#uint(1 << (initial - 0xd9)) : undefined
  }

  #text(length: number): string {
    const start = this.#advance(length)
    const text = decodeUtf8(this.#bytes, start, this.#position)
    if (text === undefined) throw this.#invalid('text is not UTF-8')
    // msgpackr drops it from longer texts without a word.
    if (text.charCodeAt(0) === 0xfeff) throw this.#invalid('text begins with a byte order mark')
    return text
  }

  #uint(width: number): number {
    const start = this.#advance(width)
    let value = 0
    for (let i = 0; i < width; i++) value = value * 256 + (this.#bytes[start + i] as number)
    return value
  }

  #advance(count: number): number {
    const start = this.#position
    if (count > this.#bytes.length - start) throw this.#cut()
    this.#position = start + count
    return start
  }

  #cut(): OckamError {
    return this.#invalid('the bytes end too early')
  }

  #invalid(problem: string): OckamError {
    return new OckamError('core/invalid-message-pack', `Cannot read a MessagePack body: ${problem} (byte ${this.#position}).`)
  }

  #limit(problem: string): OckamError {
    return new OckamError('core/limit-exceeded', `Cannot read a MessagePack body: it ${problem} (byte ${this.#position}).`)
  }
}
