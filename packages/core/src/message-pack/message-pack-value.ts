/**
 * Plain values as MessagePack and back. Plain are: null, booleans, numbers, bigints of 64 bits, text, `Uint8Array`, arrays, and objects without a
 * class. Anything else is refused by name and place when written: a value that would arrive as something different is an error at its sender.
 *
 * Objects arrive without a prototype. Integers of 64 bits arrive as bigints, also small ones; numbers beyond 32 bits are written as floats, which
 * hold them exactly. `-0` arrives as `0`. Properties that are undefined are left out.
 *
 * msgpackr does the bytes. It is given maps, never objects, so that no key and no method of a value means anything to it, and is imported by the
 * entry without native code.
 */

import { Packr } from 'msgpackr/pack'
import { OckamError } from '../error.ts'
import { MAX_DEPTH, MAX_ITEMS, MAX_LENGTH, type MessagePackLimits, scanMessagePack } from './scan.ts'

const LONE_SURROGATE = /\p{Surrogate}/u

/** @throws {OckamError} `core/invalid-message-pack` for what is not plain, `core/limit-exceeded` */
export function encodeMessagePack(value: unknown, limits: MessagePackLimits = {}): Uint8Array<ArrayBuffer> {
  const bytes = codec().pack(new Plain(limits).of(value, 0))
  const maxLength = limits.maxLength ?? MAX_LENGTH
  if (bytes.length > maxLength)
    throw new OckamError('core/limit-exceeded', `The MessagePack body has ${bytes.length} bytes; at most ${maxLength} can be sent.`)
  // On Node this is a Buffer and a view of msgpackr's own memory.
  return new Uint8Array(bytes)
}

/** Reads exactly one value. Nothing in it is a view of `bytes`. @throws {OckamError} `core/invalid-message-pack`, `core/limit-exceeded` */
export function decodeMessagePack(bytes: Uint8Array, limits?: MessagePackLimits): unknown {
  if (!(bytes instanceof Uint8Array))
    throw new OckamError('core/invalid-argument', `MessagePack is read from a Uint8Array; got ${typeof bytes}.`)
  scanMessagePack(bytes, limits)
  // A view of our own: msgpackr leaves a property on what it is given.
  return withoutMaps(codec().unpack(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)))
}

/** A fresh one each time, so that nothing is carried from one message, or one peer, to the next. */
function codec(): Packr {
  return new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint', copyBuffers: true, variableMapSize: true })
}

/** Objects without a prototype in place of maps. The depth was limited by the scan. */
function withoutMaps(value: unknown): unknown {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = withoutMaps(value[i])
    return value
  }
  if (!(value instanceof Map)) return value
  const object: Record<string, unknown> = Object.create(null)
  for (const [key, item] of value as Map<string, unknown>) object[key] = withoutMaps(item)
  return object
}

/** Checks one value and copies it into what msgpackr is given. */
class Plain {
  readonly #maxDepth: number
  #itemsLeft: number
  /** Keys that lead to the value at hand, for error messages. */
  readonly #path: (string | number)[] = []

  constructor(limits: MessagePackLimits) {
    this.#maxDepth = limits.maxDepth ?? MAX_DEPTH
    this.#itemsLeft = limits.maxItems ?? MAX_ITEMS
  }

  of(value: unknown, depth: number): unknown {
    this.#count()
    switch (typeof value) {
      case 'boolean':
      case 'number':
        return value
      case 'string':
        return this.#text(value)
      case 'bigint':
        if (value < -0x8000_0000_0000_0000n || value > 0xffff_ffff_ffff_ffffn) throw this.#refused('an integer over 64 bits')
        return value
      case 'object':
        if (value === null) return null
        if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.length)
        if (depth === this.#maxDepth) {
          throw new OckamError('core/limit-exceeded', `${this.#place()} is nested deeper than ${this.#maxDepth}; does it contain itself?`)
        }
        return Array.isArray(value) ? this.#array(value, depth + 1) : this.#map(value, depth + 1)
      default:
        throw this.#refused(typeof value)
    }
  }

  #array(values: readonly unknown[], depth: number): unknown[] {
    const copy: unknown[] = []
    for (let i = 0; i < values.length; i++) {
      this.#path.push(i)
      copy.push(this.of(values[i], depth))
      this.#path.pop()
    }
    return copy
  }

  #map(object: object, depth: number): Map<string, unknown> {
    const prototype: unknown = Object.getPrototypeOf(object)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      throw this.#refused(`a ${object.constructor?.name ?? 'class instance'}`)
    const map = new Map<string, unknown>()
    for (const [key, value] of Object.entries(object)) {
      if (value === undefined) continue
      this.#path.push(key)
      if (key === '__proto__') throw this.#refused('the key __proto__')
      this.#count()
      map.set(this.#text(key), this.of(value, depth))
      this.#path.pop()
    }
    return map
  }

  #text(text: string): string {
    if (LONE_SURROGATE.test(text)) throw this.#refused('text with half of a surrogate pair')
    if (text.charCodeAt(0) === 0xfeff) throw this.#refused('text that begins with a byte order mark')
    return text
  }

  #count(): void {
    if (--this.#itemsLeft < 0) throw new OckamError('core/limit-exceeded', `${this.#place()} is one value too many; send it in parts.`)
  }

  #refused(what: string): OckamError {
    return new OckamError('core/invalid-message-pack', `${this.#place()} is ${what}, which has no MessagePack form; send plain values.`)
  }

  #place(): string {
    return this.#path.length === 0 ? 'The body' : `The body's ${this.#path.join('.')}`
  }
}
