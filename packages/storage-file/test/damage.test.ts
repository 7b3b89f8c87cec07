import { OckamError, type Diagnostics, type StoreErrorCode } from '@ockam/core'
import { beforeAll, describe, expect, it } from 'vitest'
import { fileStoreOn } from '../src/file-store.ts'
import { FILE_HEADER_LENGTH, FRAME_HEADER_LENGTH } from '../src/log-format.ts'
import { SimulatedDisk } from './simulated-disk.ts'

// One log with three commits, damaged in every place it can be.

const LOG = '/store/log'
let intact = new Uint8Array(0)
/** Where the commits begin, and where the last one ends. */
let marks: number[] = []

interface Opening {
  readonly entries?: Readonly<Record<string, number>>
  readonly code?: StoreErrorCode | undefined
  readonly discarded?: unknown
  readonly log: Uint8Array
}

async function diskWith(log: Uint8Array): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const file = await disk.create(LOG)
  await file.write(log, 0)
  return disk
}

/** What happens to a program that finds this log. */
async function openWith(log: Uint8Array): Promise<Opening> {
  const disk = await diskWith(log)
  let discarded: unknown
  const diagnostics: Diagnostics = {
    event: (name, details) => {
      if (name === 'store/tail-discarded') discarded = details?.['bytes']
    },
  }
  const store = fileStoreOn(disk, '/store', { diagnostics })
  try {
    const entries: Record<string, number> = {}
    for await (const { key, value } of store.scan('')) entries[key] = value.length
    return { entries, discarded, log: disk.contentOf(LOG) }
  } catch (error) {
    return { code: OckamError.is<StoreErrorCode>(error) ? error.code : undefined, log: disk.contentOf(LOG) }
  } finally {
    await store.close()
  }
}

beforeAll(async () => {
  const disk = new SimulatedDisk()
  const store = fileStoreOn(disk, '/store')
  for (const key of ['first', 'second', 'third']) {
    await store.set(key, new Uint8Array(key.length))
    marks.push(disk.contentOf(LOG).length)
  }
  await store.close()
  intact = disk.contentOf(LOG).slice()
  marks = [FILE_HEADER_LENGTH, ...marks]
})

const mark = (index: number): number => marks[index] ?? 0
const flipped = (at: number, bits = 0xff): Uint8Array => intact.map((byte, index) => (index === at ? byte ^ bits : byte))
const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))

describe('a log cut short', () => {
  it('loses only the commit that was cut, at every byte of it, and is whole again afterwards', async () => {
    for (let end = mark(2); end < mark(3); end++) {
      const { entries, discarded, log } = await openWith(intact.subarray(0, end))
      expect(entries, `cut at ${end}`).toEqual({ first: 5, second: 6 })
      expect(discarded).toBe(end === mark(2) ? undefined : end - mark(2))
      expect(log).toEqual(intact.subarray(0, mark(2)))
    }
    expect((await openWith(intact)).entries).toEqual({ first: 5, second: 6, third: 5 })
  })

  it('loses only the last commit when the length is there and the data is zeros from any byte on', async () => {
    for (let from = mark(2); from < mark(3); from++) {
      const { entries } = await openWith(intact.map((byte, at) => (at < from ? byte : 0)))
      // Zeros at the end of the value are what was written: nothing is lost then.
      if (entries?.['third'] === undefined) expect(entries, `zeros from ${from}`).toEqual({ first: 5, second: 6 })
      else expect(from).toBeGreaterThanOrEqual(mark(3) - 5)
    }
  })

  it('takes writes again, which are there after reopening', async () => {
    const disk = await diskWith(intact.subarray(0, mark(3) - 1))
    const store = fileStoreOn(disk, '/store')
    await store.set('fourth', new Uint8Array(1))
    await store.close()
    expect((await openWith(disk.contentOf(LOG))).entries).toEqual({ first: 5, second: 6, fourth: 1 })
  })

  it('is damaged beyond a torn write when its own header is cut', async () => {
    for (let end = 0; end < FILE_HEADER_LENGTH; end++) expect((await openWith(intact.subarray(0, end))).code).toBe('store/corrupt')
  })
})

describe('a damaged log', () => {
  it('is refused, and left as it is, when any byte before the last commit differs', async () => {
    for (let at = 0; at < mark(2); at++) {
      const damaged = flipped(at)
      const { code, log } = await openWith(damaged)
      expect(code, `byte ${at}`).toBe('store/corrupt')
      expect(log).toEqual(damaged)
    }
  })

  it('is refused when a commit is missing, doubled, or out of order', async () => {
    const part = (index: number): Uint8Array => intact.subarray(mark(index), mark(index + 1))
    const header = intact.subarray(0, FILE_HEADER_LENGTH)
    const orders = [[1, 2], [0, 2], [1], [0, 0, 1, 2], [0, 1, 2, 2], [0, 1, 2, 0], [0, 2, 1], [2, 1, 0]]
    for (const order of orders) expect((await openWith(joined(header, ...order.map(part)))).code, order.join()).toBe('store/corrupt')
  })

  it('is refused when a hole of zeros or a foreign block lies in the middle', async () => {
    for (const fill of [0, 0xf5]) {
      const damaged = intact.slice().fill(fill, mark(0) + 3, mark(1) + 3)
      expect((await openWith(damaged)).code).toBe('store/corrupt')
    }
  })

  it('is refused when damage is followed by an intact commit more than a read window away', async () => {
    const disk = new SimulatedDisk()
    const store = fileStoreOn(disk, '/store')
    // Full of markers: the search must step over what only looks like a commit.
    const value = new Uint8Array(3 * 1024 * 1024).map((_, at) => [0xf5, 0x4f, 0x4b, 0x46][at % 4] ?? 0)
    await store.set('long', value)
    await store.set('after', new Uint8Array(1))
    await store.close()
    const log = disk.contentOf(LOG)
    expect((await openWith(log)).entries).toEqual({ after: 1, long: value.length })
    // Damage to the header of the long commit, so that its length says nothing.
    const damaged = log.slice()
    damaged[FILE_HEADER_LENGTH + 5] = (damaged[FILE_HEADER_LENGTH + 5] ?? 0) ^ 1
    expect((await openWith(damaged)).code).toBe('store/corrupt')
  })

  it('loses the last commit to damage inside it, which cannot be told from a torn write, and reports that', async () => {
    for (let at = mark(2); at < mark(3); at++) {
      const { entries, discarded } = await openWith(flipped(at))
      expect(entries, `byte ${at}`).toEqual({ first: 5, second: 6 })
      expect(discarded).toBe(mark(3) - mark(2))
    }
  })

  it('does not take commits of another log for its own', async () => {
    const disk = new SimulatedDisk()
    const store = fileStoreOn(disk, '/store')
    for (const key of ['one', 'two', 'three', 'four']) await store.set(key, new Uint8Array(1))
    await store.close()
    const foreign = disk.contentOf(LOG).subarray(FILE_HEADER_LENGTH)
    expect((await openWith(joined(intact, foreign))).entries).toEqual({ first: 5, second: 6, third: 5 })
  })

  it('is refused with a sentence that says which version is needed when a newer program wrote it', async () => {
    const { createHash } = await import('node:crypto')
    const newer = intact.slice()
    newer[11] = 2
    newer.set(createHash('sha256').update(newer.subarray(0, 24)).digest().subarray(0, 8), 24)
    const store = fileStoreOn(await diskWith(newer), '/store')
    await expect(store.get('first')).rejects.toThrow('format version 2')
  })

  it('is not read into memory by what a length field claims', async () => {
    // The header passes its check only if it was written by this store; a claim beyond the end of the file is then a torn write.
    const disk = await diskWith(joined(intact.subarray(0, mark(2)), intact.subarray(mark(2), mark(2) + FRAME_HEADER_LENGTH)))
    const reads: number[] = []
    const open = disk.open.bind(disk)
    disk.open = async (path) => {
      const file = await open(path)
      return { ...file, read: (into, position) => (reads.push(into.length), file.read(into, position)) }
    }
    const store = fileStoreOn(disk, '/store')
    expect(await store.get('second')).toHaveLength(6)
    expect(Math.max(...reads)).toBeLessThanOrEqual(intact.length)
    await store.close()
  })
})
