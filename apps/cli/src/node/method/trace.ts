/** `route trace`, done by a background node, and what nodes have to say about a trace. */

import { MultiAddr } from '@ockam/core'
import * as z from 'zod'
import type { Host } from '../host.ts'
import { TRACE_MS } from '../limit.ts'
import { testify } from '../testimony.ts'
import { type Trace, traceRoute } from '../trace.ts'
import { identifiers, type Method, method, text, timeoutMs } from './method.ts'

const parametersSchema = z.strictObject({ to: text, identity: text.optional(), authorized: identifiers, timeoutMs })

export type TraceParameters = z.input<typeof parametersSchema>

export function trace(parameters: TraceParameters, host: Host, signal: AbortSignal): Promise<Trace> {
  const { to, identity, authorized = [], timeoutMs: limit = TRACE_MS } = parameters
  return traceRoute(host, MultiAddr.parse(to), { identity, authorized, timeoutMs: limit, signal })
}

const many = z.array(text).max(100).readonly()
const question = z.strictObject({ probe: text, to: text, isChannel: z.boolean() }).nullable()

export const traceMethods: Readonly<Record<string, Method>> = {
  'route.trace': method(parametersSchema, trace),
  'route.testimony': method(
    z.strictObject({ probes: many, question, names: many, identifier: text, sinceMs: z.number() }),
    (request, host) => testify(host, request),
  ),
}
