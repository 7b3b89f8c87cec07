/** Bytes as lower-case hexadecimal digits. */

import { textOf } from './byte-text.ts'

const DIGITS: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))

/** Two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  const codes = new Array<number>(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    codes[2 * i] = DIGITS[byte >> 4] as number
    codes[2 * i + 1] = DIGITS[byte & 15] as number
  }
  return textOf(codes)
}
