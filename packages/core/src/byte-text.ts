/**
 * Text made in one piece. What is put together character by character stays a tree of its pieces in V8, forty times the size, until somebody compares
 * it, which then takes longer.
 */

/** Arguments of one call, of which an engine takes only so many. */
const CHUNK = 1024

/** One character a byte: equal for equal bytes alone, fit as a map key. */
export function toByteText(bytes: Uint8Array): string {
  const codes = new Array<number>(bytes.length)
  for (let i = 0; i < bytes.length; i++) codes[i] = bytes[i] as number
  return textOf(codes)
}

/** @param codes of UTF-16. @internal */
export function textOf(codes: number[]): string {
  if (codes.length <= CHUNK) return String.fromCharCode.apply(undefined, codes)
  let text = ''
  for (let from = 0; from < codes.length; from += CHUNK) text += String.fromCharCode.apply(undefined, codes.slice(from, from + CHUNK))
  return text
}
