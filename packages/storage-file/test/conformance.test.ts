import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeConformance } from '@ockam/conformance'
import type { Store } from '@ockam/core'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { fileStore } from '../src/index.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
})
afterAll(() => rm(root, { recursive: true }))

describe.each([
  ['with default options', {}],
  ['compacting all the time', { compactAboveBytes: 1 }],
])('fileStore %s', (_name, options) => {
  const paths = new WeakMap<Store, string>()
  let count = 0
  const open = (path: string): Store => {
    const store = fileStore(path, options)
    paths.set(store, path)
    return store
  }
  const kit = storeConformance({
    create: () => open(join(root, `${_name}-${count++}`)),
    reopen: (closed) => open(paths.get(closed) ?? ''),
  })
  for (const check of kit) it(check.name, check.run)
})
