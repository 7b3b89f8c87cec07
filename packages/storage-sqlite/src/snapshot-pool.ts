/**
 * Connections for scans that are longer than a page: each keeps a read transaction open while its caller takes entry after entry, and in SQLite
 * that needs a connection of its own. Connections are used again; how many are open is bounded.
 */

import type { StoreEntry } from '@ockam/core'
import type { Connection, Snapshot } from './connection.ts'
import type { KeyRange } from './entry-key.ts'
import { storeError } from './error.ts'

/** Most scans at a time. One that nobody ends keeps its connection, and keeps the write-ahead log growing. */
const MOST_SCANS = 16
/** How many connections wait for the next scan. */
const MOST_IDLE = 2

export class SnapshotPool {
  readonly #openConnection: () => Connection
  #idle: Connection[] = []
  readonly #busy = new Set<Connection>()

  constructor(openConnection: () => Connection) {
    this.#openConnection = openConnection
  }

  /**
   * The entries of `range` as they are now. `end` must be called.
   * @throws {OckamError} `storage-sqlite/too-many-scans`. Errors of the driver pass through.
   */
  begin(range: KeyRange): Snapshot {
    if (this.#busy.size === MOST_SCANS) {
      throw storeError(
        'storage-sqlite/too-many-scans',
        `${MOST_SCANS} scans are under way already. End one: run its loop to the end, leave it with break, or call return().`,
      )
    }
    const connection = this.#idle.pop() ?? this.#openConnection()
    let snapshot: Snapshot
    try {
      snapshot = connection.snapshot(range)
    } catch (error) {
      connection.close()
      throw error
    }
    this.#busy.add(connection)
    return {
      next: (): StoreEntry | undefined => snapshot.next(),
      end: () => {
        // Not there any more: the pool was closed, and the connection with it.
        if (!this.#busy.delete(connection)) return
        snapshot.end()
        if (this.#idle.length < MOST_IDLE) this.#idle.push(connection)
        else connection.close()
      },
    }
  }

  /** Also ends the scans under way. */
  close(): void {
    for (const connection of [...this.#idle, ...this.#busy]) connection.close()
    this.#idle = []
    this.#busy.clear()
  }
}
