/**
 * What a payload keeps alive, and when it is copied.
 *
 * A payload may be a view of a much larger read chunk. While the chunk is being worked through that is free; once the view outlives the turn, or is
 * handed to an application that may keep it, it would pin the whole chunk. So views smaller than an eighth of their memory are copied then
 * (`payload-copier.ts`).
 */
import { routingError } from './error.ts'

/**
 * Up to this length the memory behind a payload is not looked at: asking a small array for its buffer makes V8 allocate one, which costs ten times
 * as much as copying 64 bytes.
 */
const SMALL = 64
const FRACTION = 8

/**
 * What the callers of public functions handed in, as a plain array: a Node `Buffer` becomes a view of the same memory.
 * @throws {OckamError} `routing/invalid-argument`
 */
export function plainPayload(payload: Uint8Array): Uint8Array {
  if (!(payload instanceof Uint8Array)) {
    throw routingError('routing/invalid-argument', `A payload is a Uint8Array; got ${payload === null ? 'null' : typeof payload}.`)
  }
  if (payload.constructor === Uint8Array) return payload
  return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength)
}

/** The memory a payload keeps alive; undefined when it is so small a part of it that it is to be copied before it outlives its turn. */
export function heldMemory(payload: Uint8Array): ArrayBufferLike | undefined {
  const length = payload.length
  if (length <= SMALL) return undefined
  const { buffer } = payload
  return length * FRACTION < buffer.byteLength ? undefined : buffer
}
