/** Kinds of CBOR items, told from the initial byte alone (RFC 8949 section 3). */

/** What comes next in a reader. `end` is the end of the bytes, `break` the end of an indefinite container, `simple` what no format has. */
export type CborKind =
  | 'uint'
  | 'negative'
  | 'bytes'
  | 'text'
  | 'array'
  | 'map'
  | 'tag'
  | 'bool'
  | 'null'
  | 'float'
  | 'simple'
  | 'break'
  | 'end'

/** Major types: the three high bits. */
export const UINT = 0
export const NEGATIVE = 1
export const BYTES = 2
export const TEXT = 3
export const ARRAY = 4
export const MAP = 5
export const SIMPLE = 7

/** Initial bytes. */
export const NULL = 0xf6
export const BREAK = 0xff

const KINDS: readonly CborKind[] = ['uint', 'negative', 'bytes', 'text', 'array', 'map', 'tag']

export function kindOf(initial: number): CborKind {
  const major = KINDS[initial >> 5]
  if (major !== undefined) return major
  if (initial === 0xf4 || initial === 0xf5) return 'bool'
  if (initial === NULL) return 'null'
  if (initial === BREAK) return 'break'
  return initial >= 0xf9 && initial <= 0xfb ? 'float' : 'simple'
}

/** An item's kind for an error message. */
export function describe(initial: number): string {
  const kind = kindOf(initial)
  if (kind === 'break') return 'the end of an indefinite container'
  return (initial & 31) === 31 ? `${kind} of indefinite length` : kind
}

/** Whether an item of the major type SIMPLE has a meaning: false, true, null, undefined and floats. */
export function isAssigned(initial: number): boolean {
  return initial >= 0xf4 && initial <= 0xfb && initial !== 0xf8
}

/** How many bytes follow the initial byte of an assigned item of the major type SIMPLE. */
export function floatWidth(initial: number): number {
  return initial >= 0xf9 ? 1 << (initial - 0xf8) : 0
}
