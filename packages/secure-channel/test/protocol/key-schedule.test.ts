import type { AeadJob, AeadKey, BatchAeadKey } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { MAX_NONCE, readNonce } from '../../src/protocol/nonce.ts'
import { ReceivingKey } from '../../src/protocol/receiving-key.ts'
import { KEY_INTERVAL, SendingKey } from '../../src/protocol/sending-key.ts'

/** Counts what is asked of it; seals by copying. `generation` tells which key it is. */
class CountingKey implements AeadKey {
  rekeys = 0
  isDestroyed = false
  readonly sealed: number[] = []
  readonly generation: number
  constructor(generation = 0) {
    this.generation = generation
  }
  sealInto(_out: Uint8Array, _outAt: number, _input: Uint8Array, _inAt: number, _length: number, nonce: number): void {
    this.sealed.push(nonce)
  }
  openInto(): boolean {
    return true
  }
  rekey(): CountingKey {
    this.rekeys++
    return new CountingKey(this.generation + 1)
  }
  destroy(): void {
    this.isDestroyed = true
  }
}

function sealOne(sender: SendingKey): number {
  const slab = new Uint8Array(25)
  expect(sender.reserve(1)).toBe(1)
  sender.seal(slab, [{ start: 0, length: 1 }], 1)
  return readNonce(slab, 0)
}

describe('the sending key', () => {
  test('row 18: a million messages use every nonce once and a new key every 32', () => {
    const used: CountingKey[] = []
    class Root extends CountingKey {
      override sealInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number): void {
        super.sealInto(out, outAt, input, inAt, length, nonce)
        if (used.at(-1) !== this) used.push(this)
      }
      override rekey(): CountingKey {
        return new Root(this.generation + 1)
      }
    }
    let newKeys = 0
    const sender = new SendingKey(new Root(), { onNewKey: () => newKeys++ })
    const slab = new Uint8Array(25 * KEY_INTERVAL)
    const jobs = Array.from({ length: KEY_INTERVAL }, (_, i) => ({ start: i * 25, length: 1 }))
    let sent = 0
    while (sent < 1_000_000) {
      const count = sender.reserve(Math.min(7, 1_000_000 - sent))
      sender.seal(slab, jobs, count)
      sent += count
    }
    expect(used).toHaveLength(1_000_000 / KEY_INTERVAL)
    expect(newKeys).toBe(1_000_000 / KEY_INTERVAL - 1)
    for (const [i, key] of used.entries()) {
      expect(key.generation).toBe(i)
      expect(key.sealed.length).toBe(KEY_INTERVAL)
      expect(key.sealed[0]).toBe(i * KEY_INTERVAL)
    }
    expect(used.slice(0, -1).every((key) => key.isDestroyed)).toBe(true)
  })

  test('row 17: near 2^53 it stops with a typed error, keeps one nonce for Close, and never wraps', () => {
    const sender = new SendingKey(new CountingKey(), { firstNonce: MAX_NONCE - 2 })
    expect(sealOne(sender)).toBe(MAX_NONCE - 2)
    expect(() => sender.reserve(1)).toThrowError(expect.objectContaining({ code: 'secure-channel/exhausted' }))
    expect(sender.reserve(1, true)).toBe(1)
    sender.seal(new Uint8Array(25), [{ start: 0, length: 1 }], 1)
    expect(() => sender.reserve(1, true)).toThrowError(expect.objectContaining({ code: 'secure-channel/exhausted' }))
  })

  test('rule 6: without new keys it ends at 2^32 messages', () => {
    const sender = new SendingKey(new CountingKey(), { hasNewKeys: false, firstNonce: 2 ** 32 - 2 })
    expect(sealOne(sender)).toBe(2 ** 32 - 2)
    expect(() => sender.reserve(1)).toThrowError(expect.objectContaining({ code: 'secure-channel/exhausted' }))
  })

  test('regression: reserving again at the end of an interval, with nothing sealed between, makes one new key and not two', () => {
    const root = new CountingKey()
    let newKeys = 0
    const sender = new SendingKey(root, { onNewKey: () => newKeys++ })
    for (let i = 0; i < KEY_INTERVAL; i++) sealOne(sender)
    for (let i = 0; i < 5; i++) expect(sender.reserve(100)).toBe(KEY_INTERVAL)
    expect(newKeys).toBe(1)
    expect(sealOne(sender)).toBe(KEY_INTERVAL)
    for (let i = 1; i < KEY_INTERVAL; i++) sealOne(sender)
    for (let i = 0; i < 5; i++) sender.reserve(1)
    expect(newKeys).toBe(2)
  })

  test('regression: what is sealed after reserving twice is still opened by the peer', () => {
    const { primitives } = softwareVault()
    const secret = new Uint8Array(32).fill(5)
    const sender = new SendingKey(primitives.aeadKey(secret))
    const receiver = new ReceivingKey(primitives.aeadKey(secret))
    for (let nonce = 0; nonce < 3 * KEY_INTERVAL; nonce++) {
      const slab = new Uint8Array(25).fill(7)
      sender.reserve(1)
      sender.reserve(1)
      sender.seal(slab, [{ start: 0, length: 1 }], 1)
      const key = receiver.keyOf(nonce) as AeadKey
      expect(key.openInto(slab, 8, slab, 8, 17, nonce)).toBe(true)
      receiver.accept(nonce)
    }
  })

  test('a batch never crosses into the next key', () => {
    const sender = new SendingKey(new CountingKey(), { firstNonce: 30 })
    expect(sender.reserve(100)).toBe(2)
  })

  test('after it is destroyed nothing can be reserved', () => {
    const sender = new SendingKey(new CountingKey())
    sender.destroy()
    expect(() => sender.reserve(1)).toThrowError(expect.objectContaining({ code: 'secure-channel/exhausted' }))
  })

  test('a vault that seals many at once makes the same bytes as one that cannot', () => {
    const { primitives } = softwareVault()
    const secret = new Uint8Array(32).fill(7)
    const plain = primitives.aeadKey(secret)
    const batches: number[] = []
    const batching: AeadKey & BatchAeadKey = {
      sealInto: (...args) => plain.sealInto(...args),
      openInto: (...args) => plain.openInto(...args),
      rekey: () => plain.rekey(),
      destroy: () => undefined,
      sealMany(slab: Uint8Array, jobs: readonly AeadJob[], firstNonce: number) {
        batches.push(jobs.length)
        for (const [i, { outAt, inAt, length }] of jobs.entries()) plain.sealInto(slab, outAt, slab, inAt, length, firstNonce + i)
      },
      openMany: () => [],
    }
    const jobs = Array.from({ length: 5 }, (_, i) => ({ start: i * 40, length: 16 }))
    const seal = (key: AeadKey): Uint8Array => {
      const slab = new Uint8Array(200).fill(1)
      const sender = new SendingKey(key)
      sender.reserve(5)
      sender.seal(slab, jobs, 5)
      return slab
    }
    expect(seal(batching)).toEqual(seal(primitives.aeadKey(secret)))
    expect(batches).toEqual([5])
  })
})

describe('the receiving key', () => {
  test('rule 13: however many nonces of the next interval arrive, its key is derived once; beyond it, never', () => {
    const root = new CountingKey()
    const receiver = new ReceivingKey(root)
    for (let i = 0; i < 100_000; i++) receiver.keyOf(KEY_INTERVAL + (i % KEY_INTERVAL))
    expect(root.rekeys).toBe(1)
    for (let i = 0; i < 1000; i++) expect(receiver.keyOf(2 * KEY_INTERVAL + i)).toBeUndefined()
    expect(receiver.keyOf(2 ** 40)).toBeUndefined()
    expect(root.rekeys).toBe(1)
  })

  test('the next key becomes current only when a message verified under it, and the previous one is kept for one interval', () => {
    const root = new CountingKey()
    let newKeys = 0
    const receiver = new ReceivingKey(root, () => newKeys++)
    const generationOf = (nonce: number): number | undefined => (receiver.keyOf(nonce) as CountingKey | undefined)?.generation
    expect(generationOf(40)).toBe(1)
    expect(newKeys).toBe(0)
    expect(generationOf(0)).toBe(0)
    receiver.accept(40)
    expect(newKeys).toBe(1)
    expect(generationOf(31)).toBe(0)
    expect(generationOf(70)).toBe(2)
    receiver.accept(70)
    expect(generationOf(31)).toBeUndefined()
    expect(root.isDestroyed).toBe(true)
    expect(generationOf(63)).toBe(1)
  })
})
