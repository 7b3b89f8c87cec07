/** The table on stdout: one block per case, ratios to the ceiling and to ours, then the goals. */
const integer = (value) => Math.round(value).toLocaleString('en-US')
const fixed = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2))
const ratio = (value) => (value === undefined || Number.isNaN(value) ? '–' : value.toFixed(2))

function row(aCase, name, result, reference) {
  if (result.absent !== undefined) return [name, `absent: ${result.absent}`]
  if (result.failed !== undefined) return [name, `failed: ${result.failed}`]
  if (aCase.scenario === 'echo')
    return [name, `p50 ${fixed(result.p50Us)} µs`, `p99 ${fixed(result.p99Us)} µs`, `${ratio(result.p50Us / reference?.p50Us)} x ceiling`]
  const megabytes = (result.perSecond * aCase.size) / 1e6
  const rate =
    aCase.scenario === 'handshake' ? `${integer(result.perSecond)} /s` : `${integer(result.perSecond)} /s (${fixed(megabytes)} MB/s)`
  const cpu = Object.entries(result.cpuUs).map(([role, us]) => `${role} ${fixed(us)}`)
  return [name, rate, `${ratio(result.perSecond / reference?.perSecond)} x ceiling`, `CPU µs: ${cpu.join(', ')}`]
}

function aligned(rows) {
  const widths = []
  for (const cells of rows)
    if (cells.length > 2) for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  return rows.map(
    (cells) => `  ${cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]))).join('  ')}`,
  )
}

export function table({ cases, results, codecs, starts, ceiling, goals, machine, rounds }) {
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.platform}; medians of ${rounds} round${rounds === 1 ? '' : 's'}`,
    '',
  ]
  for (const aCase of cases) {
    const entries = Object.entries(results[aCase.name])
    const reference = results[aCase.name].ceiling
    lines.push(aCase.name, ...aligned(entries.map(([name, result]) => row(aCase, name, result, reference))), '')
  }
  if (Object.keys(codecs).length > 0)
    lines.push('routing header', ...aligned(Object.entries(codecs).map(([name, result]) => codecRow(name, result))), '')
  if (Object.keys(starts).length > 0)
    lines.push('start-up', ...aligned(Object.entries(starts).map(([name, result]) => startRow(name, result, starts['node -e 0']))), '')
  const judged = (entries) =>
    entries.map(
      ({ name, value, verdict }) => `  ${verdict.toUpperCase().padEnd(12)}  ${value === undefined ? '' : fixed(value)}`.padEnd(24) + name,
    )
  const isValid = ceiling.every(({ verdict }) => verdict === 'met')
  const isChecked = ceiling.every(({ verdict }) => verdict !== 'not measured')
  lines.push(
    `ceiling: ${isValid ? 'valid' : isChecked ? 'INVALID, ratios to it say nothing in this run' : 'not checked, its cases or net were left out'}`,
    ...judged(ceiling),
    '',
  )
  lines.push('goals', ...judged(goals))
  return `${lines.join('\n')}\n`
}

function startRow(name, result, reference) {
  if (result.absent !== undefined) return [name, `absent: ${result.absent}`]
  if (result.failed !== undefined) return [name, `failed: ${result.failed}`]
  return [name, `${fixed(result.ms)} ms`, `${ratio(result.ms / reference?.ms)} x node -e 0`]
}

function codecRow(name, result) {
  if (result.absent !== undefined) return [name, `absent: ${result.absent}`]
  if (result.failed !== undefined) return [name, `failed: ${result.failed}`]
  const millions = (value) => `${(value / 1e6).toFixed(2)} M/s`
  return [
    name,
    `encode ${millions(result.encodePerSecond)}`,
    `decode ${millions(result.decodePerSecond)}`,
    `relay step ${millions(result.relayPerSecond)}`,
    `${result.bytes} bytes`,
  ]
}
