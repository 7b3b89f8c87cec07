import { OckamError, type Store } from '@ockam/core'
import { describe, expect, it } from 'vitest'
import { fileStoreOn, type FileStoreOptions } from '../src/file-store.ts'
import { diskError, type Operation, SimulatedDisk } from './simulated-disk.ts'

// A medium that refuses: what was acknowledged stays, what was refused is not there, and the error says which it was.

const LOG = '/store/log'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function entries(store: Store): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const { key, value } of store.scan('')) found[key] = new TextDecoder().decode(value)
  return found
}

async function reopened(disk: SimulatedDisk): Promise<Record<string, string>> {
  const store = fileStoreOn(disk, '/store')
  const found = await entries(store)
  await store.close()
  return found
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome: unknown = await promise.catch((error: unknown) => error)
  return OckamError.is(outcome) ? outcome.code : `no OckamError but ${String(outcome)}`
}

/** A store with one entry, and the names of the diagnostics events it reported. */
async function storeOn(disk: SimulatedDisk, options: FileStoreOptions = {}): Promise<{ store: Store; events: string[] }> {
  const events: string[] = []
  const store = fileStoreOn(disk, '/store', { ...options, diagnostics: { event: (name) => events.push(name) } })
  await store.set('kept', bytes('1'))
  return { store, events }
}

/** Makes an operation fail while `isFailing` says so. */
function failing(disk: SimulatedDisk, operation: Operation, code: string, path?: string): { isOn: boolean } {
  const fault = { isOn: true }
  const { before } = disk
  disk.before = (each, at) => {
    before(each, at)
    if (fault.isOn && each === operation && (path === undefined || at === path)) throw diskError(code)
  }
  return fault
}

describe('a disk that is full', () => {
  it.each([0, 0.5, 1])('refuses the write, keeps what was there, and goes on when there is room again (part written: %d)', async (part) => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    const before = disk.contentOf(LOG).slice()
    const fault = failing(disk, 'write', 'ENOSPC')
    disk.partOfFailedWrite = part
    const refused = [store.set('lost', bytes('2')), store.delete('kept'), store.batch([{ kind: 'set', key: 'lost', value: bytes('3') }])]
    for (const write of refused) {
      expect(await codeOf(write)).toBe('store/write-failed')
    }
    await expect(store.set('lost', bytes('2'))).rejects.toThrow('ENOSPC')
    expect(await entries(store)).toEqual({ kept: '1' })
    expect(disk.contentOf(LOG)).toEqual(before)
    fault.isOn = false
    await store.set('later', bytes('4'))
    await store.close()
    expect(await reopened(disk)).toEqual({ kept: '1', later: '4' })
  })

  it('takes no more writes when even cutting off the failed one fails, and says so', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    disk.partOfFailedWrite = 0.5
    const faults = [failing(disk, 'write', 'EIO'), failing(disk, 'truncate', 'EIO')]
    expect(await codeOf(store.set('lost', bytes('2')))).toBe('store/write-failed')
    for (const fault of faults) fault.isOn = false
    await expect(store.set('later', bytes('3'))).rejects.toThrow('takes no more writes')
    expect(await entries(store)).toEqual({ kept: '1' })
    await store.close()
    expect(await reopened(disk)).toEqual({ kept: '1' })
  })
})

describe('a disk that cannot sync', () => {
  it('makes the store read-only until it is reopened, because asking again proves nothing', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    const fault = failing(disk, 'sync', 'EIO')
    expect(await codeOf(store.set('lost', bytes('2')))).toBe('store/write-failed')
    fault.isOn = false
    expect(await codeOf(store.set('later', bytes('3')))).toBe('store/write-failed')
    expect(await codeOf(store.delete('kept'))).toBe('store/write-failed')
    expect(await entries(store)).toEqual({ kept: '1' })
    expect(await store.get('kept')).toEqual(bytes('1'))
    await store.close()
    const second = fileStoreOn(disk, '/store')
    expect(await entries(second)).toEqual({ kept: '1' })
    await second.set('after', bytes('4'))
    await second.close()
    expect(await reopened(disk)).toEqual({ after: '4', kept: '1' })
  })

  it('answers all writes that would have shared the sync alike', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    failing(disk, 'sync', 'EIO')
    const writes = [
      store.set('a', bytes('1')),
      store.batch([
        { kind: 'check', key: 'a', value: bytes('1') },
        { kind: 'set', key: 'b', value: bytes('1') },
      ]),
    ]
    for (const write of writes) expect(await codeOf(write)).toBe('store/write-failed')
  })
})

describe('compaction that fails', () => {
  const churn = async (store: Store, count: number): Promise<void> => {
    for (let index = 0; index < count; index++) await store.set('churn', bytes(`${index}`.padStart(100)))
  }

  it.each<[Operation, string]>([
    ['create', 'ENOSPC'],
    ['write', 'ENOSPC'],
    ['sync', 'EIO'],
  ])('costs nothing when %s fails while the new log is written, and is not tried again at once', async (operation, code) => {
    const disk = new SimulatedDisk()
    const { store, events } = await storeOn(disk, { compactAboveBytes: 1000 })
    const fault = failing(disk, operation, code, '/store/log.new')
    await churn(store, 40)
    const failures = events.filter((name) => name === 'store/compaction-failed').length
    expect(failures).toBeGreaterThan(0)
    expect(failures).toBeLessThan(6)
    expect(events).not.toContain('store/compacted')
    expect(disk.paths).toEqual([LOG])
    fault.isOn = false
    await churn(store, 200)
    expect(events).toContain('store/compacted')
    expect(disk.contentOf(LOG).length).toBeLessThan(3000)
    await store.close()
    expect(await reopened(disk)).toEqual({ churn: '199'.padStart(100), kept: '1' })
  })

  it('goes back to the old log when the rename fails', async () => {
    const disk = new SimulatedDisk()
    const { store, events } = await storeOn(disk, { compactAboveBytes: 1000 })
    failing(disk, 'rename', 'EPERM')
    await churn(store, 20)
    expect(events).toContain('store/compaction-failed')
    await store.close()
    expect(await reopened(disk)).toEqual({ churn: '19'.padStart(100), kept: '1' })
  })

  it('takes no more writes when the rename says it failed and has happened', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk, { compactAboveBytes: 1000 })
    const rename = disk.rename.bind(disk)
    disk.rename = async (from, to) => {
      await rename(from, to)
      throw diskError('EIO')
    }
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => index).map(async (index) => await codeOf(churnOnce(store, index))),
    )
    expect(outcomes).toContain('no OckamError but undefined')
    await expect(churn(store, 20)).rejects.toThrow('takes no more writes')
    const expected = await entries(store)
    await store.close()
    expect(await reopened(disk)).toEqual(expected)
  })

  it('takes no more writes when the new name cannot be synced, since a power cut might bring the old log back', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk, { compactAboveBytes: 1000 })
    failing(disk, 'syncDirectory', 'EIO')
    await expect(churn(store, 20)).rejects.toThrow('takes no more writes')
    const expected = await entries(store)
    await store.close()
    expect(await reopened(disk)).toEqual(expected)
  })

  const churnOnce = (store: Store, index: number): Promise<void> => store.set('churn', bytes(`${index}`.padStart(100)))
})

describe('a store that cannot open', () => {
  it.each<[Operation, string]>([
    ['makeDirectory', 'EACCES'],
    ['lock', 'EROFS'],
    ['create', 'ENOSPC'],
    ['rename', 'EIO'],
    ['syncDirectory', 'EIO'],
  ])('says why on every call, leaves nothing locked, and opens once %s works', async (operation, code) => {
    const disk = new SimulatedDisk()
    const fault = failing(disk, operation, code)
    const store = fileStoreOn(disk, '/store')
    for (const call of [store.get('a'), store.set('a', bytes('1')), store.delete('a'), store.batch([]), entries(store)]) {
      expect(await codeOf(call)).toBe('store/write-failed')
    }
    fault.isOn = false
    await store.set('a', bytes('1'))
    expect(await entries(store)).toEqual({ a: '1' })
    await store.close()
    expect(await reopened(disk)).toEqual({ a: '1' })
  })

  it('reports a read error as one, not as damage, and loses nothing', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    await store.close()
    const fault = failing(disk, 'read', 'EIO')
    const second = fileStoreOn(disk, '/store')
    expect(await codeOf(second.get('kept'))).toBe('store/write-failed')
    fault.isOn = false
    expect(await entries(second)).toEqual({ kept: '1' })
  })
})

describe('group commit', () => {
  it('shares one sync among writes that wait together', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    const before = disk.counts.get('sync') ?? 0
    await Promise.all(Array.from({ length: 500 }, (_, index) => store.set(`key/${index}`, bytes('value'))))
    expect((disk.counts.get('sync') ?? 0) - before).toBe(1)
    await store.close()
    expect(Object.keys(await reopened(disk))).toHaveLength(501)
  })

  it('lets no reader see a write before it is durable', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    const [writes, syncs] = [disk.counts.get('write') ?? 0, disk.counts.get('sync') ?? 0]
    let isDone = false
    const writing = store.set('kept', bytes('2')).then(() => {
      isDone = true
    })
    let readsBetween = 0
    while (!isDone) {
      const value = await store.get('kept')
      const isSyncing = (disk.counts.get('sync') ?? 0) > syncs
      if (!isSyncing) expect(value).toEqual(bytes('1'))
      if (!isSyncing && (disk.counts.get('write') ?? 0) > writes) readsBetween += 1
    }
    expect(readsBetween).toBeGreaterThan(0)
    await writing
    expect(await store.get('kept')).toEqual(bytes('2'))
  })

  it('writes nothing for a failed check and for a delete of nothing', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    const before = disk.contentOf(LOG).slice()
    expect(await store.delete('absent')).toBe(false)
    expect(
      await store.batch([
        { kind: 'check', key: 'kept', value: undefined },
        { kind: 'delete', key: 'kept' },
      ]),
    ).toBe(false)
    expect(disk.contentOf(LOG)).toEqual(before)
  })
})

describe('maxBytes', () => {
  it('refuses what would not fit, and takes it when room was made', async () => {
    const { store } = await storeOn(new SimulatedDisk(), { maxBytes: 100 })
    await store.set('a', new Uint8Array(40))
    await expect(store.set('b', new Uint8Array(40))).rejects.toThrow('full')
    expect(await codeOf(store.batch([{ kind: 'set', key: 'b', value: new Uint8Array(40) }]))).toBe('store/write-failed')
    await store.set('a', new Uint8Array(60))
    expect(await store.delete('a')).toBe(true)
    await store.set('b', new Uint8Array(40))
    expect(Object.keys(await entries(store))).toEqual(['b', 'kept'])
  })

  it('opens a store that has outgrown a lower limit, and lets it shrink', async () => {
    const disk = new SimulatedDisk()
    const { store } = await storeOn(disk)
    await store.set('big', new Uint8Array(500))
    await store.close()
    const second = fileStoreOn(disk, '/store', { maxBytes: 100 })
    expect(await codeOf(second.set('more', new Uint8Array(1)))).toBe('store/write-failed')
    await second.set('big', new Uint8Array(300))
    expect(await second.delete('big')).toBe(true)
    await second.set('more', new Uint8Array(1))
  })

  it('bounds the writes that wait', async () => {
    const { store } = await storeOn(new SimulatedDisk(), { maxBytes: 1000 })
    const writes = Array.from({ length: 10 }, (_, index) => store.set('a', new Uint8Array(200).fill(index)))
    const outcomes = await Promise.allSettled(writes)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    await expect(outcomes[9]?.status === 'rejected' ? Promise.reject(outcomes[9].reason as Error) : Promise.resolve()).rejects.toThrow(
      'wait',
    )
    await store.set('a', new Uint8Array(200))
  })

  it('is checked like every option before anything is opened', () => {
    for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => fileStoreOn(new SimulatedDisk(), '/store', { maxBytes: value })).toThrow('maxBytes')
      expect(() => fileStoreOn(new SimulatedDisk(), '/store', { compactAboveBytes: value })).toThrow('compactAboveBytes')
    }
    expect(() => fileStoreOn(new SimulatedDisk(), '')).toThrow('path')
  })
})
