/** A channel vault whose keys are known answers: test vectors name their secrets. Real X25519 through Node's own library. */

import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import { type ChannelVault, type DhKey, OckamError } from '@ockam/core'

export const hex = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'hex'))
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function privateKey(secret: Uint8Array): KeyObject {
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

export class KnownKeyVault implements ChannelVault {
  readonly deleted: DhKey[] = []
  readonly #secrets = new Map<DhKey, KeyObject>()
  readonly #ephemerals: string[]

  /** @param ephemerals secrets of the ephemeral keys to come, in hexadecimal. */
  constructor(...ephemerals: string[]) {
    this.#ephemerals = ephemerals
  }

  import(secret: string): DhKey {
    const key = privateKey(hex(secret))
    const der = createPublicKey(key).export({ format: 'der', type: 'spki' })
    const handle: DhKey = { kind: 'dh-key', publicKey: new Uint8Array(der.subarray(-32)) }
    this.#secrets.set(handle, key)
    return handle
  }

  generateStaticKey(): Promise<DhKey> {
    return this.generateEphemeralKey()
  }

  async generateEphemeralKey(): Promise<DhKey> {
    const secret = this.#ephemerals.shift()
    if (secret === undefined) throw new Error('no more known keys')
    return this.import(secret)
  }

  async dh(key: DhKey, publicKey: Uint8Array): Promise<Uint8Array> {
    const secret = this.#secrets.get(key)
    if (secret === undefined) throw new OckamError('vault/unknown-key', 'unknown')
    const der = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), publicKey])
    try {
      return new Uint8Array(diffieHellman({ privateKey: secret, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) }))
    } catch (error) {
      throw new OckamError('vault/invalid-key', 'refused', { cause: error })
    }
  }

  async deleteDhKey(key: DhKey): Promise<boolean> {
    this.deleted.push(key)
    return this.#secrets.delete(key)
  }
}
