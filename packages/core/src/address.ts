/**
 * Address of a worker: a transport type and opaque bytes, nearly always UTF-8 text. Type 0 is local; 1 TCP, 2 UDP, 3 WebSocket, 4 BLE, 5 UDS.
 *
 * Text form `T#inner`; without `#` the type is 0. CBOR form `82 type bstr`. Addresses are immutable and keep their CBOR form, because routes are
 * put together from it.
 */

import { brandPrintable, hasBrand } from './brand.ts'
import { OckamError } from './error.ts'
import { toByteText } from './byte-text.ts'
import { toHex } from './hex.ts'
import type { Random } from './platform.ts'

/** Type of addresses that name a worker of this node. */
export const LOCAL: 0 = 0

const BRAND: symbol = Symbol.for('@ockam/core/Address')
const MAX_LENGTH = 65_535
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class Address {
  static {
    brandPrintable(Address.prototype, BRAND)
  }

  /** Transport type, 0 to 255. */
  readonly type: number
  /**
   * CBOR form. Borrowed by whoever builds routes: never write to it.
   * @internal
   */
  readonly encoded: Uint8Array<ArrayBuffer>
  /**
   * The CBOR form as a string of bytes: equal for equal addresses, fit as a map key.
   * @internal
   */
  readonly key: string
  readonly #valueAt: number
  #text: string | undefined

  private constructor(type: number, encoded: Uint8Array<ArrayBuffer>, valueAt: number) {
    this.type = type
    this.encoded = encoded
    this.#valueAt = valueAt
    this.key = toByteText(encoded)
  }

  /**
   * @param type 0 to 255. @param value the inner text or bytes (copied), at most 65535 bytes.
   * @throws {OckamError} `core/invalid-address`
   */
  static of(type: number, value: string | Uint8Array): Address {
    if (!Number.isInteger(type) || type < 0 || type > 255) {
      throw new OckamError('core/invalid-address', `The transport type of an address is 0 to 255; got ${type}.`)
    }
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    if (!(bytes instanceof Uint8Array) || bytes.length > MAX_LENGTH) {
      throw new OckamError('core/invalid-address', `An address holds text or at most ${MAX_LENGTH} bytes.`)
    }
    const length = bytes.length
    const lengthHead = length < 24 ? 1 : length < 256 ? 2 : 3
    const typeHead = type < 24 ? 1 : 2
    const encoded = new Uint8Array(1 + typeHead + lengthHead + length)
    encoded[0] = 0x82
    if (typeHead === 1) encoded[1] = type
    else encoded.set([0x18, type], 1)
    const at = 1 + typeHead
    if (lengthHead === 1) encoded[at] = 0x40 | length
    else if (lengthHead === 2) encoded.set([0x58, length], at)
    else encoded.set([0x59, length >> 8, length & 0xff], at)
    encoded.set(bytes, at + lengthHead)
    return new Address(type, encoded, at + lengthHead)
  }

  /** An address of this node: `local('echo')`. @throws {OckamError} `core/invalid-address` */
  static local(name: string | Uint8Array): Address {
    return Address.of(LOCAL, name)
  }

  /** A local address nobody can guess: 16 random bytes as 32 hexadecimal digits, as Rust nodes make them. */
  static random(random: Random): Address {
    return Address.of(LOCAL, toHex(random.bytes(16)))
  }

  /**
   * Reads `inner` or `T#inner`.
   * @throws {OckamError} `core/invalid-address` for a type that is not a decimal 0 to 255, or a second `#`.
   */
  static parse(text: string): Address {
    if (typeof text !== 'string') throw new OckamError('core/invalid-address', `An address is text; got ${typeof text}.`)
    const hash = text.indexOf('#')
    if (hash === -1) return Address.of(LOCAL, text)
    const type = text.slice(0, hash)
    if (!/^\d{1,3}$/.test(type) || text.includes('#', hash + 1)) {
      throw new OckamError(
        'core/invalid-address',
        `"${text}" is not an address: write it as name, or as type#name such as 1#localhost:4000.`,
      )
    }
    return Address.of(Number(type), text.slice(hash + 1))
  }

  /** Accepts an address or its text. @throws {OckamError} `core/invalid-address` */
  static from(value: Address | string): Address {
    return Address.is(value) ? value : Address.parse(value)
  }

  /** Whether a value is an address, made by this or another installed copy of the package. */
  static is(value: unknown): value is Address {
    return hasBrand(value, BRAND)
  }

  /** A fresh copy of the inner bytes. */
  get value(): Uint8Array<ArrayBuffer> {
    return this.encoded.slice(this.#valueAt)
  }

  equals(other: Address): boolean {
    return this.key === other.key
  }

  /** The inner part as text; bytes that are not UTF-8 are shown as `0x…`. */
  get name(): string {
    const bytes = this.encoded.subarray(this.#valueAt)
    try {
      return decoder.decode(bytes)
    } catch {
      return `0x${toHex(bytes)}`
    }
  }

  /** Always with the type: `0#echo`. */
  toString(): string {
    this.#text ??= `${this.type}#${this.name}`
    return this.#text
  }

  toJSON(): string {
    return this.toString()
  }
}
