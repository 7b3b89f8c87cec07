import type { AeadJob, AeadKey, BatchAeadKey, FreshAeadKey, LocalMessage } from '@ockam/core'
import { Route } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeyExchangeReceiver } from '../src/channel/key-exchange-receiver.ts'
import { Opener, type Refusal } from '../src/channel/opener.ts'
import { NonceWindow } from '../src/protocol/nonce-window.ts'
import { ReceivingKey } from '../src/protocol/receiving-key.ts'
import { SendingKey } from '../src/protocol/sending-key.ts'
import { almostTrue, type KeyChange, plugInKey } from './plug-in-vault.ts'

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
const bare = (key: AeadKey): AeadKey => plugInKey(key, () => ({}))

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

describe('a vault that does not keep its promise (row 26)', () => {
  const brokenOpener = (broken: ReturnType<KeyChange>) => {
    const opened: number[] = []
    const refused: Refusal[] = []
    const window = new NonceWindow()
    const opener = new Opener({
      primitives,
      window,
      key: new ReceivingKey(plugInKey(primitives.aeadKey(secret), () => broken)),
      onOpened: (_message, nonce) => void opened.push(nonce),
      onRefused: (_message, refusal) => void refused.push(refusal),
    })
    return { opener, opened, refused, window }
  }
  const messagesOf = (payloads: readonly Uint8Array[], isExclusive: boolean): LocalMessage[] =>
    payloads.map((payload) => ({ payload, isExclusive, returnRoute: Route.empty }) as LocalMessage)

  test('row 26: a promise or any other answer than true opens nothing, in place, as a copy, in a batch, or for the decryption service', () => {
    for (const answer of almostTrue) {
      const openInto = (): unknown => answer
      for (const [isExclusive, broken] of [
        [true, { openInto }],
        [false, { openInto }],
        [true, { openInto, openMany: (_slab: Uint8Array, jobs: readonly AeadJob[]) => jobs.map(() => answer) }],
        [true, { openInto, openMany: () => Promise.resolve([true, true, true]) }],
      ] as const) {
        const { opener, opened, refused, window } = brokenOpener(broken)
        const messages = messagesOf(chunkOf(3), isExclusive)
        for (let at = 0; at < messages.length; ) at += opener.open(messages, at)
        expect(opened).toEqual([])
        expect(refused).toEqual(['forged', 'forged', 'forged'])
        expect(window.judge(0)).toBe('fresh')
      }
      const [ciphertext] = chunkOf(1) as [Uint8Array]
      expect(brokenOpener({ openInto }).opener.openOne(ciphertext)).toBe('forged')
      const key = plugInKey(primitives.aeadKey(secret), () => ({ openInto }))
      expect(new KeyExchangeReceiver({ primitives, key, onRefused: () => undefined }).openOne(ciphertext)).toBe('forged')
    }
  })

  test.each<[string, unknown]>([
    ['a promise', Promise.resolve(new Uint8Array(4))],
    ['true', true],
    ['null', null],
    ['an ordinary array', [0, 0, 0, 0]],
    ['a byte too few', new Uint8Array(3)],
    ['the tag too', new Uint8Array(20)],
    ['nothing', new Uint8Array(0)],
  ])('row 26: fresh plaintext that cannot be one is a typed failure and opens nothing: %s', (_, answer) => {
    const { opener, opened, refused, window } = brokenOpener({ openFresh: (): unknown => answer })
    expect(() => opener.open(messagesOf(chunkOf(1), false), 0)).toThrowError(
      expect.objectContaining({ code: 'secure-channel/vault-failed' }),
    )
    expect([opened, refused]).toEqual([[], []])
    expect(window.judge(0)).toBe('fresh')
  })

  test('fresh plaintext of the right length is taken', () => {
    const real = primitives.aeadKey(secret) as AeadKey & FreshAeadKey
    const { opener, opened } = brokenOpener({ openFresh: (...args: Parameters<FreshAeadKey['openFresh']>) => real.openFresh(...args) })
    opener.open(messagesOf(chunkOf(1), false), 0)
    expect(opened).toEqual([0])
  })
})
