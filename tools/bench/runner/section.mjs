/** The tables of a run as Markdown, for docs/performance.md. */
import { loadOf, number, table, verdicts } from './markdown.mjs'

export function measuredSection(report) {
  const contestantsOf = (cases) => [...new Set(cases.flatMap(({ name }) => Object.keys(report.results[name])))]

  /** One row per case, one column per contestant. */
  function compare(cases, cell) {
    const names = contestantsOf(cases)
    const rows = cases.map(({ name }) => [
      name.replace('throughput ', ''),
      ...names.map((contestant) => {
        const result = report.results[name][contestant]
        if (result === undefined) return ''
        return result.absent !== undefined || result.failed !== undefined ? 'absent' : cell(result)
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
  const { machine, rounds } = report
  return `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, OpenSSL ${machine.openssl}; medians of ${rounds} rounds${loadOf(machine)}.

### Is the ceiling believable

${verdicts(report.ceiling)}

### Goals

${verdicts(report.goals)}

### Thousand messages per second, plain

${compare(of('throughput', false), thousands)}

### Thousand messages per second, secure end to end

${compare(of('throughput', true), thousands)}

### CPU µs per message: sender + relay + receiver

${compare(of('throughput'), cpu)}

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

### Start-up, ms

${table(
  ['', 'ms', 'of node -e 0'],
  Object.entries(report.starts ?? {})
    .filter(([, result]) => result.ms !== undefined)
    .map(([name, result]) => [name, number(result.ms), number(result.ms / report.starts['node -e 0'].ms)]),
)}
`
}
