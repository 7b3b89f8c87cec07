/** The comparison with Rust as Markdown: on stdout, and in docs/performance.md by document.mjs. */
import { loadOf, number, table, verdicts } from '../runner/markdown.mjs'
import { PAIRINGS } from './plan.mjs'

const cpu = ({ cpuUs }) =>
  cpuUs === undefined
    ? '–'
    : ['sender', 'relay', 'receiver'].flatMap((role) => (cpuUs[role] === undefined ? [] : [number(cpuUs[role])])).join(' + ')

export function rustSection({ machine, rounds, crates, cases, results, goals }) {
  const names = PAIRINGS.map(({ name }) => name)
  const compare = (kind, cell) =>
    table(
      ['', ...names],
      cases
        .filter((aCase) => aCase.kind === kind)
        .map(({ name }) => [
          name.replace(`${kind} `, ''),
          ...names.map((pairing) => (results[name]?.[pairing] === undefined ? 'failed' : cell(results[name][pairing]))),
        ]),
    )
  return `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, crate \`ockam\` ${crates.ockam} in a release build; medians of ${rounds} round${rounds === 1 ? '' : 's'}${loadOf(machine)}.

### Goals beside Rust

${verdicts(goals)}

### Thousand messages per second beside Rust

${compare('throughput', ({ perSecond }) => number(perSecond / 1000))}

### CPU µs per message beside Rust: sender + relay + receiver

${compare('throughput', cpu)}

### Echo of 64 bytes beside Rust, p50 / p99 µs

${compare('echo', ({ p50Us, p99Us }) => `${number(p50Us)} / ${number(p99Us)}`)}

### Channels opened and closed beside Rust, per second (CPU µs)

${compare('handshake', (result) => `${number(result.perSecond)} (${cpu(result)})`)}
`
}
