/**
 * The benchmark: `node run.mjs [--quick] [--rounds N] [--only part,part] [--json file]`.
 * Every case and contestant runs in fresh processes, interleaved: each round goes through all of them, every second round backward; medians are reported, on stdout as a
 * table and as JSON. Nothing here asserts speed: an unmet goal is printed, the exit code is 0 as long as the benchmark itself worked.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, cpus, loadavg, platform, release } from 'node:os'
import { dirname } from 'node:path'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { absence, CODECS, CONTESTANTS, peerVersions } from './contestant.mjs'
import { createCertificates } from './runner/certificate.mjs'
import { raceCodec } from './runner/codec.mjs'
import { measure } from './runner/measure.mjs'
import { medianRecord } from './runner/median.mjs'
import { installPeers } from './runner/peer-install.mjs'
import { plan, timing } from './runner/plan.mjs'
import { table } from './runner/report.mjs'
import { absenceOf, measureStart, PROGRAMS } from './runner/start-up.mjs'
import { judge, judgeCeiling } from './runner/target.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string', default: fileURLToPath(new URL('./result/latest.json', import.meta.url)) },
  },
})
const rounds = Math.min(25, Math.max(1, Number.parseInt(options.rounds ?? (options.quick ? '1' : '5'), 10) || 1))
const only = options.only?.split(',').map((part) => part.trim())
const say = (line) => process.stderr.write(`${line}\n`)

const [loadAtStart] = loadavg()
const canPin = spawnSync('taskset', ['-c', '0', 'true']).status === 0
if (!canPin) say('taskset is not here: pinned echo is left out.')
const cases = plan({ isQuick: options.quick, only, canPin })
const isWanted = (group) => only === undefined || only.some((part) => group.includes(part))
const peers = cases.length > 0 || isWanted('routing header') ? installPeers(say) : {}
const limits = timing(options.quick)
const certificates = createCertificates()

/** One entry per thing measured: runs it once, remembers the round's record or the failure. */
const jobs = []
for (const aCase of cases)
  for (const contestant of CONTESTANTS.filter(({ takes }) => takes(aCase))) {
    const settings = {
      ...aCase,
      ...contestant.with,
      certificates,
      keys: [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')],
    }
    const run = () => measure(contestant, aCase, settings, limits)
    jobs.push({ group: aCase.name, name: contestant.name, absent: absence(contestant, peers), records: [], run })
  }
if (isWanted('routing header'))
  for (const codec of CODECS)
    jobs.push({
      group: 'routing header',
      name: codec.name,
      absent: absence(codec, peers),
      records: [],
      run: () => raceCodec(codec, limits),
    })

if (isWanted('start-up'))
  for (const program of PROGRAMS)
    jobs.push({
      group: 'start-up',
      name: program.name,
      absent: absenceOf(program),
      records: [],
      run: () => measureStart(program, limits),
    })

for (let round = 0; round < rounds; round++) {
  const inOrder = round % 2 === 0 ? jobs : [...jobs].reverse()
  for (const [index, job] of inOrder.entries()) {
    if (job.absent !== undefined) continue
    say(`round ${round + 1}/${rounds}  ${index + 1}/${jobs.length}  ${job.group}  ${job.name}`)
    try {
      job.records.push(await job.run())
    } catch (error) {
      job.failure = error.message
      say(`  failed: ${error.message}`)
    }
  }
}

const results = {}
for (const { group, name, absent, failure, records } of jobs) {
  results[group] ??= {}
  if (absent !== undefined) results[group][name] = { absent }
  else if (records.length === 0) results[group][name] = { failed: failure }
  else results[group][name] = medianRecord(records)
}
const { 'routing header': codecs = {}, 'start-up': starts = {}, ...byCase } = results
const report = {
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.versions.node,
    openssl: process.versions.openssl,
    platform: `${platform()} ${release()} ${arch()}`,
    loadAtStart,
    loadAtEnd: loadavg()[0],
  },
  rounds,
  isQuick: options.quick,
  peers: peerVersions(),
  cases,
  results: byCase,
  codecs,
  starts,
  ceiling: judgeCeiling(byCase),
  goals: judge(byCase, codecs, starts),
  roundsOf: jobs
    .filter(({ records }) => records.length > 0)
    .map(({ group, name, failure, records }) => ({ group, name, failure, records })),
}
mkdirSync(dirname(options.json), { recursive: true })
writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
process.stdout.write(table(report))
say(`JSON: ${options.json}`)
