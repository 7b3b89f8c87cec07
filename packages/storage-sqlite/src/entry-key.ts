/**
 * How a key is written in the database: its UTF-16 code units, big-endian, as a BLOB. SQLite compares BLOBs byte by byte, which for this form is
 * the order that core's `Store` promises. TEXT would not do: it is compared as UTF-8, which puts U+FF5E before U+1F600, and cannot hold the
 * prefix of a scan that ends within a surrogate pair.
 */

import { STORE_LIMIT } from '@ockam/core'

const LONGEST = 2 * STORE_LIMIT.keyLength

export function encodeKey(key: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(2 * key.length)
  writeKey(bytes, key)
  return bytes
}

export function decodeKey(bytes: Uint8Array): string {
  // Never longer than 1024 units, so it fits the arguments of a call.
  const units = new Array<number>(bytes.length >> 1)
  for (let at = 0; at < units.length; at++) units[at] = ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)
  return String.fromCharCode(...units)
}

/** The keys that start with a prefix are those from `from` to `to`, both included. */
export interface KeyRange {
  readonly from: Uint8Array
  readonly to: Uint8Array
}

/** Undefined when no key can be that long. */
export function rangeOfPrefix(prefix: string): KeyRange | undefined {
  if (prefix.length > STORE_LIMIT.keyLength) return undefined
  // Nothing that starts with the prefix is greater than the prefix and then the highest byte up to the longest key.
  const to = new Uint8Array(LONGEST).fill(0xff)
  writeKey(to, prefix)
  return { from: encodeKey(prefix), to }
}

/** The part of `range` behind `key`. */
export function rangeAfter({ to }: KeyRange, key: Uint8Array): KeyRange {
  // The least BLOB greater than another is that one and a zero byte.
  const from = new Uint8Array(key.length + 1)
  from.set(key)
  return { from, to }
}

function writeKey(into: Uint8Array, key: string): void {
  for (let at = 0; at < key.length; at++) {
    const unit = key.charCodeAt(at)
    into[2 * at] = unit >> 8
    into[2 * at + 1] = unit & 0xff
  }
}
