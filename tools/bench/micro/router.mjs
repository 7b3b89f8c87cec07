/**
 * What the router itself costs per message, against a transport that does nothing: `node tools/bench/micro/router.mjs [rounds]` (needs built
 * packages). Sending: a worker's context -> router -> `connection.sendBatch`. Receiving: `connection.deliver` -> router -> a worker's handler.
 * Relaying: deliver -> a forwarding worker -> sendBatch. Nanoseconds of CPU time, median and best of the rounds; not a test.
 */
import { Address, MultiAddr, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'

const MESSAGES = 200_000
const rounds = Number(process.argv[2] ?? 9)

/** One connection that counts what it is given and hands in what it is told. */
function nullTransport() {
  const state = { sent: 0, services: undefined, connection: undefined }
  const connection = {
    remote: '/null',
    closed: new Promise(() => {}),
    send: () => void state.sent++,
    sendBatch: (messages) => void (state.sent += messages.length),
    close: async () => {},
  }
  const factory = {
    protocols: [{ name: 'null', code: 0x7fff_0001, value: 'text' }],
    hops: [['null']],
    create: (services) => {
      state.services = services
      state.connection = connection
      return {
        connect: async () => connection,
        listen: async () => ({ address: MultiAddr.parse('/service/none'), closed: new Promise(() => {}), close: async () => {} }),
        close: async () => {},
      }
    },
  }
  return { state, factory }
}

const { state, factory } = nullTransport()
const router = createRouter({ transports: [factory] })
const { address, producer } = await router.connect('/null/x', { from: 'anyone' })
const wait = () => new Promise((resolve) => setImmediate(resolve))

async function sending(payload) {
  const route = Route.of(address, 'far')
  for (let i = 0; i < MESSAGES; i++) {
    const pressure = router.context.send(route, payload)
    if (pressure !== undefined) await pressure
  }
  while (router.statistics().waitingMessages > 0) await wait()
}

let received = 0
router.startWorker('sink', () => void received++, { from: 'anyone' })
const next = Address.local('next')
const onwardRoute = Route.of(address, next)
router.startWorker(
  'relay',
  ({ payload, returnRoute }, context) => context.dispatch({ onwardRoute, returnRoute, payload, forwards: 1, isExclusive: true }),
  { from: 'anyone', isTransit: true },
)

/** Delivers chunks of 600 views, as a transport does; the same routes come back as the same objects, as its decoder makes them. */
async function receiving(to, size) {
  const onwardRoute = Route.of(to)
  const returnRoute = Route.of('client')
  const chunk = new Uint8Array(65_536)
  for (let i = 0; i < MESSAGES; ) {
    for (let j = 0; j < 600 && i < MESSAGES; j++, i++) {
      const at = (j * 100) % (65_536 - size)
      const pressure = state.services.deliver(state.connection, { onwardRoute, returnRoute, payload: chunk.subarray(at, at + size) }, true)
      if (pressure !== undefined) await pressure
    }
    await Promise.resolve()
  }
  while (router.statistics().waitingMessages > 0) await wait()
}

const small = new Uint8Array(64)
const large = new Uint8Array(1024)
const scenarios = {
  'send 64 B': () => sending(small),
  'send 1 KiB': () => sending(large),
  'receive 64 B': () => receiving('sink', 64),
  'receive 1 KiB': () => receiving('sink', 1024),
  'relay 64 B': () => receiving('relay', 64),
}
const results = Object.fromEntries(Object.keys(scenarios).map((name) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const [name, run] of Object.entries(scenarios)) {
    const before = process.cpuUsage()
    await run()
    const { user, system } = process.cpuUsage(before)
    results[name].push(((user + system) * 1000) / MESSAGES)
  }
}
for (const [name, times] of Object.entries(results)) {
  times.sort((a, b) => a - b)
  console.log(`${name.padEnd(14)} ${times[times.length >> 1].toFixed(0).padStart(5)} ns median  ${times[0].toFixed(0).padStart(5)} ns best`)
}
console.log(
  `delivered ${router.statistics().delivered}, sent ${state.sent}, received ${received}, dropped ${JSON.stringify(router.statistics().dropped)}, ${producer.kind}`,
)
await router.close()
