/**
 * How long the command takes to start, beside Node alone: `npm run bench --workspace apps/cli` after a build. Runs take turns; medians are printed. The
 * goal is that `ockam --version` takes at most 2.5 times as long as `node -e 0`; nothing fails when it does not.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROUNDS = 25
const GOAL = 2.5
const program = fileURLToPath(new URL('../dist/ockam.js', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'ockam-bench-'))
const CASES = [
  ['node -e 0', ['-e', '0']],
  ['ockam --version', [program, '--version']],
  ['ockam --help', [program, '--help']],
  ['ockam node create --help', [program, 'node', 'create', '--help']],
  ['ockam node list', [program, 'node', 'list']],
]

const times = new Map(CASES.map(([name]) => [name, []]))
try {
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, words] of CASES) {
      const startedAt = performance.now()
      const { status, stderr } = spawnSync(process.execPath, words, { env: { ...process.env, OCKAM_HOME: home }, encoding: 'utf8' })
      if (status !== 0) throw new Error(`${name} failed: ${stderr}`)
      // The first round fills caches.
      if (round > 0) times.get(name).push(performance.now() - startedAt)
    }
  }
} finally {
  rmSync(home, { recursive: true, force: true })
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const base = median(times.get('node -e 0'))
for (const [name, values] of times) {
  const ratio = median(values) / base
  const verdict = name === 'ockam --version' ? `  goal ${GOAL}: ${ratio <= GOAL ? 'met' : 'not met'}` : ''
  console.log(`${name.padEnd(26)} ${median(values).toFixed(1).padStart(7)} ms  ${ratio.toFixed(2)}x${verdict}`)
}
