/**
 * One message and its answer. Bodies are BARE bytes in both directions, as the published Rust command sends and expects them: `hello` is
 * `05 68656c6c6f`.
 */

import { MultiAddr, OckamError } from '@ockam/core'
import { decodeBareData, encodeBareData } from '@ockam/core/bare'
import * as z from 'zod'
import { CommandError } from '../../error.ts'
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
    const body = encodeBareData(Buffer.from(parameters.body, 'hex'))
    const answer = await host.node.request(way.route, body, timeout).catch((error: unknown) => {
      throw OckamError.is(error, 'routing/timeout') ? noAnswer(parameters.written, timeout.timeoutMs, error) : error
    })
    return { body: Buffer.from(bodyOf(answer.payload)).toString('hex') }
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

function bodyOf(payload: Uint8Array): Uint8Array {
  try {
    return decodeBareData(payload)
  } catch (cause) {
    const problem = 'The answer is not in the form this command reads (BARE bytes): the worker there speaks another protocol.'
    throw new CommandError('cli/failed', problem, { cause })
  }
}

export const messageMethods: Readonly<Record<string, Method>> = { 'message.send': method(messageParameters, sendMessage) }
