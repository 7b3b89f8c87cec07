/**
 * Floods a service of another program that answers everything, and is flooded by it over the same connection; asks something else meanwhile; keeps two of
 * its own workers busy with each other. Counts what comes of it.
 */

import { createNode, trustEveryone } from '@ockam/node'
import { type Address, dropPressure, Route, type WorkerFunction } from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import { tcp } from '@ockam/transport-tcp'
import { answerParent, settings } from './control/parent.ts'

const TICK_MS = 10
const SMALL = new Uint8Array(64)
const LARGE = new Uint8Array(4096)

/** What answers everything: the built-in service, a worker that replies, and one that waits until its answer has room. */
export type FloodedService = 'echo' | 'replying' | 'waiting'

export interface FloodSettings {
  readonly deadlockTimeoutMs?: number
}

export interface FloodQuestion {
  /** At least so many. */
  readonly messages: number
  /** Requests to another worker that have to be answered before the flood ends. */
  readonly others: number
  /** What lies between the connection and the other program. */
  readonly via: readonly string[]
  readonly service: FloodedService
}

export interface FloodReport {
  readonly sent: number
  readonly answers: number
  /** Requests to another worker that were answered during the flood. */
  readonly others: number
  readonly ticks: number
  /** Of this node: among others what its services could not keep up with, and answers that found no room. */
  readonly dropped: Readonly<Record<string, number>>
}

export interface BounceReport {
  readonly handled: number
  readonly ticks: number
  /** Most messages handled between two turns of the event loop. */
  readonly mostInOneTurn: number
}

const node = await createNode({ transports: [tcp()], ...settings<FloodSettings>() })
const listener = await node.listen('/ip4/127.0.0.1/tcp/0')
let peer: Address | undefined
let sent = 0
let answers = 0
let others = 0
let ticks = 0
setInterval(() => ticks++, TICK_MS)

node.startWorker('introduction', ({ returnRoute }) => void (peer = returnRoute.next), { from: 'anyone' })
const collector = node.startWorker('collector', () => void answers++, { from: 'anyone' })

const wait: WorkerFunction = (message, context) => context.send(message.returnRoute, message.payload)
node.startWorker('replying', (message, context) => context.reply(message, message.payload), { from: 'anyone' })
node.startWorker('waiting', wait, { from: 'anyone' })
node.startWorker('other', wait, { from: 'anyone' })

/** Goes on until other requests were answered as well, or for so long that they never will be. */
async function flood({ messages, others: asked, via, service }: FloodQuestion): Promise<void> {
  if (peer === undefined) throw new Error('Nobody is connected yet.')
  const onwardRoute = Route.of(peer, ...via, service)
  const returnRoute = Route.of(collector.address)
  const asking = askOther(asked, Route.of(peer, ...via, 'other'))
  for (let i = 0; i < messages || (others < asked && i < 50 * messages); i++) {
    const payload = i % 8 === 0 ? LARGE : SMALL
    const pressure = node.router.context.dispatch({ onwardRoute, returnRoute, payload })
    sent++
    if (pressure !== undefined) await pressure
  }
  await asking
}

async function askOther(times: number, route: Route): Promise<void> {
  for (; others < times; others++) await node.request(route, SMALL)
}

/** Two workers answer each other until the timer has ticked often enough, or `atMost` messages were handled. */
function bounce({ atMost, untilTicks }: { readonly atMost: number; readonly untilTicks: number }): Promise<BounceReport> {
  return new Promise((resolve) => {
    const ticksBefore = ticks
    let handled = 0
    let inThisTurn = 0
    let mostInOneTurn = 0
    let isOver = false
    const turn = (): void => {
      inThisTurn = 0
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    const play = (): void => {
      handled++
      inThisTurn++
      mostInOneTurn = Math.max(mostInOneTurn, inThisTurn)
      if (!isOver && (handled >= atMost || ticks - ticksBefore >= untilTicks)) {
        isOver = true
        resolve({ handled, ticks: ticks - ticksBefore, mostInOneTurn })
      }
    }
    for (const [own, other] of [
      ['left', 'right'],
      ['right', 'left'],
    ] as const) {
      node.startWorker(
        own,
        ({ payload }, context) => {
          play()
          return isOver ? undefined : context.send(other, payload)
        },
        { from: 'local' },
      )
    }
    for (let i = 0; i < 100; i++) dropPressure(node.send('left', SMALL))
  })
}

answerParent(
  {
    /** Connects and tells the other side, so that it floods back over the same connection. */
    connect: async (to: string) => {
      peer = (await node.connect(to)).address
      dropPressure(node.send([peer, 'introduction'], SMALL))
    },
    acceptChannels: async () => {
      await node.listenSecureChannels('api', { identity: await node.createIdentity(), trust: trustEveryone() })
    },
    /** Connects, and has everything between the two programs go through one secure channel. */
    openChannel: async (to: string) => {
      const side = { identity: await node.createIdentity(), trust: trustEveryone() }
      peer = (await node.openSecureChannel(`${to}/secure/api`, side)).address
      dropPressure(node.send([peer, 'introduction'], SMALL))
    },
    /** Connects to a relay and becomes `forward_to_<name>` there. */
    join: async ({ relay, name }: { readonly relay: string; readonly name: string }) => {
      await node.createRelay(relay, { name })
      peer = (await node.connect(relay)).address
    },
    /** The same, over the connection that the flood goes over as well. */
    joinOverOne: async ({ relay, name }: { readonly relay: string; readonly name: string }) => {
      peer = (await node.connect(relay)).address
      const registration = node.router.createMailbox(undefined, { from: 'anyone' })
      const onwardRoute = Route.of(peer, 'static_forwarding_service')
      dropPressure(registration.dispatch({ onwardRoute, returnRoute: Route.of(registration.address), payload: encodeBareString(name) }))
      await registration.receive()
    },
    hasPeer: () => peer !== undefined,
    flood,
    bounce,
    report: (): FloodReport => ({ sent, answers, others, ticks, dropped: node.router.statistics().dropped }),
    ping: async (via: readonly string[]) =>
      (await node.request(Route.of(peer as Address, ...via, 'echo'), SMALL, { timeoutMs: 10_000 })).payload.length,
  },
  listener.address.toString(),
)
