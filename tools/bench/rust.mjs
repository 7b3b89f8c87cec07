/**
 * The comparison with Rust nodes: `node rust.mjs [--quick] [--rounds N] [--json file]`, or `npm run bench -- --rust`. All four pairings of our node
 * and the Rust peer of tools/rust-peer, direct and through a relay, each in fresh processes; rounds are interleaved, every second one backward, and
 * medians are reported, on stdout as tables and as JSON. Nothing here asserts speed. Where the Rust peer is not built, one line says so.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rustPeerPath } from '../rust-peer/path.mjs'
import { medianRecord } from './runner/median.mjs'
import { Pairing } from './rust/pairing.mjs'
import { PeerProgram } from './rust/peer-program.mjs'
import { casesOf, judge, PAIRINGS, PATHS } from './rust/plan.mjs'
import { rustSection } from './rust/section.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'string', default: fileURLToPath(new URL('./result/rust.json', import.meta.url)) },
  },
})
const rounds = Math.min(25, Math.max(1, Number.parseInt(options.rounds ?? (options.quick ? '1' : '3'), 10) || 1))
const say = (line) => process.stderr.write(`${line}\n`)

const COMMANDS = {
  ours: [process.execPath, fileURLToPath(new URL('./rust/our-program.mjs', import.meta.url))],
  rust: [rustPeerPath()],
}

/** Measures all cases of one pairing on one path in fresh processes. */
async function measure({ sender, receiver }, path, onRecord) {
  const kinds = { sender, receiver, ...(path === 'relayed' && { relay: receiver }) }
  const nodes = Object.fromEntries(Object.entries(kinds).map(([role, kind]) => [role, new PeerProgram(COMMANDS[kind])]))
  try {
    const pairing = new Pairing(nodes)
    await pairing.meet()
    for (const aCase of casesOf(path, options.quick)) onRecord(aCase.name, await aCase.measure(pairing))
  } finally {
    await Promise.all(Object.values(nodes).map((node) => node.end()))
  }
}

async function cratesOfPeer() {
  const peer = new PeerProgram(COMMANDS.rust)
  try {
    return (await peer.ask('peer.version')).crates
  } finally {
    await peer.end()
  }
}

async function compare() {
  const [loadAtStart] = loadavg()
  const crates = await cratesOfPeer()
  const jobs = PATHS.flatMap((path) => PAIRINGS.map((pairing) => ({ path, pairing })))
  const records = {}
  const failures = []
  for (let round = 0; round < rounds; round++) {
    const inOrder = round % 2 === 0 ? jobs : [...jobs].reverse()
    for (const { path, pairing } of inOrder) {
      say(`round ${round + 1}/${rounds}  ${pairing.name}  ${path}`)
      try {
        await measure(pairing, path, (name, record) => (((records[name] ??= {})[pairing.name] ??= []).push(record), undefined))
      } catch (error) {
        failures.push({ round, pairing: pairing.name, path, message: error.message })
        say(`  failed: ${error.message}`)
      }
    }
  }
  const cases = PATHS.flatMap((path) => casesOf(path, options.quick).map(({ name, kind }) => ({ name, kind })))
  const results = Object.fromEntries(
    Object.entries(records).map(([name, byPairing]) => [
      name,
      Object.fromEntries(Object.entries(byPairing).map(([pairing, all]) => [pairing, medianRecord(all)])),
    ]),
  )
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.versions.node,
    loadAtStart,
    loadAtEnd: loadavg()[0],
  }
  return { machine, rounds, isQuick: options.quick, crates, cases, results, goals: judge(results), failures, roundsOf: records }
}

if (existsSync(rustPeerPath())) {
  const report = await compare()
  mkdirSync(dirname(options.json), { recursive: true })
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
  process.stdout.write(rustSection(report))
  say(`JSON: ${options.json}`)
  if (report.failures.length > 0) process.exitCode = 1
} else {
  say(`The Rust peer is not built, so there is nothing to compare with: npm run interop builds it (${rustPeerPath()}).`)
}
