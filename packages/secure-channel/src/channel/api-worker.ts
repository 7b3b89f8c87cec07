/**
 * The encryption and decryption services of a channel: workers that take BARE bytes and answer with BARE `00 bytes`, or `01 text` on failure. The
 * content is sealed as it is, without routes: this is how a broker gets ciphertexts that only the two ends can read.
 *
 * Only this node's own workers reach them, ever: to anybody else they would be an oracle (security rule 6).
 */

import { type Context, type LocalMessage, OckamError, type WorkerFunction } from '@ockam/core'
import { BareWriter, decodeBareData } from '@ockam/core/bare'

/** @param answer gives the result, or throws. Its error's code, and nothing else of it, goes into the answer. */
export function apiWorker(answer: (content: Uint8Array) => Uint8Array): WorkerFunction {
  return (message: LocalMessage, context: Context) => {
    // Reachability `local` keeps these out already; a rule this important is not left to one line.
    if (message.origin !== undefined || message.returnRoute.isEmpty) return
    context.reply(message, respond(answer, message.payload))
  }
}

function respond(answer: (content: Uint8Array) => Uint8Array, request: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new BareWriter()
  try {
    const result = answer(decodeBareData(request))
    return writer.uvarint(0).data(result).finish()
  } catch (error) {
    return writer
      .uvarint(1)
      .string(OckamError.is(error) ? error.code : 'secure-channel/vault-failed')
      .finish()
  }
}
