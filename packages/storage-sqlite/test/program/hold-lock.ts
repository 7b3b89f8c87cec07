/** Says `open` once it has written, then holds a write transaction, beside the store, until it is killed. */

import { sqliteStore } from '../../src/index.ts'
import { programArguments } from './program-driver.ts'

const { driver, path } = programArguments()
const store = sqliteStore(driver, { path })
await store.set('held', Uint8Array.of(1))
const database = new driver(path)
database.exec('BEGIN IMMEDIATE')
console.log('open')
setInterval(() => undefined, 60_000)
