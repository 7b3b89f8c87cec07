/** Bytes as lower-case hexadecimal digits. */

const DIGITS: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
/** Arguments of one call, of which an engine takes only so many. */
const CHUNK = 512

/**
 * Two digits a byte. Made in one piece: text that is put together bit by bit stays a tree of its bits in V8, forty times the size, for as long as
 * nobody compares it.
 */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let from = 0; from < bytes.length; from += CHUNK) {
    const count = Math.min(CHUNK, bytes.length - from)
    const codes = new Array<number>(2 * count)
    for (let i = 0; i < count; i++) {
      const byte = bytes[from + i] as number
      codes[2 * i] = DIGITS[byte >> 4] as number
      codes[2 * i + 1] = DIGITS[byte & 15] as number
    }
    text += String.fromCharCode.apply(undefined, codes)
  }
  return text
}
