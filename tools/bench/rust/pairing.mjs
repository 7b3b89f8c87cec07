/**
 * Two nodes of either kind that meet over TCP, directly or through a relay of the receiver's kind, and what is measured between them: floods, echoes
 * and handshakes. The sender dials, opens the channel and times echoes and handshakes; the receiver times floods, from the first message to the last.
 */
const RELAY_NAME = 'receiver'
const LISTENER = 'api'
const ECHO = 'echo'
/** The first messages tell how fast a route is, so that what follows lasts as long as it should. */
const TRIAL_MESSAGES = 2000
const TRIAL_BYTES = 16 * 1024 * 1024
const LEAST_MESSAGES = 200

const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]

export class Pairing {
  #nodes
  #identifier
  #hops
  #routes
  #consumerOf
  #sinks = 0

  /** @param nodes `{ sender, receiver, relay? }`, each with `ask`, `event` and `cpuUs`; they stay the caller's to end. */
  constructor(nodes) {
    this.#nodes = nodes
  }

  /** Connects the nodes and opens the channel that secure cases go through. */
  async meet() {
    const { sender, receiver, relay } = this.#nodes
    const listening = await (relay ?? receiver).ask('tcp.listen')
    let flow = listening.flowControlId
    const between = []
    if (relay !== undefined) {
      await relay.ask('relay.serve', { consumerOf: [flow] })
      const { worker } = await receiver.ask('tcp.connect', { to: listening.address })
      const registered = await receiver.ask('relay.create', { route: [worker], alias: RELAY_NAME })
      flow = registered.flowControlId
      between.push(registered.address)
    }
    const { identifier } = await receiver.ask('identity.create')
    const channels = await receiver.ask('channel.listen', { identifier, address: LISTENER, consumerOf: [flow] })
    this.#consumerOf = [flow, channels.flowControlId]
    await receiver.ask('worker.start', { address: ECHO, kind: 'echo', consumerOf: this.#consumerOf })

    this.#identifier = (await sender.ask('identity.create')).identifier
    const { worker } = await sender.ask('tcp.connect', { to: listening.address })
    this.#hops = [worker, ...between]
    const route = [...this.#hops, LISTENER]
    const { encryptor, peer } = await sender.ask('channel.create', { identifier: this.#identifier, route })
    if (peer !== identifier) throw new Error(`The channel leads to ${peer}, expected ${identifier}.`)
    this.#routes = { plain: this.#hops, secure: [encryptor] }
  }

  /** @returns `{ perSecond, cpuUs? }`, CPU in µs per message of each process. */
  async flood(security, size, warmMs, windowMs) {
    const trial = Math.max(LEAST_MESSAGES, Math.min(TRIAL_MESSAGES, Math.floor(TRIAL_BYTES / size)))
    const within = ({ perSecond }, ms) => Math.max(trial, Math.floor((perSecond * ms) / 1000))
    const first = await this.#flood(security, size, trial)
    const warm = await this.#flood(security, size, within(first, warmMs))
    return this.#flood(security, size, within(warm, windowMs))
  }

  /** @returns `{ p50Us, p99Us }` of the second half of `count` round trips. */
  async echo(security, size, count) {
    const { roundTripsMs } = await this.#nodes.sender.ask('measure.echo', { route: [...this.#routes[security], ECHO], count, size })
    const sorted = roundTripsMs.slice(count >> 1).sort((a, b) => a - b)
    return { p50Us: at(sorted, 0.5) * 1000, p99Us: at(sorted, 0.99) * 1000 }
  }

  /** Channels opened and closed one after the other over the same connection. @returns `{ perSecond, cpuUs? }`. */
  async handshakes(warmMs, windowMs) {
    const run = (count) =>
      this.#nodes.sender.ask('measure.handshakes', { route: [...this.#hops, LISTENER], identifier: this.#identifier, count })
    let [batch, spentMs, elapsedMs] = [20, 0, 0]
    while (spentMs < warmMs) {
      elapsedMs = (await run(batch)).elapsedMs
      spentMs += elapsedMs
      batch = Math.max(20, Math.floor((batch * 250) / elapsedMs))
    }
    const count = Math.max(20, Math.floor((batch * windowMs) / 250))
    const before = this.#cpu()
    elapsedMs = (await run(count)).elapsedMs
    return { perSecond: (count / elapsedMs) * 1000, ...this.#spent(before, count) }
  }

  async #flood(security, size, count) {
    const { sender, receiver } = this.#nodes
    const address = `sink${++this.#sinks}`
    await receiver.ask('worker.start', { address, kind: 'sink', expected: count, consumerOf: this.#consumerOf })
    const full = receiver.event(({ event, sink }) => event === 'sink-full' && sink === address)
    const before = this.#cpu()
    const [{ messages, wrong, elapsedMs }] = await Promise.all([
      full,
      sender.ask('measure.flood', { route: [...this.#routes[security], address], count, size }),
    ])
    if (messages !== count || wrong !== 0)
      throw new Error(`Of ${count} messages ${messages} came, ${wrong} of them altered or out of order.`)
    return { perSecond: ((count - 1) / elapsedMs) * 1000, ...this.#spent(before, count) }
  }

  #cpu() {
    return Object.entries(this.#nodes).map(([role, node]) => [role, node.cpuUs()])
  }

  #spent(before, count) {
    if (before.some(([, us]) => us === undefined)) return {}
    return { cpuUs: Object.fromEntries(before.map(([role, us]) => [role, (this.#nodes[role].cpuUs() - us) / count])) }
  }
}
