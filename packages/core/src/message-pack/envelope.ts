/**
 * What services wrap around their bodies: `[kind, id, body]`. Kind 0 is a one-way message, 1 a request, 2 a reply, 3 a failure whose body is a code.
 * Reply and failure carry the id of the request. Only requests are answered, so that two services can never keep answering each other.
 */

import { OckamError } from '../error.ts'
import { decodeMessagePack, encodeMessagePack } from './message-pack-value.ts'
import type { MessagePackLimits } from './scan.ts'

const KINDS = ['one-way', 'request', 'reply', 'failure'] as const
const MAX_ID = 0xffff_ffff
const FAILURE_CODE = /^[a-z0-9][a-z0-9-]{0,63}$/

export type EnvelopeKind = (typeof KINDS)[number]

export interface Envelope {
  readonly kind: EnvelopeKind
  /** 0 to 2^32-1, chosen by whoever asks; 0 in one-way messages. */
  readonly id: number
  /** Not checked by any schema. Of a failure: a code such as `invalid-request`. */
  readonly body: unknown
}

/** An undefined body is sent as null. @throws {OckamError} `core/invalid-argument`, `core/invalid-message-pack`, `core/limit-exceeded` */
export function encodeEnvelope({ kind, id, body }: Envelope, limits?: MessagePackLimits): Uint8Array<ArrayBuffer> {
  if (!isId(id)) throw new OckamError('core/invalid-argument', `The id of a request is a whole number of 32 bits; got ${String(id)}.`)
  if (kind === 'failure' && !isFailureCode(body)) {
    throw new OckamError('core/invalid-argument', 'The body of a failure is a code: up to 64 lower-case letters, digits and hyphens.')
  }
  return encodeMessagePack([KINDS.indexOf(kind), id, body === undefined ? null : body], limits)
}

/** @throws {OckamError} `core/invalid-message-pack`, `core/limit-exceeded` */
export function decodeEnvelope(bytes: Uint8Array, limits?: MessagePackLimits): Envelope {
  const parts = decodeMessagePack(bytes, limits)
  if (!Array.isArray(parts) || parts.length !== 3) throw invalid('it is not an array of three')
  const [index, id, body] = parts as readonly unknown[]
  const kind = typeof index === 'number' ? KINDS[index] : undefined
  if (kind === undefined) throw invalid('its kind is unknown')
  if (!isId(id)) throw invalid('its id is not a number of 32 bits')
  if (kind === 'failure' && !isFailureCode(body)) throw invalid('its failure has no code')
  return { kind, id, body }
}

function isId(id: unknown): id is number {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) <= MAX_ID
}

function isFailureCode(body: unknown): body is string {
  return typeof body === 'string' && FAILURE_CODE.test(body)
}

function invalid(problem: string): OckamError {
  return new OckamError('core/invalid-message-pack', `Cannot read the envelope of a message: ${problem}.`)
}
