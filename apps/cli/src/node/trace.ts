/**
 * Where a message goes: the route is opened piece by piece, and at every node on the way its `echo` service is asked. What a node on the way does with
 * a message it refuses is known to that node alone, so a trace says where answers end, and adds what the nodes of this machine say they refused.
 */

import { type MultiAddr, type ResolvedRoute, Route } from '@ockam/core'
import type { Host } from './host.ts'
import { openRoute, withoutTrailingSecure } from './open-route.ts'

export interface TraceOptions {
  readonly identity?: string | undefined
  readonly authorized: readonly string[]
  /** For every step. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface TraceStep {
  /** What this step adds to the route: `/ip4/127.0.0.1/tcp/4000`. */
  readonly hop: string
  /** What it is: a connection, a channel, a relay or a worker. */
  readonly kind: 'connection' | 'channel' | 'relay' | 'worker'
  readonly status: 'answered' | 'silent' | 'failed' | 'not-asked'
  /** There and back, the median of the answers; null without one. */
  readonly round_trip_ms: number | null
  /** Opening the connection or the channel, where that was necessary. */
  readonly open_ms: number | null
  readonly detail: string | null
}

const PROBES = 3
const PROBE = new Uint8Array([0x6f, 0x63, 0x6b, 0x61, 0x6d])

/** Steps up to the first one without an answer. */
export async function traceRoute(host: Host, address: MultiAddr, options: TraceOptions): Promise<readonly TraceStep[]> {
  const steps: TraceStep[] = []
  for (const end of stepEnds(withoutTrailingSecure(address))) {
    const step = await traceStep(host, end, options)
    steps.push(step)
    if (step.status === 'failed' || step.status === 'silent') break
  }
  return steps
}

interface StepEnd {
  /** The route up to and with this step. */
  readonly prefix: MultiAddr
  readonly hop: MultiAddr
  readonly kind: TraceStep['kind']
  readonly isLast: boolean
}

/** One step for each connection, channel, and worker named. */
function stepEnds(address: MultiAddr): readonly StepEnd[] {
  const ends: StepEnd[] = []
  for (let at = 0; at < address.length; ) {
    const name = address.pieces[at]?.name ?? ''
    const length = ['ip4', 'ip6', 'dnsaddr'].includes(name) ? 2 : 1
    const isLast = at + length >= address.length
    const value = address.pieces[at]?.value ?? ''
    const kind =
      length === 2 ? 'connection' : name === 'secure' ? 'channel' : isLast ? 'worker' : value.startsWith('forward_to_') ? 'relay' : 'worker'
    ends.push({ prefix: address.slice(0, at + length), hop: address.slice(at, at + length), kind, isLast })
    at += length
  }
  return ends
}

async function traceStep(host: Host, { prefix, hop, kind, isLast }: StepEnd, options: TraceOptions): Promise<TraceStep> {
  const step = { hop: hop.toString(), kind, round_trip_ms: null, open_ms: null, detail: null }
  const startedAt = performance.now()
  let way: ResolvedRoute
  try {
    way = await openRoute(host, prefix, options)
  } catch (error) {
    return { ...step, status: 'failed', detail: error instanceof Error ? error.message : String(error) }
  }
  const openMs = kind === 'worker' || kind === 'relay' ? null : rounded(performance.now() - startedAt)
  try {
    const isEcho = kind === 'worker' && isLast && hop.pieces[0]?.value === 'echo'
    if (kind === 'worker' && isLast && !isEcho) {
      return { ...step, status: 'not-asked', detail: 'only its own protocol would tell whether it is there' }
    }
    const times = await probe(host, isEcho ? way.route : way.route.concat(Route.of('echo')), options)
    if (times === undefined) return { ...step, open_ms: openMs, status: 'silent', detail: silence(kind) }
    return { ...step, open_ms: openMs, status: 'answered', round_trip_ms: times }
  } finally {
    await way.close()
  }
}

/** The median of a few round trips; undefined when the first probe is not answered. */
async function probe(host: Host, route: Route, { timeoutMs, signal }: TraceOptions): Promise<number | undefined> {
  const times: number[] = []
  for (let i = 0; i < PROBES; i++) {
    const startedAt = performance.now()
    try {
      await host.node.request(route, PROBE, { timeoutMs, signal })
    } catch (error) {
      signal.throwIfAborted()
      if (i === 0 && error instanceof Error) return undefined
      break
    }
    times.push(performance.now() - startedAt)
  }
  times.sort((a, b) => a - b)
  return rounded(times[Math.floor(times.length / 2)] as number)
}

function silence(kind: TraceStep['kind']): string {
  if (kind === 'relay') return 'nobody is registered under that name, or the node behind the relay does not answer'
  if (kind === 'channel') return 'the channel is open, but no echo service answers through it: the peer may not trust this identity'
  return 'no answer from its echo service: it has none, or a rule refuses this sender'
}

const rounded = (milliseconds: number): number => Math.round(milliseconds * 100) / 100
