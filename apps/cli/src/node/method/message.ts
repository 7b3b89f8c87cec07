/** One message and its answer, both as they are on the wire: what they mean is between whoever asked and the worker. */

import { MultiAddr, OckamError } from '@ockam/core'
import * as z from 'zod'
import type { Host } from '../host.ts'
import { MESSAGE_MS } from '../limit.ts'
import { openRoute, withoutTrailingSecure } from '../open-route.ts'
import { identifiers, type Method, method, text, timeoutMs } from './method.ts'

export const messageParameters = z.strictObject({
  to: text,
  /** The same for messages, as a person wrote it. */
  written: text,
  /** Hexadecimal. */
  body: z.hex().max(1_000_000),
  identity: text.optional(),
  authorized: identifiers,
  timeoutMs,
})

/** @returns the answer's body in hexadecimal digits. */
export async function sendMessage(
  parameters: z.output<typeof messageParameters>,
  host: Host,
  signal: AbortSignal,
): Promise<{ body: string }> {
  const to = withoutTrailingSecure(MultiAddr.parse(parameters.to))
  const timeout = { timeoutMs: parameters.timeoutMs ?? MESSAGE_MS, signal }
  const way = await openRoute(host, to, { identity: parameters.identity, authorized: parameters.authorized, ...timeout })
  try {
    const answer = await host.node.request(way.route, Buffer.from(parameters.body, 'hex'), timeout).catch((error: unknown) => {
      throw OckamError.is(error, 'routing/timeout') ? noAnswer(parameters.written, timeout.timeoutMs, error) : error
    })
    return { body: Buffer.from(answer.payload).toString('hex') }
  } finally {
    await way.close()
  }
}

const noAnswer = (route: string, waitedMs: number, cause: unknown): OckamError =>
  new OckamError(
    'routing/timeout',
    `No answer from ${route} within ${waitedMs} ms. The other side does not say why: is the address right, is the worker offered to this side, and does it trust this identity?`,
    { cause },
  )

export const messageMethods: Readonly<Record<string, Method>> = { 'message.send': method(messageParameters, sendMessage) }
