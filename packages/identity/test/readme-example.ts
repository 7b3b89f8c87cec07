import { softwareVault } from '@ockam/vault-software'
import { createIdentities } from '../src/index.ts'

const alice = createIdentities({ vault: softwareVault() })
const bob = createIdentities({ vault: softwareVault() })

const { identifier } = await alice.getOrCreate('alice')
const { changeHistory, attestation, staticKey } = await alice.channelProof(identifier) // what a handshake shows

const peer = await bob.verifyPeer({ changeHistory, attestation, noiseStaticKey: staticKey.publicKey, expected: identifier })
await peer.accept() // once a trust policy has agreed: from now on Bob knows this history

await alice.rotate('alice') // a new primary key under the same identifier
await bob.updatePeer(await alice.export('alice'), identifier) // Bob follows, and will refuse the old key
