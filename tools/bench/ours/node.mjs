/**
 * Our own contestant, over the built packages, with nothing switched off: strict decoding, reachability, access control by identifier on the secure
 * receiver, pressure awaited. The sender's messages were made beforehand and are never written again, as the contract of `send` asks.
 *
 * Relayed: the receiver registers with the relay service and the sender's route leads through `forward_to_receiver`; secure channels then run end to
 * end. The roles are described in runner/child.mjs.
 */
import { Address, Route } from '@ockam/core'
import { createRelayClient, startRelayService } from '@ockam/routing'
import { allowIdentifier, trustIdentifier } from '@ockam/secure-channel'
import { plainParty, secureParty } from './party.mjs'

const WORKER = 'sink'
const LISTENER = 'api'
const RELAY_NAME = 'receiver'
const SENDS_PER_TURN = 4096

/** A prime, so that no lost batch or buffer looks like an order kept. */
const ringLength = (size) => (size <= 1024 ? 1021 : 17)

const party = (settings, seeds) => (settings.isSecure ? secureParty(seeds, settings) : { router: plainParty() })
const listen = async (router) => {
  const listener = await router.listen('/ip4/127.0.0.1/tcp/0')
  return { listener, address: listener.address.toString() }
}

export async function relay() {
  const router = plainParty()
  startRelayService(router)
  const { address } = await listen(router)
  return { relay: address }
}

export async function receive(settings, meter, target) {
  const [senderSeed, receiverSeed] = settings.keys
  const { router, channels, identity, peer } = await party(settings, [receiverSeed, senderSeed])
  const length = ringLength(settings.size)
  const handleMessage = ({ payload, returnRoute }, context) => {
    if (settings.scenario === 'handshake') return context.send(returnRoute, payload)
    if (payload.length !== settings.size) throw new Error(`A payload has ${payload.length} bytes, expected ${settings.size}.`)
    if (payload[0] + (payload[1] << 8) !== meter.count % length) meter.fail('A message was lost or came out of order.')
    meter.count++
    return settings.scenario === 'echo' ? context.send(returnRoute, payload) : undefined
  }
  const isOverRelay = target?.relay !== undefined
  let address = target
  if (isOverRelay) {
    const route = await router.resolve(target.relay)
    await createRelayClient(router, route, { name: RELAY_NAME })
  } else {
    address = { direct: (await listen(router)).address }
  }
  if (settings.isSecure) {
    router.startWorker(WORKER, { handleMessage }, { incoming: allowIdentifier(peer) })
    await channels.createListener(LISTENER, { identity, trust: trustIdentifier(peer) })
  } else {
    router.startWorker(WORKER, { handleMessage }, { from: 'anyone', isTransit: settings.isInPlace === true })
  }
  return address
}

export async function send(settings, meter, target) {
  const seeds = settings.keys
  const { router, channels, identity, peer } = await party(settings, seeds)
  const open = async () => {
    const connection = await router.connect(target.relay ?? target.direct)
    const hops = target.relay === undefined ? [connection.address] : [connection.address, Address.local(`forward_to_${RELAY_NAME}`)]
    if (!settings.isSecure) return { route: Route.of(...hops, WORKER), producer: connection.producer, connection }
    const channel = await channels.createChannel(Route.of(...hops, LISTENER), { identity, trust: trustIdentifier(peer) })
    return { route: Route.of(channel.address, WORKER), producer: channel.producer, channel, connection }
  }
  if (settings.scenario === 'handshake') return reconnect(router, open, settings, meter)
  const { route, producer } = await open()
  const messages = prepare(settings.size)
  if (settings.scenario === 'throughput') flood(router, route, messages, meter)
  else ask(router, route, producer, messages, settings, meter)
}

function prepare(size) {
  return Array.from({ length: ringLength(size) }, (_, number) => {
    const message = new Uint8Array(size).fill(0x5a)
    message[0] = number
    message[1] = number >>> 8
    return message
  })
}

/** Sends, and waits when asked to; now and then the runner gets a turn. Goes on until the process or, in tests, the meter is done. */
function flood(router, route, messages, meter) {
  const { context } = router
  let next = 0
  const run = async () => {
    while (!meter.isDone) {
      for (let sent = 0; sent < SENDS_PER_TURN; sent++) {
        const pressure = context.send(route, messages[next])
        next = next + 1 === messages.length ? 0 : next + 1
        if (pressure !== undefined) await pressure
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  run().catch((error) => meter.fail(error))
}

/** One question at a time, from a worker of its own. */
function ask(router, route, producer, messages, { isSecure, size }, meter) {
  let next = 0
  let startedAt = 0
  const question = (context) => {
    startedAt = performance.now()
    return context.send(route, messages[next])
  }
  const asker = {
    start: (context) => void question(context),
    handleMessage({ payload }, context) {
      if (payload.length !== size || payload[0] + (payload[1] << 8) !== next) throw new Error('An answer is not what was asked.')
      next = next + 1 === messages.length ? 0 : next + 1
      return meter.sample(performance.now() - startedAt) ? question(context) : undefined
    },
  }
  const { address } = router.startWorker(undefined, asker, isSecure ? {} : { from: 'local' })
  router.flowControls.addConsumer(address, producer.flowControlId)
}

/** Connection, channel, one request, close; again and again. */
function reconnect(router, open, { size }, meter) {
  const greeting = new Uint8Array(size)
  const run = async () => {
    while (!meter.isDone) {
      const { route, channel, connection } = await open()
      await router.context.request(route, greeting)
      meter.count++
      await channel.close()
      await connection.close()
    }
  }
  run().catch((error) => meter.fail(error))
}
