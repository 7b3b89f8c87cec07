/** Prints the identifier of a program, which is made the first time: `node dist/identity.js ./service`. */

import { createNode } from '@ockam/node'
import { fileStore } from '@ockam/storage-file'

const folder = process.argv[2]
if (folder === undefined) {
  console.error('error: no folder given.\nhint: node dist/identity.js ./service')
  process.exit(2)
}
const node = await createNode({ store: fileStore(folder) })
const { identifier } = await node.createIdentity({ name: 'main' })
console.log(identifier.toString())
await node.close()
