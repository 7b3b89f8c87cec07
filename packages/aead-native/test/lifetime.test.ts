/** How keys and the addon end: collected without being destroyed, in workers that are terminated, in many threads at once. */

import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { addonFile, algorithms, isBuilt, nativeKey, open, secret } from './addon.ts'

const MEBIBYTE = 2 ** 20
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A worker that is a few lines of JavaScript; `load()` gives it the addon. */
function startWorker(program: string): Worker {
  const load = `const load = () => require(${JSON.stringify(addonFile())}); const { parentPort } = require('node:worker_threads');`
  return new Worker(`${load}\n${program}`, { eval: true })
}
const message = (worker: Worker) =>
  new Promise<unknown>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })

describe.skipIf(!isBuilt)('keys', () => {
  test('that were dropped are collected: 200,000 of them do not pile up', async () => {
    const addon = open()
    const before = process.memoryUsage().rss
    let highest = before
    for (let i = 0; i < 200_000; i++) {
      addon.create(secret, i & 1)
      if (i % 500 !== 0) continue
      // What was collected is wiped between turns.
      await nextTurn()
      highest = Math.max(highest, process.memoryUsage().rss)
    }
    // All of them together would be over 200 MiB.
    expect(highest - before).toBeLessThan(100 * MEBIBYTE)
  })

  test('that were destroyed give their memory back at once, in one turn', () => {
    let key = nativeKey('aes-256-gcm')
    const before = process.memoryUsage().rss
    for (let i = 0; i < 200_000; i++) {
      const next = key.rekey() as typeof key
      key.destroy()
      key = next
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MEBIBYTE)
  })

  test('that lived for a while and were dropped then are collected too', async () => {
    const addon = open()
    const ring = Array.from({ length: 20_000 }, () => addon.create(secret, 0))
    const before = process.memoryUsage().rss
    let highest = before
    for (let i = 0; i < 300_000; i++) {
      ring[i % ring.length] = addon.create(secret, i & 1)
      if (i % 500 !== 0) continue
      await nextTurn()
      highest = Math.max(highest, process.memoryUsage().rss)
    }
    // All of them together would be over 350 MiB.
    expect(highest - before).toBeLessThan(200 * MEBIBYTE)
  })

  test('of one thread leave those of another alone, while workers come and go', async () => {
    const key = nativeKey('chacha20-poly1305')
    const expected = new Uint8Array(116)
    key.sealInto(expected, 0, expected, 0, 100, 7)
    for (let round = 0; round < 5; round++) {
      const workers = Array.from({ length: 4 }, () =>
        startWorker(`
          const addon = load()
          const key = addon.create(Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1), 1)
          const dropped = Array.from({ length: 100 }, () => addon.create(new Uint8Array(32), 0))
          const buffer = new Uint8Array(116)
          addon.seal(key, buffer, 0, 0, 100, 7)
          parentPort.postMessage(buffer)`),
      )
      const answers = await Promise.all(workers.map(message))
      for (const answer of answers) expect(answer).toEqual(expected)
      await Promise.all(workers.map((worker) => worker.terminate()))
    }
    expect(key.openInto(expected, 0, expected, 0, 116, 7)).toBe(true)
  })

  test('of a worker that is terminated in the middle of its batches take nothing along', async () => {
    for (let round = 0; round < 5; round++) {
      const worker = startWorker(`
        const addon = load()
        const key = addon.create(new Uint8Array(32), 0)
        const slab = new Uint8Array(2 ** 20)
        const jobs = new Float64Array(3 * 64)
        parentPort.postMessage('begun')
        for (let nonce = 0; ; nonce += 64) {
          for (let i = 0; i < 64; i++) jobs.set([i * 16384, i * 16384, 16000], 3 * i)
          if (addon.sealMany(key, slab, jobs, 64, nonce) !== 0) throw new Error('failed')
        }`)
      expect(await message(worker)).toBe('begun')
      await worker.terminate()
    }
    for (const algorithm of algorithms) {
      const buffer = new Uint8Array(48)
      nativeKey(algorithm).sealInto(buffer, 0, buffer, 0, 32, 0)
      expect(nativeKey(algorithm).openInto(buffer, 0, buffer, 0, 48, 0)).toBe(true)
    }
  })

  test('handed to another thread are nothing there', async () => {
    const worker = startWorker(
      `parentPort.on('message', (value) => parentPort.postMessage(load().seal(value, new Uint8Array(16), 0, 0, 0, 0)))`,
    )
    expect(() => worker.postMessage(open().create(secret, 0))).toThrow(/could not be cloned/)
    worker.postMessage({})
    expect(await message(worker)).toBe(3)
    await worker.terminate()
  })
})
