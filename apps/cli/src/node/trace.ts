/**
 * Where a message goes: the route is opened piece by piece, and at every node on the way its `echo` service is asked. A worker at the end is sent
 * nothing, because it might act on it. What a node does with a message it refuses is known to that node alone: a trace says where answers end, and the
 * nodes of this machine say why (`testimony.ts`).
 */

import { Address, type MultiAddr, type ResolvedRoute, Route } from '@ockam/core'
import { type CliErrorCode, CommandError } from '../error.ts'
import { explain } from '../program/explain.ts'
import type { Host } from './host.ts'
import { PROBES } from './limit.ts'
import { openRoute } from './open-route.ts'
import { newProbe, type Probe } from './probe-log.ts'

export interface TraceOptions {
  readonly identity?: string | undefined
  readonly authorized: readonly string[]
  /** For opening what a step needs, and for each answer. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface TraceStep {
  /** What this step adds to the route: `/ip4/127.0.0.1/tcp/4000`. */
  readonly hop: string
  /** What it is: a connection, a channel, a relay or a worker. */
  readonly kind: 'connection' | 'channel' | 'relay' | 'worker'
  /** `admitted` and `refused` are the word of its node, which is of this machine; `not-asked` is the end of a route elsewhere. */
  readonly status: 'answered' | 'admitted' | 'silent' | 'refused' | 'failed' | 'not-asked'
  /** There and back, the median of the answers; null without one. */
  readonly round_trip_ms: number | null
  /** Opening the connection or the channel, where that was necessary. */
  readonly open_ms: number | null
  readonly detail: string | null
}

/** What is to be found out about the last step, at the node in front of which answers end. */
export interface TraceQuestion {
  /** Id of the probe that reached that node. */
  readonly probe: string
  /** Name of the worker there. */
  readonly to: string
  /** Whether a secure channel was to be opened with it. */
  readonly isChannel: boolean
}

export interface Trace {
  /** Up to the first one without an answer. */
  readonly steps: readonly TraceStep[]
  /** What the last step ended with; null when nothing failed. */
  readonly code: CliErrorCode | null
  readonly question: TraceQuestion | null
  /** Ids of the probes that were answered. */
  readonly probes: readonly string[]
  /** Own identity of the channels. */
  readonly identifier: string
}

export async function traceRoute(host: Host, address: MultiAddr, options: TraceOptions): Promise<Trace> {
  const identifier = (await host.identityNamed(options.identity)).identifier.toString()
  const steps: TraceStep[] = []
  const probes: string[] = []
  for (const end of stepEnds(host, address)) {
    // A route may begin at a worker of this node: then this node is the one that knows.
    const before = end.kind === 'connection' ? undefined : (probes.at(-1) ?? (await ownProbe(host, options)))
    const { step, probe, code } = end.isAsked ? await traceStep(host, end, options) : notAsked(end)
    steps.push(step)
    if (probe !== undefined) probes.push(probe)
    if (step.status === 'answered') continue
    const isOpen = step.status !== 'failed' || code === 'cli/timeout'
    const question = before === undefined || !isOpen ? null : { probe: before, to: end.to, isChannel: end.kind === 'channel' }
    return { steps, code, question, probes, identifier }
  }
  return { steps, code: null, question: null, probes, identifier }
}

interface StepEnd {
  /** The route up to and with this step. */
  readonly prefix: MultiAddr
  readonly hop: MultiAddr
  readonly kind: TraceStep['kind']
  /** Whether `echo` is asked: behind the step, or as the step itself. */
  readonly isAsked: boolean
  /** Name of the worker this step adds. */
  readonly to: string
}

/** One step for each connection, channel, and worker named. */
function stepEnds(host: Host, address: MultiAddr): readonly StepEnd[] {
  const ends: StepEnd[] = []
  for (let at = 0; at < address.length; ) {
    const { name = '', value: to = '' } = address.pieces[at] ?? {}
    const length = ['ip4', 'ip6', 'dnsaddr'].includes(name) ? 2 : 1
    const isLast = at + length >= address.length
    const kind = length === 2 ? 'connection' : name === 'secure' ? 'channel' : kindOf(host, at, to)
    const isAsked = kind !== 'worker' || !isLast || to === 'echo'
    ends.push({ prefix: address.slice(0, at + length), hop: address.slice(at, at + length), kind, isAsked, to })
    at += length
  }
  return ends
}

/** Of what is named like a worker. One in front may stand for a connection or a channel that was opened before. */
function kindOf(host: Host, at: number, name: string): TraceStep['kind'] {
  if (name.startsWith('forward_to_')) return 'relay'
  const producer = at === 0 ? host.node.router.flowControls.producerAt(Address.local(name)) : undefined
  if (producer === undefined) return 'worker'
  return producer.kind === 'channel' ? 'channel' : 'connection'
}

interface Traced {
  readonly step: TraceStep
  /** Of the probe that was answered. */
  readonly probe: string | undefined
  readonly code: CliErrorCode | null
}

const stepOf = ({ hop, kind }: StepEnd): Omit<TraceStep, 'status'> => ({
  hop: hop.toString(),
  kind,
  round_trip_ms: null,
  open_ms: null,
  detail: null,
})

function notAsked(end: StepEnd): Traced {
  const detail = 'no node of this machine has it, and only its own protocol would tell whether it is there and lets this side in'
  return { step: { ...stepOf(end), status: 'not-asked', detail }, probe: undefined, code: null }
}

async function traceStep(host: Host, end: StepEnd, options: TraceOptions): Promise<Traced> {
  const { prefix, kind, to } = end
  const step = stepOf(end)
  const startedAt = performance.now()
  let way: ResolvedRoute
  try {
    way = await openWithin(host, prefix, options)
  } catch (error) {
    options.signal.throwIfAborted()
    const { code, message: detail } = explain(error)
    return { step: { ...step, status: 'failed', detail }, probe: undefined, code }
  }
  const open_ms = kind === 'worker' || kind === 'relay' ? null : rounded(performance.now() - startedAt)
  try {
    const isEcho = kind === 'worker' && to === 'echo'
    const probe = newProbe()
    const round_trip_ms = await roundTrip(host, isEcho ? way.route : way.route.concat(Route.of('echo')), probe, options)
    if (round_trip_ms !== undefined) return { step: { ...step, open_ms, status: 'answered', round_trip_ms }, probe: probe.id, code: null }
    return { step: { ...step, open_ms, status: 'silent', detail: silence(kind) }, probe: undefined, code: 'cli/timeout' }
  } finally {
    await way.close()
  }
}

/** Each hop of a route has a limit of its own; a step has one for all of them. */
async function openWithin(host: Host, prefix: MultiAddr, options: TraceOptions): Promise<ResolvedRoute> {
  const { timeoutMs } = options
  const limit = new AbortController()
  const late = (): void => limit.abort(new CommandError('cli/timeout', `It was not open within ${timeoutMs} ms.`))
  // A hop that has the same limit says more about what it was waiting for.
  const timer = setTimeout(late, timeoutMs + 100)
  try {
    return await openRoute(host, prefix, { ...options, signal: AbortSignal.any([options.signal, limit.signal]) })
  } finally {
    clearTimeout(timer)
  }
}

/** Tells this node's own `echo` that a trace begins here. */
async function ownProbe(host: Host, options: TraceOptions): Promise<string> {
  const probe = newProbe()
  await host.node.request(Route.of('echo'), probe.payload, options)
  return probe.id
}

/** The median of a few round trips; undefined when the first probe is not answered. */
async function roundTrip(host: Host, route: Route, probe: Probe, { timeoutMs, signal }: TraceOptions): Promise<number | undefined> {
  const times: number[] = []
  for (let i = 0; i < PROBES; i++) {
    const startedAt = performance.now()
    try {
      await host.node.request(route, probe.payload, { timeoutMs, signal })
    } catch {
      signal.throwIfAborted()
      if (i === 0) return undefined
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
