/**
 * The value after a name of a MultiAddr, in its three forms: as people write it, as programs use it, and in bytes. Text that could not be written
 * and read back (a slash, a control character) is refused in all of them, so that an address never changes its meaning on the way.
 */

import type { BareReader } from '../bare/bare-reader.ts'
import type { BareWriter } from '../bare/bare-writer.ts'
import { formatIp4, formatIp6, parseIp4, parseIp6 } from './ip.ts'
import type { MultiAddrValueKind } from './protocol.ts'

/** A port as it is printed: no sign, no leading zeros. */
const PORT = /^(0|[1-9]\d{0,4})$/
const LONE_SURROGATE = /\p{Surrogate}/u
const UNWRITABLE = /[/\p{Control}\p{Surrogate}]/u

/** What each kind of value is, for error messages. */
export const VALUE_NAMES: Readonly<Record<MultiAddrValueKind, string>> = {
  port: 'a port from 0 to 65535',
  ip4: 'an IPv4 address',
  ip6: 'an IPv6 address',
  text: 'text without control characters',
  'encoded-text': 'percent-encoded text',
}

/** @returns the value in its canonical form (`::1` for `0:0:0:0:0:0:0:1`), or undefined when it is not of this kind. */
export function parseValue(kind: MultiAddrValueKind, written: string): string | undefined {
  switch (kind) {
    case 'port':
      return PORT.test(written) && Number(written) <= 0xffff ? written : undefined
    case 'ip4':
      return parseIp4(written) === undefined ? undefined : written
    case 'ip6': {
      const bytes = parseIp6(written)
      return bytes === undefined ? undefined : formatIp6(bytes)
    }
    case 'text':
      return isPlainText(written) ? written : undefined
    case 'encoded-text':
      try {
        return LONE_SURROGATE.test(written) ? undefined : decodeURIComponent(written)
      } catch {
        return undefined
      }
  }
}

/** The value as people write it. */
export function formatValue(kind: MultiAddrValueKind, value: string): string {
  return kind === 'encoded-text' ? encodeURIComponent(value) : value
}

/** @param value canonical. */
export function writeValue(writer: BareWriter, kind: MultiAddrValueKind, value: string): void {
  switch (kind) {
    case 'port':
      writer.u8(Number(value) >> 8).u8(Number(value) & 0xff)
      return
    case 'ip4':
      writer.raw(parseIp4(value) as Uint8Array)
      return
    case 'ip6':
      writer.raw(parseIp6(value) as Uint8Array)
      return
    default:
      writer.string(value)
  }
}

/** @returns the canonical value, or undefined for text that has no written form. @throws {OckamError} `core/invalid-bare` */
export function readValue(reader: BareReader, kind: MultiAddrValueKind): string | undefined {
  switch (kind) {
    case 'port':
      return String(reader.u8() * 256 + reader.u8())
    case 'ip4':
      return formatIp4(readBytes(reader, 4))
    case 'ip6':
      return formatIp6(readBytes(reader, 16))
    case 'text': {
      const text = reader.string()
      return isPlainText(text) ? text : undefined
    }
    case 'encoded-text':
      return reader.string()
  }
}

function isPlainText(text: string): boolean {
  return !UNWRITABLE.test(text)
}

function readBytes(reader: BareReader, count: number): Uint8Array {
  const bytes = new Uint8Array(count)
  for (let i = 0; i < count; i++) bytes[i] = reader.u8()
  return bytes
}
