import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeConformance } from '@ockam/conformance'
import { OckamError, type Store } from '@ockam/core'
import { fileStore } from '@ockam/storage-file'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { takeLock } from '../../src/state/process-lock.ts'
import { sharedStore } from '../../src/state/shared-store.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-state-'))
})
afterAll(() => rm(root, { recursive: true }))

/** A store in `path` that is taken in turns. */
function inTurns(path: string, onBegin: () => void = () => undefined): Store {
  return sharedStore(async () => {
    const lock = await takeLock(`${path}.lock`, 10_000)
    onBegin()
    const store = fileStore(path)
    return {
      store,
      end: async () => {
        await store.close()
        await lock.release()
      },
    }
  })
}

describe('a store that is used in turns', () => {
  let count = 0
  const paths = new WeakMap<Store, string>()
  const open = (path: string): Store => {
    const store = inTurns(path)
    paths.set(store, path)
    return store
  }
  const kit = storeConformance({ create: () => open(join(root, `kit-${count++}`)), reopen: (closed) => open(paths.get(closed) ?? '') })
  for (const check of kit) it(check.name, check.run)

  it('keeps its turn for calls that follow at once', async () => {
    let turns = 0
    const store = inTurns(join(root, 'burst'), () => (turns += 1))
    for (let at = 0; at < 5; at++) await store.set(`key/${at}`, Uint8Array.of(at))
    expect(turns).toBeLessThan(5)
    await store.close()
  })

  it('lets another in while it is used without a pause, and both see what either wrote', async () => {
    const path = join(root, 'rivals')
    const [busy, other] = [inTurns(path), inTurns(path)]
    await busy.set('busy', Uint8Array.of(0))
    let isOver = false
    const writing = (async () => {
      for (let at = 0; !isOver; at++) await busy.set('busy', new TextEncoder().encode(`${at}`))
    })()
    await other.set('other', Uint8Array.of(7))
    expect(await other.get('busy')).toBeDefined()
    isOver = true
    await writing
    expect(await busy.get('other')).toEqual(Uint8Array.of(7))
    await Promise.all([busy.close(), other.close()])
  })

  it('takes its turn anew after one it could not get, and says why', async () => {
    const path = join(root, 'refused')
    const lock = await takeLock(`${path}.lock`, 0)
    const store = sharedStore(async () => {
      const own = await takeLock(`${path}.lock`, 0)
      const inside = fileStore(path)
      return { store: inside, end: () => inside.close().then(() => own.release()) }
    })
    const outcome: unknown = await store.set('key', Uint8Array.of(1)).catch((error: unknown) => error)
    expect(OckamError.is(outcome, 'store/locked')).toBe(true)
    await lock.release()
    await store.set('key', Uint8Array.of(1))
    expect(await store.get('key')).toEqual(Uint8Array.of(1))
    await store.close()
  })
})
