/**
 * What the checks of stores write and read with.
 */

import type { Store, StoreEntry } from '@ockam/core'

/** UTF-8 bytes of a short text: a value that prints readably in a failure. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

/** All entries of a scan. */
export async function collect(store: Store, prefix: string): Promise<StoreEntry[]> {
  const entries: StoreEntry[] = []
  for await (const entry of store.scan(prefix)) entries.push(entry)
  return entries
}

/** The keys of a scan, in the order they came. */
export async function keysOf(store: Store, prefix: string): Promise<string[]> {
  return (await collect(store, prefix)).map(({ key }) => key)
}

/** A sequence of numbers below 2^32 that looks random and is the same in every run (xorshift32). */
export function pseudoRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
