/** Makes nodes against rivals that make the same ones. Arguments: state folder, how many. Says `ready`, begins when its input ends, says `made N`. */

import { OckamError } from '@ockam/core'
import { openState } from '../../../src/state/state.ts'

const [path = '', most = '0'] = process.argv.slice(2)
const state = openState(path)
console.log('ready')
for await (const _ of process.stdin) continue
let made = 0
for (let at = 0; at < Number(most); at++) {
  try {
    state.nodes.create({ name: `node-${at}`, identity: 'default', tcpListenerAddress: '127.0.0.1:0', authorized: [] })
    made += 1
  } catch (error) {
    if (!OckamError.is(error, 'cli/conflict')) throw error
  }
}
console.log(`made ${made}`)
