/**
 * What the next version of the database could be, for tests of the way there: the table is built anew, with a column that tells when an entry was
 * written, and takes over all entries, as most changes of a table in SQLite do it.
 */

import { MIGRATIONS } from '../src/schema.ts'

const SECOND = `
  CREATE TABLE written_entry (
    store TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (store, key)
  );
  INSERT INTO written_entry SELECT store, key, value || x'2b', 1700000000 FROM entry;
  DROP TABLE entry;
  ALTER TABLE written_entry RENAME TO entry;
  CREATE INDEX entry_by_time ON entry (written_at);
`

/** Adds a byte to each value, so that it shows when it was applied twice. */
export const TO_SECOND: readonly string[] = [...MIGRATIONS, SECOND]
