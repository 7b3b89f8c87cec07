/** Texts as a Rust node writes them: what its own echo of strings returns, and upper case. */

import { hex, rust, utf8 } from '../../../interop/test/fixture/world.ts'
import type { Recording } from './recording.ts'

const TEXTS = ['', 'hello', 'Grüße, 世界 🌍', 'a'.repeat(127), 'a'.repeat(128), 'ǆ'.repeat(200)]

export async function recordBareStrings(): Promise<Recording> {
  const { peer } = await rust()
  await peer.ask('worker.start', { address: 'strings', kind: 'string-echo' })
  await peer.ask('worker.start', { address: 'uppercase', kind: 'uppercase' })
  const cases: object[] = []
  for (const text of TEXTS) {
    const payload = hex(bare(utf8(text)))
    const echoed = await peer.ask('message.request', { route: ['strings'], payload })
    const upper = await peer.ask('message.request', { route: ['uppercase'], payload })
    cases.push({ text, encoded: echoed.payload, upper: upper.payload })
  }
  return {
    file: 'packages/core/test/vectors/rust/bare-string.json',
    content: 'Texts in BARE as a Rust node decodes and encodes them: returned by its echo of strings, and by its upper case service.',
    notes: [],
    cases,
  }
}

/** The length as unsigned LEB128, and the bytes. */
function bare(content: Uint8Array): Uint8Array {
  const head: number[] = []
  let rest = content.length
  for (; rest >= 0x80; rest >>= 7) head.push((rest & 0x7f) | 0x80)
  return Uint8Array.of(...head, rest, ...content)
}
