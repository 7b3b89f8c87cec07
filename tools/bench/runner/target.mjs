/**
 * The goals, as ratios inside one run. A goal says which case and contestant it measures, against whom, by which field, and the limit. What is absent is "not measured",
 * never met. Also the rule by which the ceiling itself is believed.
 */
const throughput = (security, path, size) => `throughput ${security} ${path} ${size}`
const SIZES = ['64 B', '1 KiB', '16 KiB', '64 KiB']

const perSecond = (result) => result?.perSecond
const p50 = (result) => result?.p50Us
const cpuOfBothSides = (result) => result?.cpuUs && result.cpuUs.send + result.cpuUs.receive

const atLeast = (aCase, against, limit, contestant = 'ours') => ({
  name: `${aCase}: ${contestant} / ${against} ≥ ${limit}`,
  aCase,
  contestant,
  against,
  limit,
  of: perSecond,
  isMet: (ratio) => ratio >= limit,
})
const atMost = (aCase, against, limit, of, what) => ({
  name: `${aCase}: ${what} ours / ${against} ≤ ${limit}`,
  aCase,
  contestant: 'ours',
  against,
  limit,
  of,
  isMet: (ratio) => ratio <= limit,
})

const RATIOS = [
  ...['direct', 'relayed'].flatMap((path) => SIZES.map((size) => atLeast(throughput('secure', path, size), 'ceiling', 0.7))),
  ...['direct', 'relayed'].flatMap((path) => SIZES.map((size) => atLeast(throughput('plain', path, size), 'ceiling', 0.6))),
  atLeast(throughput('plain', 'direct', '1 KiB'), 'ceiling', 0.6, 'ours, in place'),
  atLeast(throughput('secure', 'direct', '64 B'), 'libp2p', 2.2),
  atLeast(throughput('secure', 'direct', '1 KiB'), 'libp2p', 1.8),
  atLeast(throughput('secure', 'relayed', '1 KiB'), 'libp2p', 10),
  atLeast(throughput('secure', 'direct', '64 KiB'), 'secret-stream', 1.35),
  atLeast(throughput('secure', 'direct', '64 KiB'), 'secret-stream', 1.35, 'ours, native'),
  ...['plain', 'secure'].map((security) => atMost(`echo ${security} direct 64 B pinned`, 'ceiling', 1.4, p50, 'p50')),
  atMost('handshake direct', 'tls', 0.6, cpuOfBothSides, 'CPU of both sides'),
]

const RELAY_CPU_LIMIT_US = 0.8
const CODEC = [
  { field: 'encodePerSecond', limit: 4, what: 'encode' },
  { field: 'relayPerSecond', limit: 10, what: 'relay step' },
]

const START_LIMIT = 2.5

const verdict = (name, value, isMet) => ({ name, value, verdict: value === undefined ? 'not measured' : isMet(value) ? 'met' : 'not met' })
const divide = (a, b) => (a === undefined || b === undefined ? undefined : a / b)

/** `results[case][contestant]`, `codecs[contestant]` and `starts[program]` hold medians. */
export function judge(results, codecs, starts = {}) {
  return [
    ...RATIOS.map(({ name, aCase, contestant, against, of, isMet }) =>
      verdict(name, divide(of(results[aCase]?.[contestant]), of(results[aCase]?.[against])), isMet),
    ),
    ...['plain', 'secure'].map((security) =>
      verdict(
        `throughput ${security} relayed 64 B: relay CPU of ours ≤ ${RELAY_CPU_LIMIT_US} µs per message`,
        results[throughput(security, 'relayed', '64 B')]?.ours?.cpuUs?.relay,
        (us) => us <= RELAY_CPU_LIMIT_US,
      ),
    ),
    ...CODEC.map(({ field, limit, what }) =>
      verdict(
        `routing header, ${what}: ours / msgpackr ≥ ${limit}`,
        divide(codecs.ours?.[field], codecs.msgpackr?.[field]),
        (ratio) => ratio >= limit,
      ),
    ),
    verdict(
      `start-up: ockam --version / node -e 0 ≤ ${START_LIMIT}`,
      divide(starts['ockam --version']?.ms, starts['node -e 0']?.ms),
      (ratio) => ratio <= START_LIMIT,
    ),
  ]
}

const DOCUMENTED = [
  { aCase: throughput('plain', 'direct', '64 B'), ratio: 9.1, what: 'without encryption' },
  { aCase: throughput('secure', 'direct', '64 B'), ratio: 0.56, what: 'with node:crypto' },
]
const BELIEVED_FROM = 0.85

/** The ceiling counts only when it stands as high above plain `net` writes as documented, less a little for noise. */
export function judgeCeiling(results) {
  const net = results[throughput('plain', 'direct', '64 B')]?.net?.perSecond
  return DOCUMENTED.map(({ aCase, ratio, what }) => {
    const wanted = ratio * BELIEVED_FROM
    const name = `ceiling, 64 B direct ${what} / net writes ≥ ${wanted.toFixed(3)} (documented ${ratio})`
    return verdict(name, divide(results[aCase]?.ceiling?.perSecond, net), (measured) => measured >= wanted)
  })
}
