import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OckamError, type Store } from '@ockam/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileStore } from '../src/index.ts'

// What the store does to a real directory.

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
})
afterAll(() => rm(root, { recursive: true }))

let count = 0
const freshPath = (): string => join(root, `store-${count++}`)
const permissions = async (path: string): Promise<number> => (await stat(path)).mode & 0o777
const value = Uint8Array.of(1, 2, 3)

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome: unknown = await promise.catch((error: unknown) => error)
  return OckamError.is(outcome) ? outcome.code : `no OckamError but ${String(outcome)}`
}

async function used(path: string): Promise<Store> {
  const store = fileStore(path)
  await store.set('key', value)
  return store
}

describe('the directory of a store', () => {
  it('is touched by the first call, not before', async () => {
    const path = freshPath()
    const store = fileStore(path)
    await expect(stat(path)).rejects.toThrow('ENOENT')
    expect(await store.get('key')).toBeUndefined()
    expect((await stat(path)).isDirectory()).toBe(true)
    await store.close()
  })

  it.skipIf(process.platform === 'win32')('is made with its parents for the owner alone, and so is every file in it', async () => {
    const path = join(freshPath(), 'deep', 'er')
    const store = await used(path)
    expect(await permissions(path)).toBe(0o700)
    expect(await permissions(join(path, '..'))).toBe(0o700)
    for (const name of await readdir(path)) expect([name, await permissions(join(path, name))]).toEqual([name, 0o600])
    await store.close()
  })

  it.skipIf(process.platform === 'win32')('keeps its own permissions when it exists, but others may not read the log', async () => {
    const path = freshPath()
    await mkdir(path, { mode: 0o755 })
    await (await used(path)).close()
    await chmod(join(path, 'log'), 0o644)
    const store = await used(path)
    expect(await permissions(path)).toBe(0o755)
    expect(await permissions(join(path, 'log'))).toBe(0o600)
    await store.close()
  })

  it('holds nothing but the log once the store is closed', async () => {
    const path = freshPath()
    await (await used(path)).close()
    expect((await readdir(path)).filter((name) => name !== 'lock')).toEqual(['log'])
  })

  it('loses a half-written compaction, and nothing else, when it is opened', async () => {
    const path = freshPath()
    await (await used(path)).close()
    await writeFile(join(path, 'log.new'), 'half')
    const store = fileStore(path)
    expect(await store.get('key')).toEqual(value)
    expect(await readdir(path)).not.toContain('log.new')
    await store.close()
  })

  it('may be given relative to where the program was when it made the store', async () => {
    const path = freshPath()
    const before = process.cwd()
    process.chdir(root)
    const store = fileStore(path.slice(root.length + 1))
    process.chdir(before)
    await store.set('key', value)
    expect((await stat(join(path, 'log'))).isFile()).toBe(true)
    await store.close()
  })

  it('is reported, not thrown, when it cannot be one: by every call, until it can', async () => {
    const path = freshPath()
    await writeFile(path, 'a file')
    const store = fileStore(path)
    expect(await codeOf(store.get('key'))).toBe('store/write-failed')
    await expect(store.set('key', value)).rejects.toThrow(path)
    await rm(path)
    await store.set('key', value)
    expect(await store.get('key')).toEqual(value)
    await store.close()
  })

  it('is refused when its log is some other file, which is left alone', async () => {
    for (const content of ['', 'some text that is longer than the header of a log']) {
      const path = freshPath()
      await mkdir(path)
      await writeFile(join(path, 'log'), content)
      const store = fileStore(path)
      expect(await codeOf(store.set('key', value))).toBe('store/corrupt')
      expect(await readFile(join(path, 'log'), 'utf8')).toBe(content)
      await store.close()
    }
  })

  it('does not grow with the number of changes, only with what is kept', async () => {
    const path = freshPath()
    const store = fileStore(path, { compactAboveBytes: 10_000 })
    for (let round = 0; round < 60; round++) {
      await Promise.all(Array.from({ length: 10 }, (_, index) => store.set(`key/${index}`, new Uint8Array(200).fill(round))))
    }
    expect((await stat(join(path, 'log'))).size).toBeLessThan(15_000)
    await store.close()
    const second = fileStore(path)
    expect(await second.get('key/9')).toEqual(new Uint8Array(200).fill(59))
    await second.close()
  })
})
