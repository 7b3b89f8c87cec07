/**
 * Writes as fast as it can, in several lanes at once, and says on standard output what was acknowledged, until it is killed.
 * Arguments: directory, round.
 *
 * Lines: `begin LANE N`, before the call; `done LANE N`, once acknowledged. Call N of a lane makes one batch: it sets `item/LANE/N`, sets
 * `left/LANE` and `right/LANE` to N, and deletes `item/LANE/(N-20)`. Values are long and replaced often, so that the log is compacted all the time.
 */

import { writeSync } from 'node:fs'
import { fileStore } from '../../src/index.ts'

const [path = '', round = '0'] = process.argv.slice(2)
const store = fileStore(path, {
  compactAboveBytes: 30_000,
  diagnostics: { event: (name) => name === 'store/compacted' && say(name) },
})

/** Synchronous: the line is out before anything else happens. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}

async function writeLane(lane: number): Promise<never> {
  for (let call = Number(round) * 1_000_000; ; call++) {
    say(`begin ${lane} ${call}`)
    const number = new TextEncoder().encode(`${call}`.padEnd(200 + ((call * 37) % 1500)))
    await store.batch([
      { kind: 'set', key: `left/${lane}`, value: number },
      { kind: 'set', key: `item/${lane}/${call}`, value: number.subarray(0, 100) },
      { kind: 'delete', key: `item/${lane}/${call - 20}` },
      { kind: 'set', key: `right/${lane}`, value: number },
    ])
    say(`done ${lane} ${call}`)
  }
}

await Promise.all([0, 1, 2, 3].map(writeLane))
