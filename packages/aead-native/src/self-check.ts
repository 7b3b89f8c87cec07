/** Whether the addon does what `node:crypto` does. It is asked before its first use in a process, and not used when the answer is no. */

import { createCipheriv } from 'node:crypto'
import type { AeadAlgorithm } from '@ockam/core'
import { type Addon, DONE, FORGED } from './addon.ts'

const TAG_LENGTH = 16
/** Around blocks and around what OpenSSL does many blocks at a time. */
const LENGTHS = [0, 1, 15, 16, 17, 64, 99, 1024, 5000]

/** Undefined when all is well, else what is not. */
export function findDifference(addon: Addon, algorithm: AeadAlgorithm, index: number): string | undefined {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1)
  const key = addon.create(secret, index)
  if (key === undefined) return undefined
  for (const [counter, length] of LENGTHS.entries()) {
    const aad = new Uint8Array(counter * 5).fill(counter)
    const text = Uint8Array.from({ length }, (_, i) => i * 31 + counter)
    const buffer = new Uint8Array(length + TAG_LENGTH)
    buffer.set(text)
    const nonce = new Uint8Array(12)
    // Counters of different halves show the byte order.
    const number = counter * 2 ** 40 + 258
    new DataView(nonce.buffer).setBigUint64(4, BigInt(number), algorithm === 'chacha20-poly1305')
    const cipher = createCipheriv(algorithm as 'aes-256-gcm', secret, nonce, { authTagLength: TAG_LENGTH })
    const expected = Buffer.concat([cipher.setAAD(aad).update(text), cipher.final(), cipher.getAuthTag()])
    if (addon.seal(key, buffer, 0, 0, length, number, buffer, aad) !== DONE || expected.compare(buffer) !== 0) return 'seals otherwise'
    // One context opens after it has sealed, and the other way about.
    if (addon.open(key, buffer, 0, 0, buffer.length, number, buffer, aad) !== DONE) return 'does not open'
    if (Buffer.compare(buffer.subarray(0, length), text) !== 0) return 'opens otherwise'
    expected[length] = (expected[length] as number) ^ 1
    if (addon.open(key, expected, 0, 0, buffer.length, number, expected, aad) !== FORGED) return 'opens forgeries'
    if (expected.subarray(0, length).some((byte) => byte !== 0)) return 'shows forgeries'
  }
  addon.destroy(key)
  return undefined
}
