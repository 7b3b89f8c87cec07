/**
 * The one error class of every Ockam package.
 *
 * An error carries a stable `code` of the form `area/reason`; each package declares the union of the codes it throws. The message says what
 * was being done with what, and what to try. A `cause` stays local: nothing about it is ever sent to a remote peer.
 *
 * Two copies of this package may be installed side by side, so `instanceof` is not dependable: use {@link OckamError.is}, which looks for a
 * brand from the global symbol registry.
 */

import { brand, hasBrand } from './brand.ts'

const BRAND: symbol = Symbol.for('@ockam/core/OckamError')

/** What an error may carry besides its code and message. */
export interface OckamErrorOptions {
  /** The error that led to this one. Kept local, never serialised to a peer. */
  readonly cause?: unknown
}

export class OckamError<Code extends string = string> extends Error {
  static {
    brand(OckamError.prototype, BRAND)
  }

  /** Stable, documented in `docs/errors.md`: `area/reason`. */
  readonly code: Code

  constructor(code: Code, message: string, options?: OckamErrorOptions) {
    super(message, options)
    this.name = 'OckamError'
    this.code = code
  }

  /**
   * Whether a caught value is an Ockam error, made by this or another installed copy of the package, and has one of the given codes (any code
   * when none is given).
   */
  static is<Code extends string = string>(value: unknown, ...codes: readonly Code[]): value is OckamError<Code> {
    if (!hasBrand(value, BRAND)) return false
    return codes.length === 0 || codes.includes((value as OckamError<Code>).code)
  }
}

/** Codes thrown by `@ockam/core` itself. */
export type CoreErrorCode =
  /** An argument has the wrong type, length or range. */
  | 'core/invalid-argument'
  /** The text or bytes are not an address. */
  | 'core/invalid-address'
  /** The text or bytes are not a route, or the route is empty where a hop is needed. */
  | 'core/invalid-route'
  /** The text or bytes are not an identifier. */
  | 'core/invalid-identifier'
  /** The text or bytes are not a MultiAddr, or name an unknown protocol. */
  | 'core/invalid-multiaddr'
  /** The bytes are not the CBOR that was expected. */
  | 'core/invalid-cbor'
  /** The bytes are not the BARE value that was expected. */
  | 'core/invalid-bare'
  /** The bytes are not an acceptable MessagePack value, or fail the schema. */
  | 'core/invalid-message-pack'
  /** A declared length, depth or count is over the decoder's limit. */
  | 'core/limit-exceeded'
  /** A service answered a request with a failure. */
  | 'core/request-failed'
  /** A handler asked who sent a message that came through no secure channel. */
  | 'core/peer-missing'
