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
import { isSame } from './same-bytes.ts'

/** Addresses a received onward and return route may have together, unless configured otherwise: what stops loops between nodes. */
export const MAX_ROUTE_ADDRESSES: 32 = 32

/** How many routes are remembered: a few flows that share a connection. */
const MEMO_ENTRIES = 8
/** Routes longer than this are not worth remembering. */
const MAX_MEMO_BYTES = 2048
const NO_BYTES = new Uint8Array(0)
const NO_VIEW = new DataView(NO_BYTES.buffer)

/** Bytes of decoded routes are put into blocks of this size: making a typed array for each would cost more than decoding it. */
const BLOCK_BYTES = 4096
/** Connections and channels that come and go see few routes. */
const FIRST_BLOCK_BYTES = 512

interface MemoEntry {
  /** Over the block that holds the route's bytes. */
  readonly view: DataView
  readonly start: number
  readonly length: number
  readonly route: Route
}

export class RouteDecoder {
  /** Offset behind the route decoded last. */
  position = 0
  /** Where the route decoded last is remembered: the same number as for the message before, nearly always means the same route. */
  slot = 0
  readonly #maxAddresses: number
  readonly #memo: MemoEntry[] = []
  #oldest = 0
  /** The last input, its length, where it begins in its buffer, and a view of all of that: the messages of one read share them, and asking is slow. */
  #bytes: Uint8Array = NO_BYTES
  #length = 0
  #offset = 0
  #view: DataView = NO_VIEW
  #block: Uint8Array = NO_BYTES
  #blockView: DataView = NO_VIEW
  #blockUsed = 0

  /** @param maxAddresses most addresses of one route. */
  constructor(maxAddresses: number = MAX_ROUTE_ADDRESSES) {
    this.#maxAddresses = maxAddresses
  }

  /**
   * Decodes the route that starts at `at`; {@link position} is then behind it.
   * @param end offset behind the last byte that may be read; never more than the input has is.
   * @throws {OckamError} `core/invalid-cbor`, `core/invalid-address`, `core/limit-exceeded`
   */
  decode(bytes: Uint8Array, at: number, end: number): Route {
    const memo = this.#memo
    const count = memo.length
    if (bytes !== this.#bytes) this.#look(bytes)
    // The view below is over all of the buffer: an end that is too far would compare with what is no part of the input.
    const last = end < this.#length ? end : this.#length
    const offset = this.#offset + at
    for (let i = 0, slot = this.slot; i < count; i++, slot = slot + 1 === count ? 0 : slot + 1) {
      const entry = memo[slot] as MemoEntry
      if (entry.length <= last - at && isSame(this.#view, offset, entry.view, entry.start, entry.length)) {
        this.slot = slot
        this.position = at + entry.length
        return entry.route
      }
    }
    return this.#decodeNew(bytes, at, last)
  }

  #look(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#length = bytes.length
    this.#offset = bytes.byteOffset
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer)
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
    return this.#keep(bytes, at, position, length)
  }

  #keep(bytes: Uint8Array, at: number, end: number, length: number): Route {
    const size = end - at
    if (size > MAX_MEMO_BYTES) return Route.overBytes(bytes.slice(at, end), 1, size, length)
    if (this.#blockUsed + size > this.#block.length) {
      this.#block = new Uint8Array(this.#block.length === 0 ? Math.max(FIRST_BLOCK_BYTES, size) : BLOCK_BYTES)
      this.#blockView = new DataView(this.#block.buffer)
      this.#blockUsed = 0
    }
    const start = this.#blockUsed
    this.#blockUsed = start + size
    for (let from = at, to = start; from < end; from++, to++) this.#block[to] = bytes[from] as number
    const route = Route.overBytes(this.#block, start + 1, start + size, length)
    const memo = this.#memo
    const slot = memo.length < MEMO_ENTRIES ? memo.length : this.#oldest
    memo[slot] = { view: this.#blockView, start, length: size, route }
    this.slot = slot
    this.#oldest = slot + 1 === MEMO_ENTRIES ? 0 : slot + 1
    return route
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

function tooManyAddresses(count: number, limit: number): OckamError<'core/limit-exceeded'> {
  return new OckamError('core/limit-exceeded', `A received route has ${count} addresses; ${limit} are allowed.`)
}
