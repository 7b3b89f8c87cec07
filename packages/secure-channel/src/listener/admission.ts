/**
 * Which half-open handshakes a listener keeps (security rule 9). The return route of a first message is the sender's choice, so handshakes are counted
 * by what delivered them and no sender can choose: the network behind the connection, and within it the connection itself.
 *
 * A network holds its share and no more, and when all together are full, room is made in the heaviest network. There the heaviest connection gives
 * way: somebody behind the same NAT as a flood keeps what is his as long as his connection has fewer handshakes than the flood's. Within a connection
 * the oldest goes first: an honest handshake needs one round trip, and a flood has to be faster than that.
 */

/** What delivered a first message. */
export interface HandshakeSource {
  readonly network: string
  readonly connection: string
}

export interface AdmissionOptions<T> {
  readonly maxTotal: number
  readonly maxPerNetwork: number
  /** Ends a handshake; it is already forgotten here. */
  evict(handshake: T): void
}

interface Network<T> {
  /** Handshakes of all its connections. */
  size: number
  /** Sets keep the order of insertion: the first is the oldest. None is empty. */
  readonly connections: Map<string, Set<T>>
}

export class Admission<T> {
  readonly #options: AdmissionOptions<T>
  readonly #networks = new Map<string, Network<T>>()
  readonly #sources = new Map<T, HandshakeSource>()

  constructor(options: AdmissionOptions<T>) {
    this.#options = options
  }

  get size(): number {
    return this.#sources.size
  }

  /** Takes a handshake in, at the expense of others if need be. */
  admit(handshake: T, source: HandshakeSource): void {
    const { maxPerNetwork, maxTotal } = this.#options
    const own = this.#networks.get(source.network)
    if (own !== undefined && own.size >= maxPerNetwork) this.#evictFrom(own)
    else if (this.size >= maxTotal) this.#evictFrom(heaviest(this.#networks.values()))
    this.#sources.set(handshake, source)
    // Looked up again: what was evicted may have been the network's last.
    let network = this.#networks.get(source.network)
    if (network === undefined) {
      network = { size: 0, connections: new Map() }
      this.#networks.set(source.network, network)
    }
    network.size++
    const connection = network.connections.get(source.connection)
    if (connection === undefined) network.connections.set(source.connection, new Set([handshake]))
    else connection.add(handshake)
  }

  /** The handshake has ended by itself. */
  release(handshake: T): void {
    const source = this.#sources.get(handshake)
    const network = source && this.#networks.get(source.network)
    if (source === undefined || network === undefined) return
    this.#sources.delete(handshake)
    network.size--
    if (network.size === 0) this.#networks.delete(source.network)
    const connection = network.connections.get(source.connection)
    connection?.delete(handshake)
    if (connection?.size === 0) network.connections.delete(source.connection)
  }

  /** Ends all. */
  clear(): void {
    for (const handshake of this.#sources.keys()) {
      this.release(handshake)
      this.#options.evict(handshake)
    }
  }

  #evictFrom(network: Network<T> | undefined): void {
    const [oldest] = (network && heaviest(network.connections.values())) ?? []
    if (oldest === undefined) return
    this.release(oldest)
    this.#options.evict(oldest)
  }
}

/** The one with most; of equals the one that is there longest. */
function heaviest<Group extends { readonly size: number }>(groups: Iterable<Group>): Group | undefined {
  let most: Group | undefined
  for (const group of groups) if (most === undefined || group.size > most.size) most = group
  return most
}
