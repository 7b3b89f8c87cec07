/**
 * Writes the tables of a run into docs/performance.md, between its two markers: `node tools/bench/document.mjs [result.json]`. The words around them are
 * written by hand and have to be read again when the numbers change.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const DOCUMENT = new URL('../../docs/performance.md', import.meta.url)
const BEGIN = '<!-- measured: begin -->'
const END = '<!-- measured: end -->'

const latest = new URL('./result/latest.json', import.meta.url)
const report = JSON.parse(readFileSync(process.argv[2] ?? latest, 'utf8'))

const number = (value) => (value >= 100 ? Math.round(value).toLocaleString('en-US') : value >= 10 ? value.toFixed(1) : value.toFixed(2))
const table = (head, rows) =>
  [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const contestantsOf = (cases) => [...new Set(cases.flatMap(({ name }) => Object.keys(report.results[name])))]

/** One row per case, one column per contestant. */
function compare(cases, cell) {
  const names = contestantsOf(cases)
  const rows = cases.map(({ name }) => [
    name.replace('throughput ', ''),
    ...names.map((contestant) => {
      const result = report.results[name][contestant]
      if (result === undefined) return ''
      return result.absent !== undefined || result.failed !== undefined ? 'absent' : cell(result, contestant, report.results[name])
    }),
  ])
  return table(['', ...names], rows)
}

const of = (scenario, isSecure) =>
  report.cases.filter((aCase) => aCase.scenario === scenario && (isSecure === undefined || aCase.isSecure === isSecure))
const thousands = ({ perSecond }) => number(perSecond / 1000)
const cpu = ({ cpuUs }) =>
  ['send', 'relay', 'receive']
    .filter((role) => cpuUs[role] !== undefined)
    .map((role) => number(cpuUs[role]))
    .join(' + ')
const latency = ({ p50Us, p99Us }) => `${number(p50Us)} / ${number(p99Us)}`
const verdicts = (goals) =>
  table(
    ['goal', 'measured', ''],
    goals.map(({ name, value, verdict }) => [name, value === undefined ? '–' : number(value), verdict]),
  )

const { machine, rounds } = report
const load =
  machine.loadAtStart === undefined ? '' : `, load ${machine.loadAtStart.toFixed(1)} before and ${machine.loadAtEnd.toFixed(1)} after`
const measured = `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, OpenSSL ${machine.openssl}; medians of ${rounds} rounds${load}.

### Is the ceiling believable

${verdicts(report.ceiling)}

### Goals

${verdicts(report.goals)}

### Thousand messages per second, plain

${compare(of('throughput', false), thousands)}

### Thousand messages per second, secure end to end

${compare(of('throughput', true), thousands)}

### CPU µs per message: sender + relay + receiver

${compare(of('throughput'), (result, name) => (name === 'ceiling' || name === 'ours' || name === 'tls' || name === 'libp2p' ? cpu(result) : ''))}

### Echo of 64 bytes, p50 / p99 µs

${compare(of('echo'), latency)}

### New connections, per second (CPU µs of sender + receiver)

${compare(of('handshake'), (result) => `${number(result.perSecond)} (${cpu(result)})`)}

### Routing header, million operations per second

${table(
  ['', 'encode', 'decode', 'relay step', 'bytes'],
  Object.entries(report.codecs)
    .filter(([, result]) => result.bytes !== undefined)
    .map(([name, result]) => [
      name,
      ...['encodePerSecond', 'decodePerSecond', 'relayPerSecond'].map((field) => number(result[field] / 1e6)),
      result.bytes,
    ]),
)}
`

const text = readFileSync(DOCUMENT, 'utf8')
const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
if (from === -1 || to < from) throw new Error(`docs/performance.md needs the markers ${BEGIN} and ${END}.`)
writeFileSync(DOCUMENT, `${text.slice(0, from + BEGIN.length)}\n\n${measured}\n${text.slice(to)}`)
