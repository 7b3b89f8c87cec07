/**
 * Services and clients that speak MessagePack: one definition of what is asked and answered gives the worker of the service and the codec of its
 * clients. Who receives a value checks it against the schema; who sends it is checked by its types.
 *
 * Towards the peer a failure is a code without detail. What happened is thrown, so that the node's diagnostics see it.
 */

import { OckamError } from '../error.ts'
import type { PeerIdentity } from '../identities.ts'
import { type LocalMessage, peerOf } from '../message.ts'
import type { Context, WorkerFunction } from '../worker.ts'
import type { BodyCodec } from './body-codec.ts'
import { decodeEnvelope, type Envelope, encodeEnvelope } from './envelope.ts'
import type { MessagePackLimits } from './scan.ts'
import type { SchemaInput, SchemaOutput, StandardIssue, StandardSchema } from './standard-schema.ts'

export interface MessagePackOptions<Request extends StandardSchema, Response extends StandardSchema> {
  /** Any Standard Schema (zod, valibot, arktype …), or `unchecked<Type>()`. */
  readonly request: Request
  readonly response: Response
  /** Bounds of what is read and written. */
  readonly limits?: MessagePackLimits
}

/** What a handler learns about a request besides its body. */
export interface RequestDetails {
  /**
   * The identity that asks. Services are reachable through secure channels only, unless they were started otherwise: then reading this throws
   * `core/peer-missing` for a message that came through no channel. Use `peerOf(message)` where both are expected.
   */
  readonly peer: PeerIdentity
  readonly message: LocalMessage
  readonly context: Context
}

/** Answers a request. What it throws is reported locally; the peer learns only that the request `failed`. */
export type RequestHandler<Request, Response> = (request: Request, details: RequestDetails) => Response | Promise<Response>

export interface MessagePackBody<Request extends StandardSchema, Response extends StandardSchema>
  extends BodyCodec<SchemaInput<Request>, SchemaOutput<Response>> {
  /** A message nobody answers. @throws {OckamError} `core/invalid-message-pack`, `core/limit-exceeded` */
  encodeOneWay(request: SchemaInput<Request>): Uint8Array<ArrayBuffer>
  /**
   * The service: calls the handler for requests and one-way messages that pass the schema, one at a time, and answers requests with
   * {@link Context.reply}: answers to a client that does not read are dropped, and no other client waits for it. What is neither, such as a stray
   * reply, is ignored.
   */
  worker(handler: RequestHandler<SchemaOutput<Request>, SchemaInput<Response>>): WorkerFunction
}

export function messagePack<Request extends StandardSchema, Response extends StandardSchema>(
  options: MessagePackOptions<Request, Response>,
): MessagePackBody<Request, Response> {
  const { request: requestSchema, response: responseSchema, limits } = options
  return {
    encodeRequest: (id, request) => encodeEnvelope({ kind: 'request', id, body: request }, limits),
    encodeOneWay: (request) => encodeEnvelope({ kind: 'one-way', id: 0, body: request }, limits),
    async decodeReply(bytes, id) {
      const envelope = decodeEnvelope(bytes, limits)
      if (envelope.id !== id || (envelope.kind !== 'reply' && envelope.kind !== 'failure')) {
        throw new OckamError('core/invalid-message-pack', 'What came back does not answer the request that was sent.')
      }
      if (envelope.kind === 'failure') {
        throw new OckamError('core/request-failed', `The service did not answer the request: ${String(envelope.body)}.`)
      }
      return check(responseSchema, envelope.body, 'reply')
    },
    worker: (handler) => async (message, context) => {
      const envelope = decodeEnvelope(message.payload, limits)
      if (envelope.kind !== 'request' && envelope.kind !== 'one-way') return
      let failure = 'invalid-request'
      let answer: Uint8Array<ArrayBuffer>
      try {
        const request = await check(requestSchema, envelope.body, 'request')
        failure = 'failed'
        const response = await handler(request, new Details(message, context))
        if (envelope.kind === 'one-way') return
        answer = encodeEnvelope({ kind: 'reply', id: envelope.id, body: response }, limits)
      } catch (error) {
        replyFailure(envelope, failure, message, context)
        throw error
      }
      context.reply(message, answer)
    },
  }
}

function replyFailure({ kind, id }: Envelope, code: string, message: LocalMessage, context: Context): void {
  if (kind === 'request') context.reply(message, encodeEnvelope({ kind: 'failure', id, body: code }))
}

class Details implements RequestDetails {
  readonly message: LocalMessage
  readonly context: Context

  constructor(message: LocalMessage, context: Context) {
    this.message = message
    this.context = context
  }

  get peer(): PeerIdentity {
    const peer = peerOf(this.message)
    if (peer === undefined) {
      throw new OckamError('core/peer-missing', 'The request came through no secure channel, so nobody vouches for who sent it.')
    }
    return peer
  }
}

async function check<Schema extends StandardSchema>(
  schema: Schema,
  value: unknown,
  what: 'request' | 'reply',
): Promise<SchemaOutput<Schema>> {
  const result = await schema['~standard'].validate(value)
  if (result.issues === undefined) return result.value
  const problems = result.issues.slice(0, 3).map(describe).join('; ')
  throw new OckamError('core/invalid-message-pack', `The ${what} does not fit its schema: ${problems}.`)
}

function describe({ message, path = [] }: StandardIssue): string {
  const place = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
  return place === '' ? message : `${place}: ${message}`
}
