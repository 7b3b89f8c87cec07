/**
 * CBOR as a tree that can be wrong: every head can be wider than needed, declare another length than there is, or be indefinite. Apart from core's
 * codec on purpose: what judges a codec must not be made of it.
 */

/** Bytes a head's argument takes; 0 is in the initial byte itself. */
export type HeadWidth = 0 | 1 | 2 | 4 | 8

interface Head {
  /** Default: the shortest. */
  width?: HeadWidth
  /** What the head says instead of the true length. */
  declared?: bigint
  isIndefinite?: boolean
}

export type Item =
  | ({ kind: 'uint' | 'negative'; value: bigint } & Head)
  | ({ kind: 'bytes' | 'text'; bytes: Uint8Array } & Head)
  /** The items of a map are keys and values in turn. */
  | ({ kind: 'array' | 'map'; items: Item[] } & Head)
  | ({ kind: 'tag'; value: bigint; item: Item } & Head)
  /** Simple values, floats, and whatever else. */
  | { kind: 'raw'; bytes: Uint8Array }

const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const
const encoder = new TextEncoder()

export const uint = (value: number | bigint): Item => ({ kind: 'uint', value: BigInt(value) })
export const bytes = (value: Uint8Array): Item => ({ kind: 'bytes', bytes: value })
export const text = (value: string): Item => ({ kind: 'text', bytes: encoder.encode(value) })
export const array = (...items: Item[]): Item => ({ kind: 'array', items })
export const map = (...items: Item[]): Item => ({ kind: 'map', items })
export const raw = (...values: number[]): Item => ({ kind: 'raw', bytes: Uint8Array.from(values) })
export const nothing = (): Item => raw(0xf6)
export const bool = (value: boolean): Item => raw(value ? 0xf5 : 0xf4)
/** `[index, [fields]]` */
export const variant = (index: number, ...fields: Item[]): Item => array(uint(index), array(...fields))

export function encode(item: Item): Uint8Array {
  const out: number[] = []
  write(out, item)
  return Uint8Array.from(out)
}

function write(out: number[], item: Item): void {
  switch (item.kind) {
    case 'raw':
      append(out, item.bytes)
      return
    case 'uint':
    case 'negative':
      writeHead(out, item, item.value)
      return
    case 'tag':
      writeHead(out, item, item.value)
      write(out, item.item)
      return
    case 'bytes':
    case 'text': {
      if (item.isIndefinite !== true) writeHead(out, item, BigInt(item.bytes.length))
      else {
        out.push((MAJOR[item.kind] << 5) | 31)
        writeHead(out, { kind: item.kind }, BigInt(item.bytes.length))
      }
      append(out, item.bytes)
      if (item.isIndefinite === true) out.push(0xff)
      return
    }
    default:
      if (item.isIndefinite === true) out.push((MAJOR[item.kind] << 5) | 31)
      else writeHead(out, item, BigInt(item.kind === 'map' ? item.items.length >> 1 : item.items.length))
      for (const child of item.items) write(out, child)
      if (item.isIndefinite === true) out.push(0xff)
  }
}

function writeHead(out: number[], head: Head & { kind: keyof typeof MAJOR }, length: bigint): void {
  const argument = BigInt.asUintN(64, head.declared ?? length)
  const shortest = argument < 24n ? 0 : argument < 0x100n ? 1 : argument < 0x1_0000n ? 2 : argument < 0x1_0000_0000n ? 4 : 8
  const width = Math.max(shortest, head.width ?? 0)
  const major = MAJOR[head.kind] << 5
  if (width === 0) {
    out.push(major | Number(argument))
    return
  }
  out.push(major | (24 + Math.log2(width)))
  for (let at = width - 1; at >= 0; at--) out.push(Number((argument >> BigInt(8 * at)) & 0xffn))
}

function append(out: number[], value: Uint8Array): void {
  for (const byte of value) out.push(byte)
}

/** The first item, and what is behind it; undefined when the bytes are not well-formed. Heads are kept as they are. */
export function parseFirst(input: Uint8Array): readonly [Item, Uint8Array] | undefined {
  try {
    const [item, end] = read(input, 0, 0)
    return [item, input.subarray(end)]
  } catch {
    return undefined
  }
}

/** The item that all of the bytes are. */
export function parse(input: Uint8Array): Item | undefined {
  const first = parseFirst(input)
  return first?.[1].length === 0 ? first[0] : undefined
}

/**
 * Whether an item is made of integers, byte strings, texts in UTF-8, arrays, maps, booleans, null and floats alone: no tags, no unassigned simple
 * values, no strings in pieces.
 */
export function isPlain(item: Item): boolean {
  switch (item.kind) {
    case 'uint':
    case 'negative':
      return true
    case 'bytes':
      return item.isIndefinite !== true
    case 'text':
      return item.isIndefinite !== true && isUtf8(item.bytes)
    case 'array':
    case 'map':
      return item.items.every(isPlain)
    case 'raw':
      return [0xf4, 0xf5, 0xf6, 0xf9, 0xfa, 0xfb].includes(item.bytes[0] ?? 0)
    default:
      return false
  }
}

function isUtf8(value: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(value)
    return true
  } catch {
    return false
  }
}

const KINDS = Object.keys(MAJOR) as (keyof typeof MAJOR)[]
const BREAK = 0xff
/** Policies nest deep: three arrays for each list. */
const MAX_DEPTH = 1000

function read(input: Uint8Array, at: number, depth: number): [Item, number] {
  const initial = input[at]
  if (initial === undefined || depth > MAX_DEPTH) throw new Error('no item')
  const kind = KINDS[initial >> 5]
  const info = initial & 31
  if (kind === undefined) {
    const end = at + (info < 24 ? 1 : info < 28 ? 1 + 2 ** (info - 24) : Number.NaN)
    if (!(end <= input.length)) throw new Error('no item')
    return [{ kind: 'raw', bytes: input.slice(at, end) }, end]
  }
  if (info === 31 && kind !== 'uint' && kind !== 'negative' && kind !== 'tag') return readIndefinite(input, at + 1, depth, kind)
  if (info > 27) throw new Error('no length')
  const width = (info < 24 ? 0 : 2 ** (info - 24)) as HeadWidth
  const position = at + 1 + width
  let value = BigInt(info)
  if (width > 0) value = input.slice(at + 1, position).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  if (position > input.length) throw new Error('cut')
  if (kind === 'uint' || kind === 'negative') return [{ kind, value, width }, position]
  if (kind === 'tag') {
    const [item, end] = read(input, position, depth + 1)
    return [{ kind, value, width, item }, end]
  }
  if (value > BigInt(input.length)) throw new Error('cut')
  if (kind === 'bytes' || kind === 'text') {
    const end = position + Number(value)
    if (end > input.length) throw new Error('cut')
    return [{ kind, bytes: input.slice(position, end), width }, end]
  }
  const [items, end] = readItems(input, position, depth, Number(value) * (kind === 'map' ? 2 : 1))
  return [{ kind, items, width }, end]
}

function readIndefinite(input: Uint8Array, at: number, depth: number, kind: 'bytes' | 'text' | 'array' | 'map'): [Item, number] {
  const [items, end] = readItems(input, at, depth, Number.POSITIVE_INFINITY)
  if (kind === 'array' || kind === 'map') {
    if (kind === 'map' && items.length % 2 === 1) throw new Error('a key without a value')
    return [{ kind, items, isIndefinite: true }, end]
  }
  const pieces = items.map((item) => {
    if (item.kind !== kind) throw new Error('a piece of another kind')
    return item.bytes
  })
  return [{ kind, bytes: Uint8Array.from(pieces.flatMap((piece) => [...piece])), isIndefinite: true }, end]
}

/** @param count how many; infinite: up to the break. */
function readItems(input: Uint8Array, at: number, depth: number, count: number): [Item[], number] {
  const items: Item[] = []
  let position = at
  while (items.length < count) {
    if (count === Number.POSITIVE_INFINITY && input[position] === BREAK) return [items, position + 1]
    const [item, end] = read(input, position, depth + 1)
    items.push(item)
    position = end
  }
  return [items, position]
}
