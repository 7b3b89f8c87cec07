/** Checks of arguments at the edge of the package. Messages name the argument and its length, never its content. */

import type { Random } from '@ockam/core'
import { vaultError } from './error.ts'

/** Throws `vault/invalid-argument` unless `value` is bytes (of exactly `length`, when given). */
export function requireBytes(name: string, value: Uint8Array, length?: number): void {
  if (!(value instanceof Uint8Array)) throw vaultError('vault/invalid-argument', `${name} must be a Uint8Array, got ${typeof value}.`)
  if (length !== undefined && value.length !== length) {
    throw vaultError('vault/invalid-argument', `${name} must be ${length} bytes, got ${value.length}.`)
  }
}

/** Throws `vault/invalid-argument` unless `length` bytes at `offset` lie inside `array`. */
export function requireRange(name: string, array: Uint8Array, offset: number, length: number): void {
  if (
    !(array instanceof Uint8Array) ||
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(length) ||
    offset < 0 ||
    length < 0 ||
    offset + length > array.length
  ) {
    throw vaultError(
      'vault/invalid-argument',
      `${name}: ${length} bytes at offset ${offset} do not fit into ${array instanceof Uint8Array ? `${array.length} bytes` : typeof array}.`,
    )
  }
}

/** An injected source whose answers are checked: a short nonce or key must not go unnoticed. */
export function checkedRandom(random: Random): Random {
  return {
    bytes(length): Uint8Array<ArrayBuffer> {
      const bytes = random.bytes(length)
      requireBytes(`Random.bytes(${length})`, bytes, length)
      return bytes
    },
  }
}
