/** What the tables in docs/performance.md are made of. */

export const number = (value) =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : value >= 10 ? value.toFixed(1) : value.toFixed(2)

export const table = (head, rows) =>
  [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

export const verdicts = (goals) =>
  table(
    ['goal', 'measured', ''],
    goals.map(({ name, value, verdict }) => [name, value === undefined ? '–' : number(value), verdict]),
  )

export const loadOf = ({ loadAtStart, loadAtEnd }) =>
  loadAtStart === undefined ? '' : `, load ${loadAtStart.toFixed(1)} before and ${loadAtEnd.toFixed(1)} after`
