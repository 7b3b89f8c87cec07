/**
 * Raises the number under `counter` by compare and set, against rivals that do the same. Own argument: how often. Says `ready`, begins when its
 * input ends, and says `retries N` at the end: how often somebody else was quicker.
 */

import { sqliteStore } from '../../src/index.ts'
import { programArguments } from './program-driver.ts'

const { driver, path, rest } = programArguments()
const store = sqliteStore(driver, { path, lockTimeoutMs: 60_000 })
console.log('ready')
for await (const _ of process.stdin) continue
let retries = 0
for (let done = 0; done < Number(rest[0]); ) {
  const value = await store.get('counter')
  const next = new TextEncoder().encode(`${Number(new TextDecoder().decode(value ?? new Uint8Array(0))) + 1}`)
  const isDone = await store.batch([
    { kind: 'check', key: 'counter', value },
    { kind: 'set', key: 'counter', value: next },
  ])
  if (isDone) done += 1
  else retries += 1
}
await store.close()
console.log(`retries ${retries}`)
