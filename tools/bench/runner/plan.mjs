/** Which cases are run: throughput in four sizes, plain and secure, direct and relayed; echo unpinned and pinned; handshakes. */
const SIZES = [64, 1024, 16 * 1024, 64 * 1024]
const QUICK_SIZES = [64, 1024, 64 * 1024]

const sizeName = (size) => (size < 1024 ? `${size} B` : `${size / 1024} KiB`)

function name({ scenario, isSecure, isRelayed, isPinned, size }) {
  if (scenario === 'handshake') return isSecure ? 'handshake direct' : 'connect direct'
  return [scenario, isSecure ? 'secure' : 'plain', isRelayed ? 'relayed' : 'direct', sizeName(size), isPinned ? 'pinned' : '']
    .filter(Boolean)
    .join(' ')
}

const named = (aCase) => ({ ...aCase, name: name(aCase) })

/** Names read `throughput secure relayed 1 KiB`; `--only` picks by any part of them. */
export function plan({ isQuick, only, canPin }) {
  const cases = []
  for (const isSecure of [false, true])
    for (const isRelayed of [false, true])
      for (const size of isQuick ? QUICK_SIZES : SIZES) cases.push({ scenario: 'throughput', isSecure, isRelayed, isPinned: false, size })
  for (const isSecure of [false, true])
    for (const isRelayed of isQuick ? [false] : [false, true])
      for (const isPinned of canPin ? [false, true] : [false]) cases.push({ scenario: 'echo', isSecure, isRelayed, isPinned, size: 64 })
  for (const isSecure of [false, true]) cases.push({ scenario: 'handshake', isSecure, isRelayed: false, isPinned: false, size: 64 })
  return cases.map(named).filter((aCase) => only === undefined || only.some((part) => aCase.name.includes(part)))
}

/** Full: about nine minutes a round. Quick: one round, under two minutes, good for "does it still work". */
export const timing = (isQuick) => ({
  /**
   * Three processes on two cores take seconds until V8 has compiled what each of them runs most. A stream that lasts is what is measured.
   */
  warmMs: isQuick ? 400 : 2000,
  /**
   * A handshake is long code that runs seldom, and V8 compiles it for thousands of rounds: a process that has lived for a while is what is measured.
   * It is warm after so many, or after so long.
   */
  handshakeWarm: isQuick ? { count: 500, longestMs: 1500 } : { count: 5000, longestMs: 20_000 },
  windowMs: isQuick ? 300 : 1000,
  warmSamples: 4000,
  samples: isQuick ? 2000 : 10_000,
  /** Of a program, in each round. */
  starts: isQuick ? 3 : 9,
  longestMs: 20_000,
})
