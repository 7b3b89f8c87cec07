/**
 * A recording: what was captured from Rust nodes, and the file in which a package keeps it. What nodes make up on the way is replaced by fixed values of
 * the same length, so that the same conversation is the same file whenever it is recorded.
 */

import type { Answer } from '../../../interop/test/fixture/rust-peer.ts'

export interface Recording {
  /** From the repository's root. */
  readonly file: string
  /** One sentence about what is in there. */
  readonly content: string
  /** What is not the same whenever it is recorded, and why. Cases that are not have `changes: true`. */
  readonly notes: readonly string[]
  readonly cases: readonly object[]
}

/** How a recording stands in its file. */
export interface VectorFile {
  readonly provenance: {
    readonly content: string
    readonly command: string
    readonly crates: Readonly<Record<string, string>>
    readonly notes: readonly string[]
  }
  readonly cases: readonly object[]
}

export function vectorFile({ content, notes, cases }: Recording, crates: Answer['crates']): VectorFile {
  return { provenance: { content, command: 'npm run capture', crates, notes }, cases }
}

/** What must be the same in every recording: everything, but of a case that changes only its form, with lengths in place of bytes. */
export function comparable({ provenance, cases }: VectorFile): unknown {
  return { provenance, cases: cases.map((one) => ('changes' in one ? formOf(one) : one)) }
}

function formOf(value: unknown): unknown {
  if (typeof value === 'string') return /^([0-9a-f]{2}){8,}$/.test(value) ? `${value.length / 2} bytes` : value
  if (typeof value === 'number') return 'a number'
  if (Array.isArray(value)) return value.map(formOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, formOf(inner)]))
}

/** Addresses that nodes make up have 32 hexadecimal digits; each becomes its number, in order of appearance. */
export class AddressNames {
  readonly #known = new Map<string, string>()

  /** @param bytes any bytes with such addresses in them. @returns hexadecimal. */
  fix(bytes: Uint8Array): string {
    const text = Buffer.from(bytes).toString('latin1')
    return Buffer.from(
      text.replaceAll(/[0-9a-f]{32}/g, (name) => this.#nameOf(name)),
      'latin1',
    ).toString('hex')
  }

  #nameOf(name: string): string {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const fixed = String(this.#known.size + 1).padStart(32, '0')
    this.#known.set(name, fixed)
    return fixed
  }
}

/** 32 bytes that count up from `first`: the secrets of all recordings. */
export const secret = (first: number): string => Buffer.from(Array.from({ length: 32 }, (_, at) => (first + at) & 0xff)).toString('hex')

/** Seconds since 1970: 14 November 2023 and 2 October 2096. */
export const FROM = 1_700_000_000
export const UNTIL = 4_000_000_000

/** Waits for what a peer does without telling. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + 20_000; !condition(); ) {
    if (performance.now() > deadline) throw new Error(`This did not happen within 20 s: ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A frame with its length in front, in hexadecimal. @param message hexadecimal; spaces are for people. */
export function framed(message: string): string {
  const bytes = message.replaceAll(' ', '')
  return (bytes.length / 2).toString(16).padStart(8, '0') + bytes
}
