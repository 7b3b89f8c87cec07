/** Makes well-formed values wrong, or only unusual: in their structure, which keeps most of them readable, and in their bytes. */

import { array, encode, type HeadWidth, type Item, map, nothing, parse, raw, text, uint } from './cbor-item.ts'
import type { SeededRandom } from './random.ts'

const NUMBERS = [0n, 1n, 2n, 3n, 23n, 24n, 255n, 256n, 65_535n, 65_536n, 0xffff_ffffn, 0x1_0000_0000n] as const
const LARGE = [2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n] as const
const WIDTHS: readonly HeadWidth[] = [1, 2, 4, 8]
const ENCODED_TEXTS = ['', '00', 'ff', 'c080', 'eda080', 'f4908080', 'efbbbf61', 'e282', '410042'].map((hex) =>
  Uint8Array.from(Buffer.from(hex, 'hex')),
)

/** The same value with up to `most` changes; the original is not touched. */
export function mutateItem(random: SeededRandom, original: Item, most = 3): Item {
  const items = [structuredClone(original)]
  for (let left = 1 + random.below(most); left > 0; left--) {
    const all = places(items)
    if (all.length === 0) break
    const [parent, at] = random.pick(all)
    mutateAt(random, parent, at)
  }
  return items.length === 1 ? (items[0] as Item) : { kind: 'raw', bytes: concat(items.map(encode)) }
}

/** The same bytes with one or two changes anywhere. */
export function mutateBytes(random: SeededRandom, original: Uint8Array): Uint8Array {
  const out = [...original]
  for (let left = random.chance(3) ? 2 : 1; left > 0; left--) {
    const at = random.below(out.length + 1)
    switch (random.below(7)) {
      case 0:
      case 1:
        out[Math.min(at, Math.max(0, out.length - 1))] = ((out[at] ?? 0) ^ (1 << random.below(8))) & 0xff
        break
      case 2:
        out.length = at
        break
      case 3:
        out.push(...random.bytes(1 + random.below(4)))
        break
      case 4:
        out.splice(at, 0, random.below(256))
        break
      case 5:
        out.splice(at, 1 + random.below(3))
        break
      default:
        out[Math.min(at, Math.max(0, out.length - 1))] = random.pick([
          0x00, 0x17, 0x18, 0x1b, 0x40, 0x5f, 0x7f, 0x80, 0x9f, 0xa0, 0xc0, 0xf6, 0xf7, 0xff,
        ])
    }
  }
  return Uint8Array.from(out)
}

/** Any item, not deep. */
export function anyItem(random: SeededRandom, depth = 2): Item {
  switch (random.below(depth > 0 ? 12 : 9)) {
    case 0:
      return uint(random.pick(NUMBERS))
    case 1:
      return uint(random.pick(LARGE))
    case 2:
      return { kind: 'negative', value: random.pick([0n, 23n, 255n, ...LARGE]) }
    case 3:
      return { kind: 'bytes', bytes: random.bytes(random.below(40)) }
    case 4:
      return random.chance(2) ? text('text') : { kind: 'text', bytes: random.pick(ENCODED_TEXTS) }
    case 5:
      return nothing()
    case 6:
      return raw(random.pick([0xf4, 0xf5, 0xf7, 0xe0, 0xff, 0x1c, 0x3e, 0xf0]))
    case 7:
      return random.pick([
        raw(0xf9, 0x3c, 0),
        raw(0xfa, 0x3f, 0x80, 0, 0),
        raw(0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0),
        raw(0xf8, 0x20),
        raw(0xf8, 0x14),
      ])
    case 8:
      return random.pick([raw(0x80), raw(0xa0), raw(0x9f, 0xff), raw(0xbf, 0xff), raw(0x5f, 0xff), raw(0x7f, 0xff)])
    case 9:
      return array(...Array.from({ length: random.below(4) }, () => anyItem(random, depth - 1)))
    case 10:
      return map(...Array.from({ length: 2 * random.below(3) }, () => anyItem(random, depth - 1)))
    default:
      return { kind: 'tag', value: random.pick(NUMBERS), item: anyItem(random, depth - 1) }
  }
}

type Place = readonly [parent: Item[], at: number]

/** Every item of the tree, as a place in its parent. */
function places(items: Item[]): Place[] {
  return items.flatMap((item, at): Place[] => [[items, at], ...(item.kind === 'array' || item.kind === 'map' ? places(item.items) : [])])
}

function mutateAt(random: SeededRandom, parent: Item[], at: number): void {
  const item = parent[at] as Item
  switch (random.below(12)) {
    case 0:
      parent.splice(at, 1)
      return
    case 1:
      parent.splice(at, 0, structuredClone(item))
      return
    case 2:
      parent.splice(at + random.below(2), 0, anyItem(random))
      return
    case 3:
      parent[at] = { kind: 'tag', value: random.pick(NUMBERS), item }
      return
    case 4:
    case 5:
      parent[at] = anyItem(random)
      return
    case 6: {
      const other = random.below(parent.length)
      parent[at] = parent[other] as Item
      parent[other] = item
      return
    }
    default:
      mutateInside(random, parent, at, item)
  }
}

function mutateInside(random: SeededRandom, parent: Item[], at: number, item: Item): void {
  if (item.kind === 'raw') {
    parent[at] = random.pick([raw(0xf4), raw(0xf5), nothing(), raw(0xf7), uint(0), uint(1)])
    return
  }
  const choice = random.below(6)
  if (choice === 0) item.width = random.pick(WIDTHS)
  else if (choice === 1 && item.kind !== 'uint' && item.kind !== 'negative') item.isIndefinite = true
  else if (item.kind === 'uint' || item.kind === 'negative') item.value = random.pick(choice < 4 ? NUMBERS : LARGE)
  else if (choice === 2) item.declared = random.chance(2) ? random.pick(LARGE) : BigInt(random.below(40))
  else if (item.kind === 'array' || item.kind === 'map') {
    if (choice === 3) item.items.push(anyItem(random))
    else if (choice === 4) item.items.pop()
    else parent[at] = { ...item, kind: item.kind === 'map' ? 'array' : 'map' }
  } else if (item.kind === 'bytes' || item.kind === 'text') mutateString(random, parent, at, item, choice)
}

function mutateString(
  random: SeededRandom,
  parent: Item[],
  at: number,
  item: Extract<Item, { kind: 'bytes' | 'text' }>,
  choice: number,
): void {
  const inner = item.kind === 'bytes' && item.bytes.length > 4 && random.chance(2) ? parse(item.bytes) : undefined
  if (inner !== undefined) item.bytes = encode(mutateItem(random, inner, 1))
  else if (choice === 3) item.bytes = mutateBytes(random, item.bytes)
  else if (choice === 4) item.bytes = random.pick(ENCODED_TEXTS)
  else if (random.chance(2)) parent[at] = { ...item, kind: item.kind === 'text' ? 'bytes' : 'text' }
  else parent[at] = array(...Array.from(item.bytes, (byte) => uint(byte)))
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}
