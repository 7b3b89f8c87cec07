import { memoryStore } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'

const store = memoryStore() // or fileStore('./service') of @ockam/storage-file
const vault = softwareVault({ store, protection: { passphrase: 'correct horse battery staple' } })

const message = new TextEncoder().encode('hello')
const key = await vault.signing.generateSigningKey('ed25519')
const signature = await vault.signing.sign(key, message)
export const isValid: boolean = await vault.verifying.verify(key.verifyingKey, message, signature)

await vault.close()
