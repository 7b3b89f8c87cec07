/**
 * Which decryptors are stored, of which peer and in which order, and which of them give way to another one.
 *
 * A peer at its limit displaces the oldest of its own: usually it has started anew, and refusing it would shut it out for good, because nothing it can
 * do frees a place. When all are full, only peers that have records of their own get in, at the same price; others are refused. So nobody's records
 * are ever displaced by somebody else, however many identities he makes.
 */

export interface RecordLimits {
  readonly maxPerPeer: number
  readonly maxTotal: number
}

/** One record: its key in the store, and its place in the order in which they were made. */
export interface IndexedRecord {
  readonly storeKey: string
  readonly order: number
}

export class RecordIndex {
  readonly #limits: RecordLimits
  readonly #owners = new Map<string, string>()
  /** By peer. None is empty. */
  readonly #records = new Map<string, Map<string, IndexedRecord>>()
  #latest = 0

  constructor(limits: RecordLimits) {
    this.#limits = limits
  }

  /** A record is in the store. Adding it again changes nothing. */
  add(peer: string, record: IndexedRecord): void {
    this.#owners.set(record.storeKey, peer)
    const own = this.#records.get(peer)
    if (own === undefined) this.#records.set(peer, new Map([[record.storeKey, record]]))
    else own.set(record.storeKey, record)
    this.#latest = Math.max(this.#latest, record.order)
  }

  /** A record is gone. Idempotent. */
  remove(storeKey: string): void {
    const peer = this.#owners.get(storeKey)
    if (peer === undefined) return
    this.#owners.delete(storeKey)
    const own = this.#records.get(peer)
    own?.delete(storeKey)
    if (own?.size === 0) this.#records.delete(peer)
  }

  /**
   * Adds a record of `peer`, the latest of all. Several give way when limits were lowered since.
   * @returns its order, and what gave way, which is no longer in here; undefined when there is no room.
   */
  admit(peer: string, storeKey: string): { readonly order: number; readonly displaced: readonly IndexedRecord[] } | undefined {
    const { maxPerPeer, maxTotal } = this.#limits
    const own = [...(this.#records.get(peer)?.values() ?? [])]
    const tooMany = Math.max(own.length + 1 - maxPerPeer, this.#owners.size >= maxTotal ? 1 : 0, 0)
    if (tooMany > own.length) return undefined
    const displaced = own.sort((a, b) => a.order - b.order).slice(0, tooMany)
    for (const record of displaced) this.remove(record.storeKey)
    const order = this.#latest + 1
    this.add(peer, { storeKey, order })
    return { order, displaced }
  }
}
