/** Checks of arguments, as every vault makes them. Messages name the argument and its length, never its content. */

import { nativeAeadError } from './error.ts'

/** Throws `vault/invalid-argument` unless `value` is bytes (of exactly `length`, when given). */
export function requireBytes(name: string, value: Uint8Array, length?: number): void {
  if (!(value instanceof Uint8Array)) throw nativeAeadError('vault/invalid-argument', `${name} must be a Uint8Array, got ${typeof value}.`)
  if (length !== undefined && value.length !== length) {
    throw nativeAeadError('vault/invalid-argument', `${name} must be ${length} bytes, got ${value.length}.`)
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
    throw nativeAeadError(
      'vault/invalid-argument',
      `${name}: ${length} bytes at offset ${offset} do not fit into ${array instanceof Uint8Array ? `${array.length} bytes` : typeof array}.`,
    )
  }
}

/** Throws `vault/invalid-argument` unless `nonce` is a safe integer from 0 on. */
export function requireNonce(nonce: number): void {
  if (!Number.isSafeInteger(nonce) || nonce < 0) {
    throw nativeAeadError('vault/invalid-argument', `An AEAD nonce must be an integer from 0 to 2^53 - 1, got ${nonce}.`)
  }
}
