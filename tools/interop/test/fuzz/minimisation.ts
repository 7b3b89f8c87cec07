/** Makes the bytes of a difference as short as they can be while it stays the same difference. Signed things stay as they are: less would not verify. */

import type { RustPeer } from '../fixture/rust-peer.ts'
import { encode, type Item, parse } from './cbor-item.ts'
import { compare, type Difference, isDifference } from './comparison.ts'
import type { Kind } from './kind.ts'

const MAX_STEPS = 60

export async function minimise(
  peer: RustPeer,
  kind: Kind,
  original: Difference,
  isSame: (difference: Difference) => boolean,
): Promise<Difference> {
  let best = original
  for (let step = 0; step < MAX_STEPS; step++) {
    const cases = await compare(peer, kind, shorter(best.input))
    const next = cases
      .filter(isDifference)
      .filter(isSame)
      .reduce((least, other) => (other.input.length < least.input.length ? other : least), best)
    if (next === best) break
    best = next
  }
  return best
}

function shorter(input: Uint8Array): Uint8Array[] {
  const out = withoutParts(input)
  const item = parse(input)
  if (item !== undefined) for (const smaller of withoutItems(item)) out.push(encode(smaller))
  return out.filter(({ length }) => length < input.length)
}

/** Without one stretch of 1, 2, 4 … bytes, at every place; with the BARE length in front as short as the rest. */
function withoutParts(input: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = []
  for (let length = 1; length <= input.length; length *= 2) {
    for (let at = 0; at + length <= input.length; at += Math.max(1, length >> 1)) {
      const shortened = Uint8Array.from([...input.subarray(0, at), ...input.subarray(at + length)])
      out.push(shortened)
      if (at > 0 && (input[0] as number) < 0x80)
        out.push(Uint8Array.from([Math.max(0, (input[0] as number) - length), ...shortened.subarray(1)]))
    }
  }
  return out
}

function* withoutItems(item: Item): Generator<Item> {
  if (item.kind !== 'array' && item.kind !== 'map') return
  for (const [at, child] of item.items.entries()) {
    yield { ...item, items: item.items.toSpliced(at, 1) }
    yield child
    for (const smaller of withoutItems(child)) yield { ...item, items: item.items.with(at, smaller) }
  }
}
