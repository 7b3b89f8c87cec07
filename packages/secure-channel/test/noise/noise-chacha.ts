/**
 * ChaCha20-Poly1305 as Noise wants it (section 12.3): the counter is little-endian there, while AES-GCM's is big-endian. For the published vectors of
 * that cipher, which no Ockam channel uses; Node's own library underneath.
 */

import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { AeadKey, Primitives } from '@ockam/core'

export function withNoiseChaCha(primitives: Primitives): Primitives {
  return {
    ...primitives,
    aeadKey: (key, algorithm) => (algorithm === 'chacha20-poly1305' ? chaChaKey(key.slice()) : primitives.aeadKey(key, algorithm)),
  }
}

function chaChaKey(key: Uint8Array): AeadKey {
  return {
    sealInto(out, outAt, input, inAt, length, nonce, aad) {
      const cipher = createCipheriv('chacha20-poly1305', key, nonceOf(nonce), { authTagLength: 16 })
      if (aad !== undefined) cipher.setAAD(aad, { plaintextLength: length })
      out.set(Buffer.concat([cipher.update(input.subarray(inAt, inAt + length)), cipher.final(), cipher.getAuthTag()]), outAt)
    },
    openInto(out, outAt, input, inAt, length, nonce, aad) {
      const end = inAt + length - 16
      const decipher = createDecipheriv('chacha20-poly1305', key, nonceOf(nonce), { authTagLength: 16 })
      if (aad !== undefined) decipher.setAAD(aad, { plaintextLength: length - 16 })
      decipher.setAuthTag(input.subarray(end, end + 16))
      const plaintext = decipher.update(input.subarray(inAt, end))
      try {
        decipher.final()
      } catch {
        return false
      }
      out.set(plaintext, outAt)
      return true
    },
    rekey: () => chaChaKey(key),
    destroy: () => undefined,
  }
}

function nonceOf(nonce: number): Uint8Array {
  const bytes = new Uint8Array(12)
  new DataView(bytes.buffer).setBigUint64(4, BigInt(nonce), true)
  return bytes
}
