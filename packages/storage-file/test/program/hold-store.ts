/**
 * Opens a store and holds it. Arguments: directory, then `wait` to hold it until killed, or `end` to end without closing it.
 * Says `open`, or the code of the error.
 */

import { OckamError } from '@ockam/core'
import { fileStore } from '../../src/index.ts'

const [path = '', manner = ''] = process.argv.slice(2)
const store = fileStore(path)
try {
  await store.set('held', Uint8Array.of(1))
  console.log('open')
  if (manner === 'wait') setInterval(() => undefined, 60_000)
} catch (error) {
  console.log(OckamError.is(error) ? error.code : String(error))
  process.exitCode = 1
}
