/**
 * UTF-8 as every codec of this package treats it: malformed bytes and lone surrogates are refused instead of being replaced, a byte order
 * mark is text like any other, and short ASCII text takes a path without `TextDecoder`, whose call costs more than the text.
 */

import { textOf } from './byte-text.ts'

const SHORT = 32
const LONE_SURROGATE = /\p{Surrogate}/u
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @returns the text, or undefined when the bytes are not UTF-8. The range must lie within `bytes`. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start <= SHORT) {
    const codes = new Array<number>(end - start)
    let at = start
    while (at < end) {
      const byte = bytes[at] as number
      if (byte >= 0x80) break
      codes[at - start] = byte
      at++
    }
    if (at === end) return textOf(codes)
  }
  try {
    return decoder.decode(bytes.subarray(start, end))
  } catch {
    return undefined
  }
}

/** @returns fresh bytes, or undefined when the text holds half of a surrogate pair and so has no UTF-8 form. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> | undefined {
  return LONE_SURROGATE.test(text) ? undefined : encoder.encode(text)
}

/** Whether `text` is short and ASCII: one byte for each character, so that a writer can put the characters straight into its buffer. */
export function isShortAscii(text: string): boolean {
  if (text.length > SHORT) return false
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false
  return true
}
