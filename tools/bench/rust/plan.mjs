/** What is compared, in which pairings, and the goals. */
import { timing as benchTiming } from '../runner/plan.mjs'

const SIZES = [64, 1024, 16 * 1024, 64 * 1024]
const QUICK_SIZES = [64, 16 * 1024]
const ECHO_SIZE = 64
export const PATHS = ['direct', 'relayed']
const SECURITIES = ['plain', 'secure']

const sizeName = (size) => (size < 1024 ? `${size} B` : `${size / 1024} KiB`)

/** Sender first: who dials, opens the channel, and floods. */
export const PAIRINGS = [
  { name: 'ours → ours', sender: 'ours', receiver: 'ours' },
  { name: 'ours → Rust', sender: 'ours', receiver: 'rust' },
  { name: 'Rust → ours', sender: 'rust', receiver: 'ours' },
  { name: 'Rust → Rust', sender: 'rust', receiver: 'rust' },
]

/** The cases of one path, each with how a `Pairing` measures it. */
export function casesOf(path, isQuick) {
  const { warmMs, windowMs } = benchTiming(isQuick)
  const cases = []
  for (const security of SECURITIES)
    for (const size of isQuick ? QUICK_SIZES : SIZES)
      cases.push({
        name: `throughput ${security} ${path} ${sizeName(size)}`,
        kind: 'throughput',
        measure: (pairing) => pairing.flood(security, size, warmMs, windowMs),
      })
  for (const security of SECURITIES)
    cases.push({
      name: `echo ${security} ${path} ${sizeName(ECHO_SIZE)}`,
      kind: 'echo',
      measure: (pairing) => pairing.echo(security, ECHO_SIZE, isQuick ? 2000 : 8000),
    })
  cases.push({
    name: `handshake ${path}`,
    kind: 'handshake',
    measure: (pairing) => pairing.handshakes(isQuick ? 500 : 4000, windowMs),
  })
  return cases
}

const [OURS, RUST] = ['ours → ours', 'Rust → Rust']
const GOALS = PATHS.flatMap((path) => [
  ...SECURITIES.flatMap((security) =>
    ['16 KiB', '64 KiB'].map((size) => ({ aCase: `throughput ${security} ${path} ${size}`, of: 'perSecond', sign: '≥' })),
  ),
  ...SECURITIES.map((security) => ({ aCase: `echo ${security} ${path} ${sizeName(ECHO_SIZE)}`, of: 'p50Us', sign: '≤' })),
])

/** `results[case][pairing]` holds medians. What is absent is "not measured". */
export function judge(results) {
  return GOALS.map(({ aCase, of, sign }) => {
    const [ours, rust] = [OURS, RUST].map((pairing) => results[aCase]?.[pairing]?.[of])
    const value = ours === undefined || rust === undefined ? undefined : ours / rust
    const isMet = value !== undefined && (sign === '≥' ? value >= 1 : value <= 1)
    return {
      name: `${aCase}: ${of === 'p50Us' ? 'p50 ' : ''}${OURS} / ${RUST} ${sign} 1`,
      value,
      verdict: value === undefined ? 'not measured' : isMet ? 'met' : 'not met',
    }
  })
}
