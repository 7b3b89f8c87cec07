/**
 * Opens and closes one store again and again, against rivals that do the same, and checks that it is alone while it has it open.
 * Arguments: directory, how often. Ends with `turns N` on success; a rival inside at the same time ends it with an error.
 */

import { closeSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { OckamError } from '@ockam/core'
import { fileStore } from '../../src/index.ts'

const [path = '', times = '1'] = process.argv.slice(2)
const marker = join(path, 'inside')
let turns = 0
const deadline = Date.now() + 20_000
while (turns < Number(times) && Date.now() < deadline) {
  const store = fileStore(path)
  try {
    const count = Number(new TextDecoder().decode((await store.get('turns')) ?? new Uint8Array(0)))
    // Fails when somebody else is inside.
    closeSync(openSync(marker, 'wx'))
    await store.set('turns', new TextEncoder().encode(`${count + 1}`))
    rmSync(marker)
    turns += 1
  } catch (error) {
    if (!OckamError.is(error, 'store/locked')) throw error
  }
  await store.close()
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
}
console.log(`turns ${turns}`)
