/** Locks a vault anew and moves it, again and again, until it is killed. Arguments: state folder, vault, two key files, two folders. */

import { writeSync } from 'node:fs'
import { openState } from '../../../src/state/state.ts'

const [path = '', vault = '', firstKey = '', secondKey = '', firstFolder = '', secondFolder = ''] = process.argv.slice(2)
const state = openState(path)
for (let at = 0; ; at++) {
  await state.vaults.changeLock(vault, { keyFile: at % 2 === 0 ? firstKey : secondKey }, { environment: {} })
  await state.vaults.move(vault, at % 2 === 0 ? firstFolder : secondFolder)
  writeSync(1, `rewritten ${at}\n`)
}
