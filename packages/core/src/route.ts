/**
 * Route: an ordered list of addresses; the first is the next hop. Immutable.
 *
 * A route is kept as the CBOR bytes of its addresses, or as an address in front of another route, so that taking a hop off and putting one on
 * copy nothing. The results of both are remembered, because a stream of messages takes the same hops again and again: in the steady state a
 * relay makes no new routes at all.
 *
 * Text form `a => 1#host:4000 => c`. CBOR form: array of addresses (`80` when empty).
 */

import { Address, LOCAL } from './address.ts'
import { brandPrintable, hasBrand } from './brand.ts'
import { OckamError } from './error.ts'
import { MultiAddr } from './multiaddr/index.ts'

/** What is accepted wherever a route is wanted: a route, an address, `a => b`, `/service/a/service/b`, or a list of addresses or local names. */
export type RouteLike = Route | Address | string | readonly (Address | string)[]

const BRAND: symbol = Symbol.for('@ockam/core/Route')
const NO_BYTES = new Uint8Array(0)
const LOCAL_PIECES: ReadonlySet<string> = new Set(['service', 'worker', 'secure'])

export class Route {
  static {
    brandPrintable(Route.prototype, BRAND)
  }

  static readonly empty: Route = new Route(0, 0, undefined, undefined, NO_BYTES, 0)

  /** Number of addresses. */
  readonly length: number
  /** Bytes of all addresses in CBOR, without the array's head. */
  readonly #byteLength: number
  /** Either head and tail, or bytes from `start`, make the route. */
  readonly #head: Address | undefined
  readonly #tail: Route | undefined
  readonly #bytes: Uint8Array
  readonly #start: number
  #next: Address | undefined
  #stepped: Route | undefined
  #prepended: Route | undefined

  private constructor(
    length: number,
    byteLength: number,
    head: Address | undefined,
    tail: Route | undefined,
    bytes: Uint8Array,
    start: number,
  ) {
    this.length = length
    this.#byteLength = byteLength
    this.#head = head
    this.#tail = tail
    this.#bytes = bytes
    this.#start = start
    this.#next = head
    this.#stepped = tail
  }

  static of(...addresses: readonly (Address | string)[]): Route {
    let route = Route.empty
    for (let i = addresses.length - 1; i >= 0; i--) route = route.prepend(Address.from(addresses[i] as Address | string))
    return route
  }

  /**
   * Reads `a => 1#b => c`; spaces around names are dropped.
   * @throws {OckamError} `core/invalid-route` for empty text, `core/invalid-address` for a bad hop.
   */
  static parse(text: string): Route {
    const names = text.split('=>').map((name) => name.trim())
    if (names.includes('')) throw new OckamError('core/invalid-route', `"${text}" is not a route: write it as a => b => c.`)
    return Route.of(...names)
  }

  /**
   * @throws {OckamError} `core/invalid-route` also for a MultiAddr with a hop that has to be connected first (resolve it with a router).
   */
  static from(value: RouteLike): Route {
    if (Route.is(value)) return value
    if (Address.is(value)) return Route.empty.prepend(value)
    if (typeof value === 'string') return value.startsWith('/') ? localRoute(value) : Route.parse(value)
    if (Array.isArray(value)) return Route.of(...value.map((hop: Address | string) => (typeof hop === 'string' ? Address.local(hop) : hop)))
    throw new OckamError('core/invalid-route', `A route is a Route, an Address, text, or a list of addresses; got ${typeof value}.`)
  }

  /** Whether a value is a route, made by this or another installed copy of the package. */
  static is(value: unknown): value is Route {
    return hasBrand(value, BRAND)
  }

  /**
   * A route over the CBOR bytes of `length` addresses in shortest form, already validated. The bytes are borrowed and must never change.
   * @internal
   */
  static overBytes(bytes: Uint8Array, start: number, end: number, length: number): Route {
    return length === 0 ? Route.empty : new Route(length, end - start, undefined, undefined, bytes, start)
  }

  get isEmpty(): boolean {
    return this.length === 0
  }

  /** The next hop, undefined when the route is empty. The same object every time. */
  get next(): Address | undefined {
    return this.#next ?? this.#readNext()
  }

  /** Apart from {@link next}, which V8 puts in place of its calls while it is that small. */
  #readNext(): Address | undefined {
    if (this.length !== 0) this.#next = this.#addressAt(this.#start)
    return this.#next
  }

  /** The last address, undefined when the route is empty. */
  get recipient(): Address | undefined {
    let last: Address | undefined
    for (const address of this) last = address
    return last
  }

  /** The route without its next hop. @throws {OckamError} `core/invalid-route` when it is empty. */
  step(): Route {
    if (this.#stepped !== undefined) return this.#stepped
    if (this.length === 0) throw new OckamError('core/invalid-route', 'The route is empty: there is no hop to take.')
    const size = encodedAddressLength(this.#bytes, this.#start)
    this.#stepped =
      this.length === 1
        ? Route.empty
        : new Route(this.length - 1, this.#byteLength - size, undefined, undefined, this.#bytes, this.#start + size)
    return this.#stepped
  }

  /** The route with one more hop in front. */
  prepend(address: Address): Route {
    const known = this.#prepended
    if (known !== undefined && known.#head === address) return known
    const route = new Route(this.length + 1, this.#byteLength + address.encoded.length, address, this, NO_BYTES, 0)
    if (this.length !== 0) this.#prepended = route
    return route
  }

  /** This route, then the hops of another. */
  concat(other: Route): Route {
    let route = other
    for (const address of [...this].reverse()) route = route.prepend(address)
    return route
  }

  /** The route without its last hop. */
  withoutRecipient(): Route {
    return Route.of(...[...this].slice(0, -1))
  }

  /** Bytes that {@link encodeInto} writes. */
  get encodedLength(): number {
    return headLength(this.length) + this.#byteLength
  }

  /** Writes the CBOR form; the caller has made room. Returns the offset behind it. */
  encodeInto(out: Uint8Array, at: number): number {
    const count = this.length
    if (count < 24) out[at++] = 0x80 | count
    else if (count < 256) {
      out[at++] = 0x98
      out[at++] = count
    } else {
      out[at++] = 0x99
      out[at++] = count >> 8
      out[at++] = count & 0xff
    }
    return this.writeAddresses(out, at)
  }

  /** A fresh array with the CBOR form. */
  encode(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.encodedLength)
    this.encodeInto(out, 0)
    return out
  }

  /** Writes the addresses without the array's head. @internal */
  writeAddresses(out: Uint8Array, at: number): number {
    if (this.#head !== undefined) {
      out.set(this.#head.encoded, at)
      return (this.#tail as Route).writeAddresses(out, at + this.#head.encoded.length)
    }
    const bytes = this.#bytes
    for (let i = this.#start, end = i + this.#byteLength; i < end; i++) out[at++] = bytes[i] as number
    return at
  }

  *[Symbol.iterator](): IterableIterator<Address> {
    let route: Route = this
    while (route.length !== 0) {
      yield route.next as Address
      route = route.step()
    }
  }

  /** Whether both have the same addresses. What they print does not tell: names may hold `=>`, and bytes are shown as text could be. */
  equals(other: Route): boolean {
    if (this.length !== other.length) return false
    let [left, right]: [Route, Route] = [this, other]
    // Routes of one connection are mostly made of the same objects.
    while (left !== right && left.length !== 0) {
      if (left.next !== right.next && !(left.next as Address).equals(right.next as Address)) return false
      left = left.step()
      right = right.step()
    }
    return true
  }

  /** `0#a => 1#host:4000`; empty text for the empty route. */
  toString(): string {
    return [...this].join(' => ')
  }

  toJSON(): string {
    return this.toString()
  }

  #addressAt(at: number): Address {
    const bytes = this.#bytes
    let type = bytes[++at] as number
    if (type === 0x18) type = bytes[++at] as number
    const head = bytes[++at] as number
    let length = head & 0x1f
    if (length === 24) length = bytes[++at] as number
    else if (length === 25) length = ((bytes[++at] as number) << 8) | (bytes[++at] as number)
    return Address.of(type, bytes.subarray(at + 1, at + 1 + length))
  }
}

/** Length of one validated address in shortest form. */
function encodedAddressLength(bytes: Uint8Array, start: number): number {
  let at = start + 1
  at += bytes[at] === 0x18 ? 2 : 1
  const length = (bytes[at] as number) & 0x1f
  if (length < 24) return at + 1 + length - start
  if (length === 24) return at + 2 + (bytes[at + 1] as number) - start
  return at + 3 + (((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)) - start
}

function headLength(count: number): number {
  return count < 24 ? 1 : count < 256 ? 2 : 3
}

function localRoute(text: string): Route {
  const addresses = MultiAddr.parse(text).pieces.map((piece) => {
    if (!LOCAL_PIECES.has(piece.name)) {
      throw new OckamError(
        'core/invalid-route',
        `"${text}" has a hop that must be connected first (/${piece.name}/…): resolve it with the router.`,
      )
    }
    return Address.of(LOCAL, String(piece.value))
  })
  return Route.of(...addresses)
}
