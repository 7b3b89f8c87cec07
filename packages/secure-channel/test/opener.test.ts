import type { AeadJob, AeadKey, BatchAeadKey, LocalMessage } from '@ockam/core'
import { Route } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Opener, type Refusal } from '../src/channel/opener.ts'
import { NonceWindow } from '../src/protocol/nonce-window.ts'
import { ReceivingKey } from '../src/protocol/receiving-key.ts'
import { SendingKey } from '../src/protocol/sending-key.ts'

const { primitives } = softwareVault()
const secret = new Uint8Array(32).fill(3)

/** A key that opens many at once, as an accelerated vault would. */
function batching(key: AeadKey, runs: number[]): AeadKey & BatchAeadKey {
  return {
    sealInto: (...args) => key.sealInto(...args),
    openInto: (...args) => key.openInto(...args),
    rekey: () => batching(key.rekey(), runs),
    destroy: () => key.destroy(),
    sealMany: () => undefined,
    openMany(slab: Uint8Array, jobs: readonly AeadJob[], firstNonce: number) {
      runs.push(jobs.length)
      return jobs.map(({ outAt, inAt, length }, i) => key.openInto(slab, outAt, slab, inAt, length, firstNonce + i))
    },
  }
}

/** What the vault can do: open many at once, into given memory only, or into memory of its own. */
type Ability = 'many' | 'into' | 'fresh'

/** A key with nothing but what every vault must have. */
function bare(key: AeadKey): AeadKey {
  return {
    sealInto: (...args) => key.sealInto(...args),
    openInto: (...args) => key.openInto(...args),
    rekey: () => bare(key.rekey()),
    destroy: () => key.destroy(),
  }
}

/** Ciphertexts of 0, 1, 2 … in one chunk, as a socket reads them. */
function chunkOf(count: number): Uint8Array<ArrayBuffer>[] {
  const sender = new SendingKey(primitives.aeadKey(secret))
  const slab = new Uint8Array(count * 28)
  for (let i = 0; i < count; i++) {
    new DataView(slab.buffer).setUint32(i * 28 + 8, i)
    sender.reserve(1)
    sender.seal(slab, [{ start: i * 28, length: 4 }], 1)
  }
  return Array.from({ length: count }, (_, i) => slab.subarray(i * 28, (i + 1) * 28))
}

function openAll(payloads: readonly Uint8Array[], isExclusive: boolean, ability: Ability) {
  const opened: number[] = []
  const refused: Refusal[] = []
  const runs: number[] = []
  const key = primitives.aeadKey(secret)
  const opener = new Opener({
    primitives,
    window: new NonceWindow(),
    key: new ReceivingKey(ability === 'many' ? batching(key, runs) : ability === 'into' ? bare(key) : key),
    onOpened: (_message, _nonce, bytes, start, end) => {
      expect(end - start).toBe(4)
      opened.push(new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(0))
    },
    onRefused: (_message, refusal) => void refused.push(refusal),
  })
  const messages = payloads.map((payload) => ({ payload, isExclusive, returnRoute: Route.empty }) as LocalMessage)
  for (let at = 0; at < messages.length; ) at += opener.open(messages, at)
  return { opened, refused, runs }
}

describe('opening what waits', () => {
  test('one by one, many at once, in place or into fresh memory: the same comes out', () => {
    const all = Array.from({ length: 100 }, (_, i) => i)
    for (const [isExclusive, ability] of [
      [true, 'many'],
      [true, 'into'],
      [false, 'many'],
      [false, 'into'],
      [true, 'fresh'],
      [false, 'fresh'],
    ] as const) {
      const { opened, refused, runs } = openAll(chunkOf(100), isExclusive, ability)
      expect(opened).toEqual(all)
      expect(refused).toEqual([])
      expect(runs).toEqual(isExclusive && ability === 'many' ? [32, 32, 32, 4] : [])
    }
  })

  test('what is not exclusive is left as it was', () => {
    const payloads = chunkOf(3)
    const before = payloads.map((payload) => payload.slice())
    for (const ability of ['many', 'into', 'fresh'] as const) openAll(payloads, false, ability)
    expect(payloads.map((payload) => payload.slice())).toEqual(before)
  })

  test('forgeries, repetitions and disorder within a chunk: many at once refuses exactly what one by one refuses', () => {
    const step = fc.record({ nonce: fc.nat(80), isForged: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const make = (): Uint8Array[] => {
          const source = chunkOf(81)
          const chunk = new Uint8Array(steps.length * 28)
          for (const [i, { nonce, isForged }] of steps.entries()) {
            chunk.set(source[nonce] as Uint8Array, i * 28)
            if (isForged) chunk[i * 28 + 20] = (chunk[i * 28 + 20] as number) ^ 1
          }
          return steps.map((_, i) => chunk.subarray(i * 28, (i + 1) * 28))
        }
        const single = openAll(make(), true, 'into')
        const many = openAll(make(), true, 'many')
        const fresh = openAll(make(), true, 'fresh')
        expect(many.opened).toEqual(single.opened)
        expect(many.refused).toEqual(single.refused)
        expect(fresh).toEqual(single)
      }),
      { numRuns: 200 },
    )
  })
})
