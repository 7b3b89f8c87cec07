/**
 * Floods the `echo` service of another program, and is flooded by it over the same connection; keeps two of its own workers busy with each other.
 * Counts what comes of it.
 */

import { createNode } from '@ockam/node'
import { type Address, dropPressure, Route } from '@ockam/core'
import { tcp } from '@ockam/transport-tcp'
import { answerParent } from './control/parent.ts'

const TICK_MS = 10
const SMALL = new Uint8Array(64)
const LARGE = new Uint8Array(4096)

export interface FloodReport {
  readonly sent: number
  readonly answers: number
  readonly ticks: number
  /** Of the own echo service: what it dropped because it could not keep up. */
  readonly dropped: Readonly<Record<string, number>>
}

export interface BounceReport {
  readonly handled: number
  readonly ticks: number
  /** Most messages handled between two turns of the event loop. */
  readonly mostInOneTurn: number
}

const node = await createNode({ transports: [tcp()] })
const listener = await node.listen('/ip4/127.0.0.1/tcp/0')
let peer: Address | undefined
let sent = 0
let answers = 0
let ticks = 0
setInterval(() => ticks++, TICK_MS)

node.startWorker('introduction', ({ returnRoute }) => void (peer = returnRoute.next), { from: 'anyone' })
const collector = node.startWorker('collector', () => void answers++, { from: 'anyone' })

/** @param via what lies between the connection and the other program. */
async function flood({ messages, via }: { readonly messages: number; readonly via: readonly string[] }): Promise<void> {
  if (peer === undefined) throw new Error('Nobody is connected yet.')
  const onwardRoute = Route.of(peer, ...via, 'echo')
  const returnRoute = Route.of(collector.address)
  for (let i = 0; i < messages; i++) {
    const payload = i % 8 === 0 ? LARGE : SMALL
    const pressure = node.router.context.dispatch({ onwardRoute, returnRoute, payload })
    sent++
    if (pressure !== undefined) await pressure
  }
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
    /** Connects to a relay and becomes `forward_to_<name>` there. */
    join: async ({ relay, name }: { readonly relay: string; readonly name: string }) => {
      await node.createRelay(relay, { name })
      peer = (await node.connect(relay)).address
    },
    hasPeer: () => peer !== undefined,
    flood,
    bounce,
    report: (): FloodReport => ({ sent, answers, ticks, dropped: node.router.statistics().dropped }),
    ping: async (via: readonly string[]) =>
      (await node.request(Route.of(peer as Address, ...via, 'echo'), SMALL, { timeoutMs: 10_000 })).payload.length,
  },
  listener.address.toString(),
)
