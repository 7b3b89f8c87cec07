/** Bytes written as hexadecimal digits, spaces and line breaks ignored. */
export function hex(digits: string): Uint8Array<ArrayBuffer> {
  const packed = digits.replace(/\s/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(packed)) throw new TypeError(`not hexadecimal: ${digits}`)
  return Uint8Array.from(packed.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
