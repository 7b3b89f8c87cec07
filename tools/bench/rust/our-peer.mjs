/**
 * Our node behind the commands of the Rust peer that the comparison needs (tools/rust-peer/README.md), so that either program can stand on either
 * side. Everything is the packages as a program would put them together; nothing is switched off. Floods, echoes and handshakes are timed in here.
 */
import { Address, memoryStore, Route } from '@ockam/core'
import { createIdentities } from '@ockam/identity'
import { createRelayClient, createRouter, startEcho, startRelayService } from '@ockam/routing'
import { createSecureChannels, trustEveryone } from '@ockam/secure-channel'
import { tcp } from '@ockam/transport-tcp'
import { softwareVault } from '@ockam/vault-software'
import { isNumbered, numbered } from './numbered.mjs'

const SENDS_PER_TURN = 4096
const nameOf = (address) => address.toString().replace(/^0#/, '')

export class OurPeer {
  #router = createRouter({ transports: [tcp()] })
  #identities
  #channels
  #connections = new Map()
  #onEvent
  #commands = {
    'identity.create': () => this.#createIdentity(),
    'tcp.listen': () => this.#listen(),
    'tcp.connect': (asked) => this.#connect(asked),
    'channel.listen': (asked) => this.#listenForChannels(asked),
    'channel.create': (asked) => this.#createChannel(asked),
    'relay.serve': () => {
      startRelayService(this.#router)
      return {}
    },
    'relay.create': (asked) => this.#createRelay(asked),
    'worker.start': (asked) => this.#startWorker(asked),
    'measure.flood': (asked) => this.#timed(() => this.#flood(asked)),
    'measure.echo': (asked) => this.#timed(() => this.#echo(asked)),
    'measure.handshakes': (asked) => this.#timed(() => this.#shakeHands(asked)),
  }

  /** @param onEvent gets the peer's events. */
  constructor(onEvent) {
    this.#onEvent = onEvent
    const store = memoryStore()
    const vault = softwareVault({ store })
    this.#identities = createIdentities({ vault, store })
    this.#channels = createSecureChannels({ router: this.#router, vault, identities: this.#identities })
  }

  /** @returns the answer. Rejects with the reason when there is none. */
  async run({ command, ...asked }) {
    const run = this.#commands[command]
    if (run === undefined) throw new Error(`There is no command "${command}" here.`)
    return run(asked)
  }

  close() {
    return this.#router.close({ timeoutMs: 500 })
  }

  async #createIdentity() {
    const { identifier } = await this.#identities.create({ name: `of ${performance.now()}` })
    return { identifier: identifier.toString() }
  }

  async #listen() {
    const { address, flowControlId } = await this.#router.listen('/ip4/127.0.0.1/tcp/0')
    const [, , host, , port] = address.toString().split('/')
    return { address: `${host}:${port}`, flowControlId }
  }

  async #connect({ to }) {
    const [host, port] = to.split(':')
    const connection = await this.#router.connect(`/ip4/${host}/tcp/${port}`)
    const worker = connection.address.toString()
    this.#connections.set(worker, connection)
    return { worker, flowControlId: connection.producer.flowControlId }
  }

  async #listenForChannels({ identifier, address = 'api' }) {
    const { flowControlId } = await this.#channels.createListener(address, { identity: identifier, trust: trustEveryone() })
    return { address, flowControlId }
  }

  #open(identifier, route) {
    return this.#channels.createChannel(Route.of(...route), { identity: identifier, trust: trustEveryone() })
  }

  async #createChannel({ identifier, route }) {
    const { address, producer, peer } = await this.#open(identifier, route)
    return { encryptor: address.toString(), flowControlId: producer.flowControlId, peer: peer.toString() }
  }

  async #createRelay({ route, alias }) {
    const { producer, closed, close } = this.#connections.get(route[0])
    const to = { route: Route.of(...route), producer, closed: closed.then(() => undefined), close }
    const { address } = await createRelayClient(this.#router, to, { name: alias })
    return { address: nameOf(address), flowControlId: producer.flowControlId }
  }

  #startWorker({ address, kind, expected, consumerOf = [] }) {
    if (kind === 'echo') startEcho(this.#router, address)
    else if (kind === 'sink') this.#startSink(address, expected)
    else throw new Error(`There is no worker of kind "${kind}" here.`)
    for (const id of consumerOf) this.#router.flowControls.addConsumer(Address.local(address), id)
    return {}
  }

  /** Counts numbered messages and reports once, when as many have come as expected. */
  #startSink(address, expected) {
    let [messages, bytes, wrong, startedAt] = [0, 0, 0, 0]
    const handleMessage = ({ payload }) => {
      if (messages === 0) startedAt = performance.now()
      if (!isNumbered(payload, messages)) wrong++
      messages++
      bytes += payload.length
      if (messages === expected)
        this.#onEvent({ event: 'sink-full', sink: address, messages, bytes, wrong, elapsedMs: performance.now() - startedAt })
    }
    this.#router.startWorker(address, { handleMessage }, { from: 'local' })
  }

  async #timed(work) {
    const startedAt = performance.now()
    const details = await work()
    return { elapsedMs: performance.now() - startedAt, ...details }
  }

  async #flood({ route, count, size }) {
    const { context } = this.#router
    const onward = Route.of(...route)
    for (let number = 0; number < count; number++) {
      const pressure = context.send(onward, numbered(number, size))
      if (pressure !== undefined) await pressure
      if (number % SENDS_PER_TURN === SENDS_PER_TURN - 1) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async #echo({ route, count, size }) {
    const { context } = this.#router
    const onward = Route.of(...route)
    const roundTripsMs = []
    for (let number = 0; number < count; number++) {
      const question = numbered(number, size)
      const startedAt = performance.now()
      const { payload } = await context.request(onward, question)
      roundTripsMs.push(performance.now() - startedAt)
      if (!isNumbered(payload, number)) throw new Error(`The echo of message ${number} differs.`)
    }
    return { roundTripsMs }
  }

  async #shakeHands({ route, identifier, count }) {
    for (let number = 0; number < count; number++) {
      const channel = await this.#open(identifier, route)
      await channel.close()
    }
  }
}
