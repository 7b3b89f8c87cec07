/**
 * Identifier of an identity: SHA-256 of its first change, 32 bytes, written `I` and 64 lower-case hexadecimal digits.
 *
 * Source: the published Rust nodes since December 2023 (whole hash, no truncation). The older 20-byte forms are refused.
 */

import { brandPrintable, hasBrand } from './brand.ts'
import { OckamError } from './error.ts'
import { toHex } from './hex.ts'

const BRAND: symbol = Symbol.for('@ockam/core/Identifier')
const PATTERN = /^I[0-9a-fA-F]{64}$/

export class Identifier {
  static {
    brandPrintable(Identifier.prototype, BRAND)
  }

  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  /**
   * Reads `I` and 64 hexadecimal digits of either case; surrounding white space is ignored.
   * @throws {OckamError} `core/invalid-identifier`
   */
  static parse(text: string): Identifier {
    const trimmed = typeof text === 'string' ? text.trim() : ''
    if (!PATTERN.test(trimmed)) {
      throw new OckamError('core/invalid-identifier', `An identifier is the letter I and 64 hexadecimal digits; got ${describe(text)}.`)
    }
    return new Identifier(`I${trimmed.slice(1).toLowerCase()}`)
  }

  /**
   * @param hash 32 bytes, copied.
   * @throws {OckamError} `core/invalid-identifier`
   */
  static fromBytes(hash: Uint8Array): Identifier {
    if (!(hash instanceof Uint8Array) || hash.length !== 32) {
      throw new OckamError(
        'core/invalid-identifier',
        `An identifier is 32 bytes; got ${hash instanceof Uint8Array ? hash.length : typeof hash}.`,
      )
    }
    return new Identifier(`I${toHex(hash)}`)
  }

  /** Accepts an identifier or its text. @throws {OckamError} `core/invalid-identifier` */
  static from(value: Identifier | string): Identifier {
    return Identifier.is(value) ? value : Identifier.parse(value)
  }

  /** Whether a value is an identifier, made by this or another installed copy of the package. */
  static is(value: unknown): value is Identifier {
    return hasBrand(value, BRAND)
  }

  /** A fresh copy of the 32 bytes. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(32)
    for (let i = 0; i < 32; i++) bytes[i] = Number.parseInt(this.#text.slice(1 + 2 * i, 3 + 2 * i), 16)
    return bytes
  }

  /** Identifiers are public: this is not a constant-time comparison. */
  equals(other: Identifier): boolean {
    return other.toString() === this.#text
  }

  toString(): string {
    return this.#text
  }

  toJSON(): string {
    return this.#text
  }
}

function describe(value: unknown): string {
  return typeof value === 'string' ? `${value.length} characters` : typeof value
}
