/**
 * IP addresses as text and bytes. IPv4 is four decimal numbers without leading zeros; IPv6 is RFC 4291 section 2.2 when read and RFC 5952 when
 * written. Zones (`%eth0`) name an interface of one machine and are refused.
 */

/** @returns 4 bytes, or undefined when the text is not a dotted quad. */
export function parseIp4(text: string): Uint8Array<ArrayBuffer> | undefined {
  const parts = text.split('.', 5)
  if (parts.length !== 4) return undefined
  const bytes = new Uint8Array(4)
  for (const [i, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined
    bytes[i] = Number(part)
  }
  return bytes
}

export function formatIp4(bytes: Uint8Array): string {
  return bytes.join('.')
}

/** @returns 16 bytes, or undefined when the text is not an IPv6 address. */
export function parseIp6(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length > 45) return undefined
  const halves = text.split('::', 3)
  if (halves.length > 2) return undefined
  const isShortened = halves.length === 2
  const front = parseGroups(halves[0] as string, !isShortened)
  const back = isShortened ? parseGroups(halves[1] as string, true) : []
  if (front === undefined || back === undefined) return undefined
  const missing = 16 - front.length - back.length
  if (isShortened ? missing < 2 : missing !== 0) return undefined
  const bytes = new Uint8Array(16)
  bytes.set(front)
  bytes.set(back, 16 - back.length)
  return bytes
}

/** Groups of hexadecimal digits between single colons; the last may be an IPv4 address where `mayEndInIp4`. */
function parseGroups(text: string, mayEndInIp4: boolean): readonly number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':', 9)
  for (const [i, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
      continue
    }
    const ip4 = mayEndInIp4 && i === groups.length - 1 ? parseIp4(group) : undefined
    if (ip4 === undefined) return undefined
    bytes.push(...ip4)
  }
  return bytes
}

/** RFC 5952: lower case, no leading zeros, `::` for the first longest run of two or more zero groups, `::ffff:` addresses with an IPv4 tail. */
export function formatIp6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number))
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return `::ffff:${formatIp4(bytes.subarray(12))}`
  let start = 0
  let length = 1
  for (let i = 0; i < 8; i++) {
    let end = i
    while (end < 8 && groups[end] === 0) end++
    if (end - i > length) {
      start = i
      length = end - i
    }
  }
  const text = groups.map((group) => group.toString(16))
  if (length < 2) return text.join(':')
  return `${text.slice(0, start).join(':')}::${text.slice(start + length).join(':')}`
}
