/** What the tests about policies share: hexadecimal, messages with an identity behind them, readers of attributes, diagnostics that remember. */

import {
  Address,
  type ChannelPeerInfo,
  type DiagnosticDetails,
  type Diagnostics,
  Identifier,
  type LocalMessage,
  NO_LOCAL_INFO,
  Route,
} from '@ockam/core'
import type { AttributeReader, Attributes } from '../src/abac/index.ts'

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

export function fromHex(spaced: string): Uint8Array {
  const digits = spaced.replaceAll(/\s/g, '')
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) => Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16))
}

export const ALICE: Identifier = Identifier.fromBytes(new Uint8Array(32).fill(0xa1))
export const BOB: Identifier = Identifier.fromBytes(new Uint8Array(32).fill(0xb0))

/** As it comes out of a channel with `peer`; undefined: it came through none. */
export function messageFrom(peer: Identifier | undefined): LocalMessage {
  const info: ChannelPeerInfo | undefined = peer === undefined ? undefined : { kind: 'channel-peer', identifier: peer }
  return {
    onwardRoute: Route.of('worker'),
    returnRoute: Route.of('claimed'),
    payload: new Uint8Array(0),
    localInfo: info === undefined ? NO_LOCAL_INFO : [info],
    source: Address.local('decryptor'),
    origin: undefined,
    forwards: 0,
    isExclusive: false,
  }
}

export const attributes = (values: Readonly<Record<string, string | Uint8Array>>): Attributes =>
  new Map(Object.entries(values).map(([key, value]) => [key, typeof value === 'string' ? new TextEncoder().encode(value) : value]))

/** Nothing is attested of those who are not in it. */
export function readerOf(known: readonly (readonly [Identifier, Readonly<Record<string, string | Uint8Array>>])[]): AttributeReader {
  const all = new Map(known.map(([identifier, values]) => [identifier.toString(), attributes(values)]))
  return { attributes: (identifier) => all.get(identifier.toString()) }
}

export class RecordedDiagnostics implements Diagnostics {
  readonly events: (DiagnosticDetails & { readonly name: string })[] = []

  event(name: string, details: DiagnosticDetails = {}): void {
    this.events.push({ name, ...details })
  }
}
