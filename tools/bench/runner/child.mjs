/**
 * One role of one contestant in a process of its own: `node child.mjs`, talked to over IPC by `process.mjs`.
 *
 * A contestant is a module that exports up to three functions:
 *   receive(settings, meter, target?)  -> address     end of the route; counts messages in `meter.count`, in scenario 'echo' answers each
 *   relay(settings, meter, target?)    -> address     passes on between the two
 *   send(settings, meter, target)                     floods ('throughput'), or asks and waits ('echo'), or connects again and again ('handshake')
 * `address` is anything JSON can hold; `target` is the address of the role started before. Order: receiver, relay, sender; with `relayFirst` in
 * contestant.mjs the relay comes first and the receiver gets its address. The function returns (or resolves) when the role is ready, work goes on until the process is ended.
 *
 * settings: { scenario: 'throughput' | 'echo' | 'handshake', isSecure, isRelayed, size (payload bytes), keys: [hex, hex] (32 bytes each, sender's direction first),
 *             certificates: { authority, client: { cert, key }, server: { cert, key } } (PEM, P-256) }
 * meter:    count            messages delivered (receiver) or channels set up (sender in 'handshake'); read at the runner's marks
 *           sample(ms)       one round trip; returns false when enough are in
 *           fail(error)      ends this case as failed
 * A thrown error or an unhandled rejection fails the case. A role must not keep anything outside its process.
 */
const LONGEST_LIFE_MS = 60_000

class Meter {
  count = 0
  #warm
  #wanted
  #samples = []

  constructor({ warm, samples }) {
    this.#warm = warm
    this.#wanted = samples
  }

  sample(ms) {
    if (this.#warm > 0) {
      this.#warm--
      return true
    }
    this.#samples.push(ms * 1000)
    if (this.#samples.length < this.#wanted) return true
    const sorted = this.#samples.sort((a, b) => a - b)
    const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
    process.send({ kind: 'latency', p50Us: at(0.5), p99Us: at(0.99), samples: sorted.length })
    return false
  }

  fail(error) {
    process.send({ kind: 'failed', message: error instanceof Error ? error.message : String(error) }, () => process.exit(1))
  }
}

function mark(meter) {
  const { user, system } = process.cpuUsage()
  return { kind: 'mark', atMs: performance.now(), cpuUs: user + system, count: meter.count }
}

let meter
process.on('message', async (order) => {
  if (order.kind === 'mark') return process.send(mark(meter))
  if (order.kind !== 'start') return
  meter = new Meter(order.latency)
  const fail = (error) => meter.fail(error)
  process.on('uncaughtException', fail)
  try {
    const contestant = await import(order.module)
    const address = await contestant[order.role](order.settings, meter, order.target)
    process.send({ kind: 'ready', address })
  } catch (error) {
    fail(error)
  }
})
process.on('disconnect', () => process.exit(0))
setTimeout(() => process.exit(2), LONGEST_LIFE_MS).unref()
