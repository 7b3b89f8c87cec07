import { findNativeAead } from '@ockam/aead-native'
import { createNode, trustEveryone } from '@ockam/node'
import { tcp } from '@ockam/transport-tcp'

const aead = findNativeAead() // undefined where it cannot run; nativeAead() throws and says why
const node = await createNode({ transports: [tcp()], aead })
const identity = await node.createIdentity()
await node.listenSecureChannels('api', { identity, trust: trustEveryone() })
console.log(`Channels of this node are sealed ${aead === undefined ? 'by the vault itself' : 'by native code'}.`)
await node.close()
