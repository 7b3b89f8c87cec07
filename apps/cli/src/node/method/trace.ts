/** `route trace`, done by a background node. */

import { MultiAddr } from '@ockam/core'
import * as z from 'zod'
import type { Host } from '../host.ts'
import { TRACE_MS } from '../limit.ts'
import { type TraceStep, traceRoute } from '../trace.ts'
import { identifiers, type Method, method, text, timeoutMs } from './method.ts'

const parametersSchema = z.strictObject({ to: text, identity: text.optional(), authorized: identifiers, timeoutMs })

export type TraceParameters = z.input<typeof parametersSchema>

export function trace(parameters: TraceParameters, host: Host, signal: AbortSignal): Promise<readonly TraceStep[]> {
  const { to, identity, authorized = [], timeoutMs: limit = TRACE_MS } = parameters
  return traceRoute(host, MultiAddr.parse(to), { identity, authorized, timeoutMs: limit, signal })
}

export const traceMethods: Readonly<Record<string, Method>> = { 'route.trace': method(parametersSchema, trace) }
