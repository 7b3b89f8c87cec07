/** Gives the same bytes to both sides and says where they differ. */

import { OckamError } from '@ockam/core'
import type { RustPeer } from '../fixture/rust-peer.ts'
import { encode, type Item } from './cbor-item.ts'
import { hexOf, type Kind, resultText } from './kind.ts'

/** What one side makes of the bytes: a result in the common form, or why it refuses. */
export type Verdict = { readonly result: string } | { readonly refusal: string }

/** Who accepts: us alone (`looser`), the Rust peer alone (`stricter`), or both, with other results (`other`). */
export type Direction = 'looser' | 'stricter' | 'other'

export interface Case {
  readonly kind: string
  readonly input: Uint8Array
  readonly ours: Verdict
  readonly rust: Verdict
  /** Left out: both agree. */
  readonly direction?: Direction
}

export type Difference = Case & { readonly direction: Direction }

export const isDifference = (one: Case): one is Difference => one.direction !== undefined

export async function compare(peer: RustPeer, kind: Kind, inputs: readonly Uint8Array[]): Promise<readonly Case[]> {
  const asked = peer.ask('decode', { kind: kind.name, items: inputs.map(hexOf), ...kind.details })
  const verdicts: Verdict[] = []
  for (const input of inputs) verdicts.push(await ourVerdict(kind, input))
  const { results } = await asked
  if (results.length !== inputs.length) throw new Error(`The Rust peer answers ${results.length} of ${inputs.length} items.`)
  return inputs.map((input, at) => {
    const ours = verdicts[at] as Verdict
    const rust = rustVerdict(kind, results[at] ?? {})
    const direction = difference(ours, rust)
    return { kind: kind.name, input, ours, rust, ...(direction === undefined ? {} : { direction }) }
  })
}

async function ourVerdict(kind: Kind, input: Uint8Array): Promise<Verdict> {
  try {
    return { result: resultText(await kind.decode(input)) }
  } catch (error) {
    if (OckamError.is(error)) return { refusal: reasons(error) }
    // Anything but an error of ours would be a defect; the known one stands for a subject nobody has.
    if (error instanceof Error && error.message === 'nothing is known of the subject') return { refusal: error.message }
    throw new Error(`Our decoder of ${kind.name} fails in another way than by refusing: ${hexOf(input)}`, { cause: error })
  }
}

function reasons(error: Error): string {
  return error.cause instanceof Error ? `${error.message} ${reasons(error.cause)}` : error.message
}

function rustVerdict(kind: Kind, { ok, error }: { readonly ok?: string; readonly error?: { readonly message: string } }): Verdict {
  if (ok === undefined) return { refusal: error?.message ?? 'without a reason' }
  return { result: kind.answer === undefined ? ok : shortest(kind.answer(Uint8Array.from(Buffer.from(ok, 'hex')))) }
}

const shortest = (item: Item): string => hexOf(encode(item))

function difference(ours: Verdict, rust: Verdict): Direction | undefined {
  if ('result' in ours) return 'result' in rust ? (ours.result === rust.result ? undefined : 'other') : 'looser'
  return 'result' in rust ? 'stricter' : undefined
}
