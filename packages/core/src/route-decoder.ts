/**
 * Decodes routes from CBOR on the hot path. Routes in shortest form, which is what every known node sends, are validated where they stand; any
 * other form that Rust nodes accept (longer heads, indefinite arrays, further elements) goes through the general reader.
 *
 * A stream of messages repeats its routes, so the decoder remembers the last few and returns the same {@link Route} objects for the same bytes:
 * no allocation, and everything a route remembers (its next hop, its steps) is remembered too. Routes never borrow the input.
 */

import { Address } from './address.ts'
import { CborReader } from './cbor/index.ts'
import { OckamError } from './error.ts'
import { Route } from './route.ts'

/** Addresses a received onward and return route may have together, unless configured otherwise: what stops loops between nodes. */
export const MAX_ROUTE_ADDRESSES: 32 = 32

/** How many routes are remembered: a few flows that share a connection. */
const MEMO_ENTRIES = 8
/** Routes longer than this are not worth remembering. */
const MAX_MEMO_BYTES = 2048

interface MemoEntry {
  readonly bytes: Uint8Array
  readonly route: Route
}

export class RouteDecoder {
  /** Offset behind the route decoded last. */
  position = 0
  readonly #maxAddresses: number
  readonly #memo: MemoEntry[] = []
  #recent = 0
  #oldest = 0

  /** @param maxAddresses most addresses of one route. */
  constructor(maxAddresses: number = MAX_ROUTE_ADDRESSES) {
    this.#maxAddresses = maxAddresses
  }

  /**
   * Decodes the route that starts at `at`; {@link position} is then behind it.
   * @param end offset behind the last byte that may be read.
   * @throws {OckamError} `core/invalid-cbor`, `core/invalid-address`, `core/limit-exceeded`
   */
  decode(bytes: Uint8Array, at: number, end: number): Route {
    const memo = this.#memo
    const count = memo.length
    for (let i = 0, slot = this.#recent; i < count; i++, slot = slot + 1 === count ? 0 : slot + 1) {
      const entry = memo[slot] as MemoEntry
      if (startsWith(bytes, at, end, entry.bytes)) {
        this.#recent = slot
        this.position = at + entry.bytes.length
        return entry.route
      }
    }
    return this.#decodeNew(bytes, at, end)
  }

  #decodeNew(bytes: Uint8Array, at: number, end: number): Route {
    const initial = at < end ? (bytes[at] as number) : 0
    if (initial < 0x80 || initial > 0x97) return this.#decodeUnusual(bytes, at, end)
    const length = initial & 0x1f
    if (length > this.#maxAddresses) throw tooManyAddresses(length, this.#maxAddresses)
    let position = at + 1
    for (let i = 0; i < length; i++) {
      position = addressEnd(bytes, position, end)
      if (position === NOT_SHORTEST) return this.#decodeUnusual(bytes, at, end)
    }
    this.position = position
    const copy = bytes.slice(at, position)
    const route = Route.overBytes(copy, 1, copy.length, length)
    this.#remember(copy, route)
    return route
  }

  #remember(bytes: Uint8Array, route: Route): void {
    if (bytes.length > MAX_MEMO_BYTES) return
    const slot = this.#memo.length < MEMO_ENTRIES ? this.#memo.length : this.#oldest
    this.#memo[slot] = { bytes, route }
    this.#recent = slot
    this.#oldest = slot + 1 === MEMO_ENTRIES ? 0 : slot + 1
  }

  #decodeUnusual(bytes: Uint8Array, at: number, end: number): Route {
    const reader = new CborReader(bytes.subarray(at, end), { what: 'route' })
    const declared = reader.beginArray()
    if (declared > this.#maxAddresses) throw tooManyAddresses(declared, this.#maxAddresses)
    const addresses: Address[] = []
    while (reader.hasNext()) {
      if (addresses.length === this.#maxAddresses) throw tooManyAddresses(addresses.length + 1, this.#maxAddresses)
      reader.beginArray(2)
      addresses.push(Address.of(reader.uint(255), reader.bytes()))
      reader.end()
    }
    reader.end()
    this.position = at + reader.position
    return Route.of(...addresses)
  }
}

/** What {@link addressEnd} returns for anything but an address in shortest form; the general reader then judges it. */
const NOT_SHORTEST = -1

/** Validates one address in shortest form. Returns the offset behind it. */
function addressEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 3 > end || bytes[at] !== 0x82) return NOT_SHORTEST
  let position = at + 1
  const type = bytes[position++] as number
  if (type > 0x17) {
    if (type !== 0x18 || (bytes[position] as number) < 24) return NOT_SHORTEST
    position++
  }
  if (position >= end) return NOT_SHORTEST
  const head = bytes[position++] as number
  let length = head - 0x40
  if (head === 0x58) {
    length = position < end ? (bytes[position] as number) : 0
    position++
    if (length < 24) return NOT_SHORTEST
  } else if (head === 0x59) {
    length = position + 1 < end ? ((bytes[position] as number) << 8) | (bytes[position + 1] as number) : 0
    position += 2
    if (length < 256) return NOT_SHORTEST
  } else if (length < 0 || length > 23) {
    return NOT_SHORTEST
  }
  position += length
  return position > end ? NOT_SHORTEST : position
}

function startsWith(bytes: Uint8Array, at: number, end: number, prefix: Uint8Array): boolean {
  const length = prefix.length
  if (length > end - at) return false
  // From the back: routes of one connection differ in their last address sooner than in their first bytes.
  for (let i = length - 1; i >= 0; i--) if (bytes[at + i] !== prefix[i]) return false
  return true
}

function tooManyAddresses(count: number, limit: number): OckamError<'core/limit-exceeded'> {
  return new OckamError('core/limit-exceeded', `A received route has ${count} addresses; ${limit} are allowed.`)
}
