/**
 * A small transactional key-value store: what identities, vault secrets, policies and mailboxes are kept in.
 *
 * Keys are text, compared by Unicode code units; values are bytes. Implementations copy what they take and hand out copies. A promise that
 * resolved is a promise kept: the write survives `kill -9` on media that persist. Calls may overlap; each is atomic.
 */

export interface StoreEntry {
  readonly key: string
  readonly value: Uint8Array<ArrayBuffer>
}

/**
 * One step of a batch. A `check` holds when the key's present value equals `value` (`undefined`: when the key is absent); all checks are
 * evaluated before any write.
 */
export type StoreStep =
  | { readonly kind: 'set'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'check'; readonly key: string; readonly value: Uint8Array | undefined }

export interface Store {
  /** A fresh copy of the value, or undefined. */
  get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  set(key: string, value: Uint8Array): Promise<void>
  /** True when there was something to delete. */
  delete(key: string): Promise<boolean>
  /** Entries whose key starts with `prefix`, in ascending key order, as they were when the scan began. */
  scan(prefix: string): AsyncIterable<StoreEntry>
  /** All steps or none. False, and nothing written, when a check does not hold. */
  batch(steps: readonly StoreStep[]): Promise<boolean>
  /** Waits for writes under way and releases files and locks. Later calls throw `store/closed`. */
  close(): Promise<void>
}

/** Codes every store throws, whichever medium it writes to. */
export type StoreErrorCode =
  /** The store was closed. */
  | 'store/closed'
  /** Another process or another open store holds it. */
  | 'store/locked'
  /** What is on the medium is damaged beyond what a torn last write explains. */
  | 'store/corrupt'
  /** The medium refused: disk full, permission, I/O error. What was acknowledged before is safe. */
  | 'store/write-failed'
  /** A key or value is not acceptable: wrong type, empty key, or too long. */
  | 'store/invalid-argument'
