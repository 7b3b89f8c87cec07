/**
 * The transports of a node: which one opens which hop of a MultiAddr, and the table of names by which addresses are read.
 */
import {
  mergeMultiAddrProtocols,
  MultiAddr,
  multiAddrProtocols,
  type MultiAddrPiece,
  type MultiAddrProtocol,
  type Transport,
  type TransportFactory,
  type TransportServices,
} from '@ockam/core'
import { routingError } from './error.ts'
import { createTransport, type Hops, hopsOf } from './transport-factory.ts'

export class TransportSet {
  readonly #services: TransportServices
  readonly #transports: { readonly hops: Hops; readonly transport: Transport }[] = []
  #protocols: readonly MultiAddrProtocol[] = multiAddrProtocols

  constructor(services: TransportServices) {
    this.#services = services
  }

  /**
   * @throws {OckamError} `routing/invalid-argument` for what is no plug-in, `core/invalid-argument` when its names collide with those of another
   * transport; then nothing was added.
   */
  add(factory: TransportFactory): void {
    const hops = hopsOf(factory)
    const protocols = mergeMultiAddrProtocols(this.#protocols, factory.protocols)
    this.#transports.push({ hops, transport: createTransport(factory, this.#services) })
    this.#protocols = protocols
  }

  /** @throws {OckamError} `core/invalid-multiaddr` */
  parse(address: MultiAddr | string): MultiAddr {
    return MultiAddr.from(address, this.#protocols)
  }

  /** The transport whose hop starts at a piece, and how many pieces the hop takes. The transport added first wins. */
  match(pieces: readonly MultiAddrPiece[], at: number): { readonly transport: Transport; readonly length: number } | undefined {
    for (const { hops, transport } of this.#transports) {
      const hop = matchingHop(hops, pieces, at)
      if (hop !== undefined) return { transport, length: hop.length }
    }
    return undefined
  }

  /** The transport of an address that is one hop and nothing else. @throws {OckamError} `routing/unresolvable` */
  of(address: MultiAddr): Transport {
    const match = this.match(address.pieces, 0)
    if (match !== undefined && match.length === address.length) return match.transport
    throw routingError(
      'routing/unresolvable',
      `No transport of this node is for "${address.toString()}": an address such as /ip4/127.0.0.1/tcp/4000 is needed, and its transport among the router's transports.`,
    )
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#transports.map(({ transport }) => transport.close()))
  }
}

/** The first of some protocol-name sequences that the pieces from `at` on begin with. */
export function matchingHop(hops: Hops, pieces: readonly MultiAddrPiece[], at: number): readonly string[] | undefined {
  return hops.find((hop) => hop.length > 0 && hop.every((name, i) => pieces[at + i]?.name === name))
}
