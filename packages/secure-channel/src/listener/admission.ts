/**
 * Which half-open handshakes a listener keeps (security rule 9). The return route of a first message is the sender's choice, so handshakes are put in
 * buckets by what delivered them: the first hop, which the node itself put there. All clients of one relay share a bucket.
 *
 * A bucket holds its share and no more, and when all buckets together are full, room is made in the heaviest one; so a flood displaces itself. Within
 * a bucket the oldest goes first: an honest handshake needs one round trip, and a flood has to be faster than that.
 */

export interface AdmissionOptions<T> {
  readonly maxTotal: number
  readonly maxPerSource: number
  /** Ends a handshake; it is already forgotten here. */
  evict(handshake: T): void
}

export class Admission<T> {
  readonly #options: AdmissionOptions<T>
  /** Sets keep the order of insertion: the first is the oldest. */
  readonly #buckets = new Map<string, Set<T>>()
  readonly #sources = new Map<T, string>()

  constructor(options: AdmissionOptions<T>) {
    this.#options = options
  }

  get size(): number {
    return this.#sources.size
  }

  /** Takes a handshake in, at the expense of others if need be. */
  admit(handshake: T, source: string): void {
    const { maxPerSource, maxTotal } = this.#options
    const bucket = this.#buckets.get(source)
    if (bucket !== undefined && bucket.size >= maxPerSource) this.#evictOldest(bucket)
    else if (this.size >= maxTotal) this.#evictOldest(this.#heaviest())
    const target = this.#buckets.get(source)
    if (target === undefined) this.#buckets.set(source, new Set([handshake]))
    else target.add(handshake)
    this.#sources.set(handshake, source)
  }

  /** The handshake has ended by itself. */
  release(handshake: T): void {
    const source = this.#sources.get(handshake)
    if (source === undefined) return
    this.#sources.delete(handshake)
    const bucket = this.#buckets.get(source)
    bucket?.delete(handshake)
    if (bucket?.size === 0) this.#buckets.delete(source)
  }

  /** Ends all. */
  clear(): void {
    for (const handshake of this.#sources.keys()) {
      this.release(handshake)
      this.#options.evict(handshake)
    }
  }

  #evictOldest(bucket: ReadonlySet<T>): void {
    for (const oldest of bucket) {
      this.release(oldest)
      this.#options.evict(oldest)
      return
    }
  }

  #heaviest(): ReadonlySet<T> {
    let heaviest: ReadonlySet<T> = new Set()
    for (const bucket of this.#buckets.values()) if (bucket.size > heaviest.size) heaviest = bucket
    return heaviest
  }
}
