/**
 * What a node of this machine can say about a trace that came along: what its rules make of a message to the worker the trace ended at, without
 * sending one, and what of that route it has refused meanwhile.
 */

import { Address, type Admission, type AdmissionChecking, type LocalMessage, peerOf, Route, type Router } from '@ockam/core'
import type { CliErrorCode } from '../error.ts'
import type { LoggedEvent } from './event-log.ts'
import type { Host } from './host.ts'
import type { TraceQuestion } from './trace.ts'

export interface TestimonyRequest {
  /** Ids of the probes of the trace that were answered. */
  readonly probes: readonly string[]
  readonly question: TraceQuestion | null
  /** Names of the workers on the route. */
  readonly names: readonly string[]
  /** The identity that traces. */
  readonly identifier: string
  /** When the trace began, in milliseconds since 1970. */
  readonly sinceMs: number
}

export interface Testimony {
  /** Null where the trace did not end at this node. */
  readonly verdict: Verdict | null
  /** Events of this node that are about the route. */
  readonly refusals: readonly LoggedEvent[]
}

export type Verdict =
  | { readonly isAdmitted: true; readonly detail: string }
  | { readonly isAdmitted: false; readonly code: CliErrorCode; readonly detail: string }

export async function testify(host: Host, request: TestimonyRequest): Promise<Testimony> {
  const { question, probes } = request
  const probe = question === null ? undefined : host.probes.find(question.probe)
  const isOnRoute = probe !== undefined || probes.some((id) => host.probes.find(id) !== undefined)
  return {
    verdict: question === null || probe === undefined ? null : await verdictOn(host, question, probe, request.identifier),
    refusals: isOnRoute ? host.events.since(request.sinceMs).filter((event) => isAbout(event, request)) : [],
  }
}

const REFUSED = /(refused|dropped|denied|displaced)$/

/** Nodes have much to do; what else they refuse says nothing about this route. */
function isAbout({ name, details }: LoggedEvent, { names, identifier }: TestimonyRequest): boolean {
  if (!REFUSED.test(name)) return false
  if (name === 'secure-channel/handshake-refused') return details['role'] === 'responder' && details['peer'] === identifier
  return [details['to'], details['listener'], details['outlet']].some((address) =>
    names.some((one) => address === one || address === Address.local(one).toString()),
  )
}

/** What this node would do with a message that comes the way the probe came. */
async function verdictOn(host: Host, { to, isChannel }: TraceQuestion, probe: LocalMessage, identifier: string): Promise<Verdict | null> {
  const router: Router & Partial<AdmissionChecking> = host.node.router
  const message: LocalMessage = { ...probe, onwardRoute: Route.of(Address.local(to)) }
  const admission = await router.admissionOf?.(message)
  if (admission === undefined) return null
  if (!admission.isAdmitted) return refusedBy(host, to, admission, peerOf(probe)?.identifier.toString())
  return isChannel ? channelVerdict(host, to, identifier) : { isAdmitted: true, detail: admitted(host, to) }
}

function refusedBy(host: Host, to: string, admission: Extract<Admission, { isAdmitted: false }>, peer: string | undefined): Verdict {
  const { reason, rule } = admission
  const node = `node "${host.name}"`
  if (reason === 'unknown-address') return unknown(host, to)
  const sender = peer === undefined ? 'comes without an identity' : `comes from ${peer}`
  const how = reason === 'not-reachable' ? `${node} does not offer "${to}" this way` : `${node} refuses, by the rule of "${to}"`
  const allowed = host.things.outlets.find(to)?.allowed ?? []
  const whom = reason === 'denied-incoming' && allowed.length > 0 ? `only ${some(allowed)}` : (rule ?? 'none')
  return { isAdmitted: false, code: 'cli/refused', detail: `${how}: ${whom}; this ${sender}` }
}

function unknown(host: Host, to: string): Verdict {
  const [, relay] = /^forward_to_(.+)$/.exec(to) ?? []
  const isRelay = relay !== undefined
  const detail = isRelay ? `nobody is registered as "${relay}" at node "${host.name}" now` : `node "${host.name}" has no worker "${to}"`
  return { isAdmitted: false, code: 'cli/not-found', detail }
}

function channelVerdict(host: Host, to: string, identifier: string): Verdict {
  const listener = host.things.channelListeners.find(to)
  const node = `node "${host.name}"`
  if (listener === undefined) return { isAdmitted: false, code: 'cli/not-found', detail: `${node} has no secure-channel listener "${to}"` }
  const { authorized } = listener
  if (authorized.length === 0 || authorized.includes(identifier))
    return { isAdmitted: true, detail: `${node} trusts ${identifier} at "${to}"` }
  const detail = `${node} refuses, by the rule of its listener "${to}": only ${some(authorized)}; this is ${identifier}`
  return { isAdmitted: false, code: 'cli/refused', detail }
}

function admitted(host: Host, to: string): string {
  const isListener = host.things.channelListeners.find(to) !== undefined
  const more = isListener ? `; it is a secure-channel listener: trace /secure/${to} to see whether a channel opens` : ''
  return `nothing was sent to it; node "${host.name}" has it and takes what comes this way${more}`
}

const MAX_NAMED = 3

/** Identifiers for people, not all of a long list. */
const some = (identifiers: readonly string[]): string =>
  [...identifiers.slice(0, MAX_NAMED), ...(identifiers.length > MAX_NAMED ? [`${identifiers.length - MAX_NAMED} more`] : [])].join(', ')
