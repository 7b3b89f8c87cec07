import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeConformance } from '@ockam/conformance'
import type { Store } from '@ockam/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sqliteStore } from '../src/index.ts'
import { loadableDrivers, possibleDrivers } from './driver.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-store-'))
})
afterAll(() => rm(root, { recursive: true }))

const drivers = loadableDrivers()

describe('the tests of this package', () => {
  it.for(possibleDrivers())('run with %s', (name, context) => {
    const isThere = drivers.some((driver) => driver.name === name)
    if (!isThere && process.env['OCKAM_TEST_REQUIRE'] !== 'all') {
      console.log(`skipped: ${name} cannot be loaded here.`)
      context.skip()
    }
    expect(isThere).toBe(true)
  })
})

describe.each(drivers)('sqliteStore on $name', ({ name, driver }) => {
  let count = 0
  const paths = new WeakMap<Store, string>()
  const open = (path: string): Store => {
    const store = sqliteStore(driver, { path })
    paths.set(store, path)
    return store
  }
  const kit = storeConformance({
    create: () => open(join(root, `${name.replace(':', '-')}-${count++}`, 'state.db')),
    reopen: (closed) => open(paths.get(closed) ?? ''),
  })
  for (const check of kit) it(check.name, check.run)
})

describe.each(drivers)('sqliteStore on $name, beside another in the same file', ({ name, driver }) => {
  let count = 0
  const path = (): string => join(root, `${name.replace(':', '-')}-shared.db`)
  const kit = storeConformance({ create: () => sqliteStore(driver, { path: path(), namespace: `store-${count++}` }) })
  for (const check of kit) it(check.name, check.run)
})
