/**
 * The names a MultiAddr is made of, as a table that is handed to the parser: each transport plug-in brings its own, and there is no registry that
 * code could change behind another's back.
 */

import { OckamError } from '../error.ts'

/**
 * How the value after a name is written.
 * - `port`: decimal, 0 to 65535; two bytes.
 * - `ip4`, `ip6`: an address; 4 or 16 bytes.
 * - `text`: anything up to the next slash, nothing escaped; length and UTF-8.
 * - `encoded-text`: the same, percent-encoded when written, so that it can hold slashes. Only for names that no Rust node knows.
 */
export type MultiAddrValueKind = 'port' | 'ip4' | 'ip6' | 'text' | 'encoded-text'

/** One name. Names and codes are each used once in a table. */
export interface MultiAddrProtocol {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string
  /** The number in the binary form, 0 to 2^32-1. */
  readonly code: number
  readonly value: MultiAddrValueKind
}

/** The names the Rust nodes know, with their codes. */
export const multiAddrProtocols: readonly MultiAddrProtocol[] = Object.freeze(
  (
    [
      { name: 'ip4', code: 4, value: 'ip4' },
      { name: 'tcp', code: 6, value: 'port' },
      { name: 'ip6', code: 41, value: 'ip6' },
      { name: 'dnsaddr', code: 56, value: 'text' },
      { name: 'service', code: 62_526, value: 'text' },
      { name: 'node', code: 72_526, value: 'text' },
      { name: 'project', code: 82_526, value: 'text' },
      { name: 'space', code: 92_526, value: 'text' },
      { name: 'secure', code: 99_526, value: 'text' },
      { name: 'worker', code: 102_526, value: 'text' },
    ] satisfies MultiAddrProtocol[]
  ).map((protocol) => Object.freeze(protocol)),
)

/**
 * Puts tables together, such as `multiAddrProtocols` and those of the transports in use. The same protocol may come twice.
 * @throws {OckamError} `core/invalid-argument` when two disagree about a name or a code, or one is malformed.
 */
export function mergeMultiAddrProtocols(...tables: readonly (readonly MultiAddrProtocol[])[]): readonly MultiAddrProtocol[] {
  const merged: MultiAddrProtocol[] = []
  for (const protocol of tables.flat()) {
    if (
      !/^[a-z0-9][a-z0-9-]{0,31}$/.test(protocol.name) ||
      !Number.isInteger(protocol.code) ||
      protocol.code < 0 ||
      protocol.code > 0xffff_ffff
    ) {
      throw new OckamError(
        'core/invalid-argument',
        `"${protocol.name}" with code ${protocol.code} is not a MultiAddr protocol: a name in lower case and a code of 32 bits are needed.`,
      )
    }
    const known = merged.find(({ name, code }) => name === protocol.name || code === protocol.code)
    if (known === undefined) merged.push(protocol)
    else if (known.name !== protocol.name || known.code !== protocol.code || known.value !== protocol.value) {
      throw new OckamError(
        'core/invalid-argument',
        `Two MultiAddr protocols collide: ${show(known)} and ${show(protocol)}. Use only one of the plug-ins that bring them.`,
      )
    }
  }
  return merged
}

function show({ name, code, value }: MultiAddrProtocol): string {
  return `/${name} (code ${code}, ${value})`
}
