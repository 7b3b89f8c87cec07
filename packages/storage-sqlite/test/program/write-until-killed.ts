/**
 * Writes as fast as it can, in several lanes at once, and says on standard output what was acknowledged, until it is killed. Own arguments: the
 * prefix of its keys, and the number to begin with.
 *
 * Lines: `begin LANE N`, before the call; `done LANE N`, once acknowledged. Call N of a lane makes one batch: it sets `PREFIX/item/LANE/N`, sets
 * `PREFIX/left/LANE` and `PREFIX/right/LANE` to N, and deletes `PREFIX/item/LANE/(N-20)`. Values are long, so that checkpoints happen all the time.
 */

import { writeSync } from 'node:fs'
import { sqliteStore } from '../../src/index.ts'
import { programArguments } from './program-driver.ts'

const { driver, path, rest } = programArguments()
const [prefix = '', first = '0'] = rest
const store = sqliteStore(driver, { path, lockTimeoutMs: 60_000 })

/** Synchronous: the line is out before anything else happens. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

async function writeLane(lane: number): Promise<never> {
  for (let call = Number(first); ; call++) {
    say(`begin ${lane} ${call}`)
    const number = new TextEncoder().encode(`${call}`.padEnd(2000 + ((call * 37) % 15_000)))
    await store.batch([
      { kind: 'set', key: `${prefix}/left/${lane}`, value: number },
      { kind: 'set', key: `${prefix}/item/${lane}/${call}`, value: number.subarray(0, 100) },
      { kind: 'delete', key: `${prefix}/item/${lane}/${call - 20}` },
      { kind: 'set', key: `${prefix}/right/${lane}`, value: number },
    ])
    say(`done ${lane} ${call}`)
  }
}

await Promise.all([0, 1, 2, 3].map(writeLane))
