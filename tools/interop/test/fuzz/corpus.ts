/**
 * Examples that packages keep in `test/rust-verdict.txt`, so that our side can be replayed without Rust: one of each known difference, of each reason for
 * refusing, and of some forms of accepted bytes. One per line: kind, input, our result (`-` refused, `=` the input), Rust's result (`-` refused, `=` as ours),
 * id of the difference.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import type { RustPeer } from '../fixture/rust-peer.ts'
import { type Item, parseFirst } from './cbor-item.ts'
import { type Case, isDifference, type Verdict } from './comparison.ts'
import { TODAY } from './identity-generator.ts'
import { hexOf, type Kind } from './kind.ts'
import { knownDifference } from './known-difference.ts'
import { minimise } from './minimisation.ts'

const OWNERS: readonly (readonly [file: string, kinds: readonly string[]])[] = [
  ['core/test/rust-verdict.txt', ['address', 'route', 'routing-message', 'bare-string', 'multiaddr', 'multiaddr-text']],
  ['secure-channel/test/protocol/rust-verdict.txt', ['channel-message', 'handshake-payload']],
  ['routing/test/rust-verdict.txt', ['api-request', 'api-response']],
  ['portals/test/rust-verdict.txt', ['portal-message']],
  ['credentials/test/abac-rust-verdict.txt', ['expression', 'policy', 'printed-policy', 'expression-text', 'policy-text', 'evaluation']],
  ['identity/test/rust-verdict.txt', ['change-history', 'attestation', 'identity', 'verified-attestation']],
  ['credentials/test/rust-verdict.txt', ['credential', 'verified-credential']],
]

/** What is verified at a time, and about somebody: the packages that keep examples replay them at their time. */
export const DATED_KINDS: readonly string[] = ['verified-attestation', 'verified-credential']

const HEADER = `# Bytes given to us and to a Rust node. Per line: kind, input, our result (- refused, = the input), its result (- refused, = as ours), known difference.
# Results are in the form of tools/interop/test/fuzz/our-decoder.ts. Written by: npm run fuzz -- --examples
`

const folder = new URL('../../../../packages/', import.meta.url)

interface Example {
  readonly kind: Kind
  readonly example: Case
  readonly id: string | undefined
}

/** Examples that both sides agree on are kept up to this length. */
const MAX_AGREED_LENGTH = 700

export class Corpus {
  readonly #examples = new Map<string, Example>()

  /** Keeps the shortest of its like. */
  offer(kind: Kind, example: Case, id: string | undefined): void {
    if (id === undefined && example.input.length > MAX_AGREED_LENGTH) return
    const like = `${kind.name} ${id ?? ('result' in example.ours ? form(kind, example.input, example.ours.result) : reason(example.ours.refusal))}`
    const kept = this.#examples.get(like)
    if (kept === undefined || kept.example.input.length > example.input.length) this.#examples.set(like, { kind, example, id })
  }

  /** @param subjects the histories of those that attestations and credentials are about. */
  async write(peer: RustPeer, subjects: readonly Uint8Array[]): Promise<void> {
    const lines = new Map<string, string[]>()
    for (const { kind, example, id } of this.#examples.values()) {
      const isSame = (other: Case): boolean =>
        isDifference(other) && knownDifference(other)?.id === id && other.direction === example.direction
      // What is refused for its size is as short as it can be when it was made.
      const isMinimised = isDifference(example) && id !== 'policy-limits'
      const { input, ours, rust } = isMinimised ? await minimise(peer, kind, example, isSame) : example
      const [bytes, mine, other] = [hexOf(input), resultOf(ours), resultOf(rust)]
      const line = [kind.name, bytes, mine === bytes ? '=' : mine, mine === other ? '=' : other, ...(id === undefined ? [] : [id])].join(
        ' ',
      )
      lines.set(kind.name, [...(lines.get(kind.name) ?? []), line])
    }
    for (const [file, names] of OWNERS) {
      const isDated = names.some((name) => DATED_KINDS.includes(name))
      const given = isDated ? [`now ${TODAY}`, ...subjects.map((history) => `subject ${hexOf(history)}`)] : []
      const own = names.flatMap((name) => (lines.get(name) ?? []).toSorted((a, b) => a.length - b.length))
      writeFileSync(new URL(file, folder), `${HEADER}${[...given, ...own].join('\n')}\n`)
    }
  }
}

export interface KeptExample {
  readonly kind: string
  readonly input: Uint8Array
  readonly ours: string
  readonly rust: string
  readonly id: string | undefined
}

/** What the packages keep. */
export function keptExamples(): readonly KeptExample[] {
  return OWNERS.flatMap(([file, kinds]) =>
    readFileSync(new URL(file, folder), 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([kind]) => kinds.includes(kind ?? ''))
      .map(([kind = '', bytes = '', mine = '', other = '', id]) => {
        const ours = mine === '=' ? bytes : mine
        return { kind, input: Uint8Array.from(Buffer.from(bytes, 'hex')), ours, rust: other === '=' ? ours : other, id }
      }),
  )
}

/** As it stands in a line: `-` for refused, and for an empty result nothing, which no result is. */
export const resultOf = (verdict: Verdict): string => ('result' in verdict ? verdict.result : '-')

/** The first words of it: what was found instead, or is quoted, would make too many. */
const reason = (refusal: string): string => refusal.replace(/ but found.*|"(?:\\.|[^"\\])*"|\d+|I[0-9a-f]{64}/g, '#')

/** What is unusual about bytes that both accept. */
function form({ name }: Kind, input: Uint8Array, result: string): string {
  // No CBOR: what it is, about how long it is, and of how many parts.
  if (name.startsWith('multiaddr') || name.endsWith('-text')) return `${Math.min(input.length >> 3, 6)}`
  // Of what is evaluated: the operator, and what comes of it.
  if (name === 'evaluation') return `${hexOf(input.subarray(8, 12))} ${result.slice(0, 10)}`
  if (name === 'portal-message') return `${input[0]} ${Math.min(input.length, 8)} ${result.slice(0, 2)}`
  const first = parseFirst(input)
  if (first === undefined) return 'no item'
  const found = new Set<string>(first[1].length > 0 ? ['behind'] : [])
  look(first[0], found)
  return [...found].toSorted((a, b) => a.localeCompare(b)).join(' ')
}

function look(item: Item, found: Set<string>): void {
  if (item.kind === 'raw') return
  if (item.isIndefinite === true) found.add(`indefinite ${item.kind}`)
  if ((item.width ?? 0) > 2) found.add(`long ${item.kind}`)
  if ('items' in item) for (const child of item.items) look(child, found)
  if ('item' in item) look(item.item, found)
}
