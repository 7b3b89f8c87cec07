/** Runs as the process of a node until it is killed. Arguments: state folder, name. Says `up`, or the code it was refused with. */

import { OckamError } from '@ockam/core'
import { openState } from '../../../src/state/state.ts'

const [path = '', name = ''] = process.argv.slice(2)
try {
  const lock = await openState(path).nodes.lock(name)
  lock.setRunning('/ip4/127.0.0.1/tcp/4000')
  console.log('up')
  setInterval(() => undefined, 60_000)
} catch (error) {
  console.log(OckamError.is(error) ? error.code : String(error))
}
