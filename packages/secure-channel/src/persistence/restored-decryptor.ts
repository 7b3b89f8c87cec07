/** The decryption service of a key-exchange-only channel of an earlier life of this node. There is no encryptor to it, and never will be. */

import type { Address, Identifier } from '@ockam/core'
import { apiWorker } from '../channel/api-worker.ts'
import { KeyExchangeReceiver } from '../channel/key-exchange-receiver.ts'
import type { ChannelServices } from '../channel/services.ts'
import { channelError } from '../error.ts'
import type { DecryptorRecord } from './sealed-decryptor.ts'

export interface RestoredDecryptor {
  readonly identity: Identifier
  readonly peer: Identifier
  /** The address the peer knew the decryptor by; ciphertexts refer to it. Nothing listens there any more. */
  readonly decryptorAddress: Address
  readonly decryptorApi: Address
  /** Stops the service; the record stays. */
  close(): Promise<void>
  /** Stops the service and deletes the record. */
  forget(): Promise<void>
  /** The same as {@link close}. */
  [Symbol.asyncDispose](): Promise<void>
}

/** @param onClosed called when the service has stopped. */
export function restoreDecryptor(
  { router, vault, decryptors }: ChannelServices,
  record: DecryptorRecord,
  onClosed: () => void,
): RestoredDecryptor {
  const { identity, peer, decryptorAddress, decryptorApi } = record
  const { primitives } = vault
  const receiver = new KeyExchangeReceiver({ primitives, key: primitives.aeadKey(record.key), onRefused: () => undefined })
  record.key.fill(0)
  const worker = apiWorker((ciphertext) => {
    const content = receiver.openOne(ciphertext)
    if (typeof content === 'string') throw channelError('secure-channel/invalid-ciphertext', `A ciphertext was refused (${content}).`)
    return content
  })
  const handle = router.startWorker(decryptorApi, worker, { from: 'local' })
  const close = async (): Promise<void> => {
    await handle.close()
    receiver.destroy()
    onClosed()
  }
  const forget = async (): Promise<void> => {
    await decryptors?.delete(decryptorAddress)
    await close()
  }
  return { identity, peer, decryptorAddress, decryptorApi, close, forget, [Symbol.asyncDispose]: close }
}
