/** Measures one contestant in one case once: starts its roles, waits while it warms up, takes two marks of every process, ends them. */
import { RoleProcess } from './process.mjs'

const delta = (from, to) => ({ ms: to.atMs - from.atMs, cpuUs: to.cpuUs - from.cpuUs, count: to.count - from.count })

/** @returns `{ perSecond, cpuUs: { <role>: per message } }` or `{ p50Us, p99Us, samples }`. */
export async function measure(contestant, aCase, settings, timing) {
  const roles = {}
  try {
    const order = !aCase.isRelayed
      ? ['receive', 'send']
      : contestant.relayFirst
        ? ['relay', 'receive', 'send']
        : ['receive', 'relay', 'send']
    const latency = { warm: timing.warmSamples, samples: timing.samples }
    let latencies
    let target
    for (const role of order) {
      const process = new RoleProcess(aCase)
      roles[role] = process
      if (role === 'send' && aCase.scenario === 'echo') {
        latencies = process.answer('latency', timing.longestMs)
        latencies.catch(() => {}) // the same failure reaches us below, or through `start` before
      }
      target = await process.start({ module: contestant.module, role, settings, target, latency })
    }
    if (aCase.scenario === 'echo') {
      const { p50Us, p99Us, samples } = await latencies
      return { p50Us, p99Us, samples }
    }
    if (aCase.scenario === 'handshake') await warmUp(roles.send, timing.handshakeWarm)
    else await pause(timing.warmMs)
    const before = await marks(roles)
    await pause(timing.windowMs)
    const after = await marks(roles)
    return rates(aCase, before, after)
  } finally {
    await Promise.all(Object.values(roles).map((process) => process.end()))
  }
}

const LOOK_EVERY_MS = 200

async function warmUp(sender, { count, longestMs }) {
  const startedAt = performance.now()
  while (performance.now() - startedAt < longestMs && (await sender.mark()).count < count) await pause(Math.min(LOOK_EVERY_MS, longestMs))
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function marks(roles) {
  const entries = Object.entries(roles)
  const taken = await Promise.all(entries.map(([, process]) => process.mark()))
  return Object.fromEntries(entries.map(([role], index) => [role, taken[index]]))
}

/** Each process is read by its own clock: a rate is a count over the same process's time, and CPU per message is CPU per time over messages per time. */
function rates(aCase, before, after) {
  const counter = aCase.scenario === 'handshake' ? 'send' : 'receive'
  const counted = delta(before[counter], after[counter])
  if (counted.count <= 0) throw new Error('Nothing arrived while it was measured.')
  const perMs = counted.count / counted.ms
  const cpuUs = {}
  for (const role of Object.keys(before)) {
    const spent = delta(before[role], after[role])
    cpuUs[role] = spent.cpuUs / spent.ms / perMs
  }
  return { perSecond: perMs * 1000, cpuUs }
}
