/**
 * MultiAddr: an address as people write it, `/dnsaddr/relay.example.com/tcp/4000/service/forward_to_db/secure/api`. A list of names with values,
 * text and binary, as the Rust nodes read and write them.
 *
 * Binary: for each piece its code as unsigned LEB128, then the value: two bytes big-endian for a port, 4 or 16 bytes for an IP address, otherwise
 * length and UTF-8. Which names exist says a table handed to `parse` and `decode`; unknown names are errors. What a hop means, and how to get
 * there, is not known here: routers resolve addresses.
 */

import { BareReader } from '../bare/bare-reader.ts'
import { BareWriter } from '../bare/bare-writer.ts'
import { brandPrintable, hasBrand } from '../brand.ts'
import { OckamError } from '../error.ts'
import { type MultiAddrProtocol, type MultiAddrValueKind, multiAddrProtocols } from './protocol.ts'
import { formatValue, parseValue, readValue, VALUE_NAMES, writeValue } from './value.ts'

const BRAND: symbol = Symbol.for('@ockam/core/MultiAddr')
const MAX_PIECES = 32
const MAX_TEXT = 4096
/** No text within its limit has a longer binary form. */
const MAX_BYTES = 3 * MAX_TEXT + 8 * MAX_PIECES

/** One name with its value. */
export interface MultiAddrPiece {
  readonly name: string
  readonly code: number
  readonly kind: MultiAddrValueKind
  /** As programs use it: percent-encoding undone, IPv6 addresses in the form of RFC 5952, ports in decimal. */
  readonly value: string
}

/** Immutable. At most 32 pieces and 4096 characters of text. */
export class MultiAddr {
  static {
    brandPrintable(MultiAddr.prototype, BRAND)
  }

  readonly pieces: readonly MultiAddrPiece[]
  readonly #text: string

  private constructor(pieces: readonly MultiAddrPiece[]) {
    if (pieces.length > MAX_PIECES) throw invalid(`A MultiAddr has at most ${MAX_PIECES} pieces; this one has ${pieces.length}.`)
    this.#text = pieces.map(({ name, kind, value }) => `/${name}/${formatValue(kind, value)}`).join('')
    if (this.#text.length > MAX_TEXT) throw invalid(`A MultiAddr has at most ${MAX_TEXT} characters; this one has ${this.#text.length}.`)
    this.pieces = Object.freeze(pieces)
  }

  /**
   * Reads text. The leading slash may be missing; the empty text is the empty address; `self` stands for `/secure/api`.
   * @throws {OckamError} `core/invalid-multiaddr`
   */
  static parse(text: string, protocols: readonly MultiAddrProtocol[] = multiAddrProtocols): MultiAddr {
    if (typeof text !== 'string') throw invalid(`A MultiAddr is text such as /ip4/127.0.0.1/tcp/4000; got ${typeof text}.`)
    if (text.length > MAX_TEXT) throw invalid(`A MultiAddr has at most ${MAX_TEXT} characters; this one has ${text.length}.`)
    if (text === 'self') return MultiAddr.parse('/secure/api')
    if (text === '') return new MultiAddr([])
    const parts = text.slice(text.startsWith('/') ? 1 : 0).split('/')
    const pieces: MultiAddrPiece[] = []
    for (let i = 0; i < parts.length; i += 2) {
      const name = parts[i] as string
      const written = parts[i + 1]
      const protocol = protocols.find((candidate) => candidate.name === name)
      if (protocol === undefined) {
        const known = protocols.map((candidate) => candidate.name).join(', ')
        throw invalid(
          `${quote(text)} is not an address this program can read: it knows no ${quote(name)}, only ${known}. Is a transport missing?`,
        )
      }
      if (written === undefined) throw invalid(`${quote(text)} ends after "${name}": ${VALUE_NAMES[protocol.value]} must follow.`)
      const value = parseValue(protocol.value, written)
      if (value === undefined)
        throw invalid(`${quote(text)} is not an address: after "${name}" comes ${VALUE_NAMES[protocol.value]}, not ${quote(written)}.`)
      pieces.push(piece(protocol, value))
    }
    return new MultiAddr(pieces)
  }

  /** Accepts an address or its text. @throws {OckamError} `core/invalid-multiaddr` */
  static from(value: MultiAddr | string, protocols?: readonly MultiAddrProtocol[]): MultiAddr {
    return MultiAddr.is(value) ? value : MultiAddr.parse(value, protocols)
  }

  /** Reads the binary form, all of it. @throws {OckamError} `core/invalid-multiaddr` */
  static decode(bytes: Uint8Array, protocols: readonly MultiAddrProtocol[] = multiAddrProtocols): MultiAddr {
    if (!(bytes instanceof Uint8Array) || bytes.length > MAX_BYTES) throw invalid(`A MultiAddr in binary is at most ${MAX_BYTES} bytes.`)
    const reader = new BareReader(bytes, { what: 'MultiAddr' })
    const pieces: MultiAddrPiece[] = []
    try {
      while (reader.remaining > 0) {
        if (pieces.length === MAX_PIECES) throw invalid(`A MultiAddr has at most ${MAX_PIECES} pieces.`)
        const code = reader.uvarint()
        const protocol = protocols.find((candidate) => candidate.code === code)
        if (protocol === undefined) throw invalid(`A MultiAddr names the unknown protocol ${code}. Is a transport missing?`)
        const value = readValue(reader, protocol.value)
        if (value === undefined) throw invalid(`The value after "${protocol.name}" in a binary MultiAddr has no written form.`)
        pieces.push(piece(protocol, value))
      }
    } catch (error) {
      if (!OckamError.is(error, 'core/invalid-bare', 'core/limit-exceeded')) throw error
      throw new OckamError('core/invalid-multiaddr', error.message, { cause: error })
    }
    const address = new MultiAddr(pieces)
    // Longer than needed is only LEB128, and that is all that could differ.
    if (address.encode().length !== bytes.length) throw invalid('A MultiAddr in binary has a number that is longer than needed.')
    return address
  }

  /** Whether a value is a MultiAddr, made by this or another installed copy of the package. */
  static is(value: unknown): value is MultiAddr {
    return hasBrand(value, BRAND)
  }

  get length(): number {
    return this.pieces.length
  }

  /** A fresh array with the binary form. */
  encode(): Uint8Array<ArrayBuffer> {
    const writer = new BareWriter()
    for (const { code, kind, value } of this.pieces) writeValue(writer.uvarint(code), kind, value)
    return writer.finish()
  }

  /** Some of the pieces, chosen as by `Array.slice`. */
  slice(start?: number, end?: number): MultiAddr {
    return new MultiAddr(this.pieces.slice(start, end))
  }

  /** This address, then the other. @throws {OckamError} `core/invalid-multiaddr` when that is too long. */
  concat(other: MultiAddr): MultiAddr {
    return new MultiAddr([...this.pieces, ...other.pieces])
  }

  equals(other: MultiAddr): boolean {
    return this.#text === other.toString()
  }

  /** With a leading slash; empty for the empty address. */
  toString(): string {
    return this.#text
  }

  toJSON(): string {
    return this.#text
  }
}

function piece({ name, code, value: kind }: MultiAddrProtocol, value: string): MultiAddrPiece {
  return Object.freeze({ name, code, kind, value })
}

/** Text of others in a message: no control characters, no more than a line. */
function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}

function invalid(message: string): OckamError {
  return new OckamError('core/invalid-multiaddr', message)
}
