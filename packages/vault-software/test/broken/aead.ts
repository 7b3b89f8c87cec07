/** Broken AEAD keys, each with the checks that must notice. */

import type { Vault } from '@ockam/core'
import { bothAlgorithms, type BrokenVault, replacing, withAead } from './sabotage.ts'

export const brokenAead: readonly BrokenVault[] = [
  {
    what: 'an AEAD that ignores associated data',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce) => key.sealInto(out, outAt, input, inAt, length, nonce),
      openInto: (out, outAt, input, inAt, length, nonce) => key.openInto(out, outAt, input, inAt, length, nonce),
    })),
    fails: [
      ...bothAlgorithms('sealing gives the known answers'),
      ...bothAlgorithms('a flipped bit anywhere, another nonce, key or associated data does not open'),
    ],
  },
  {
    what: 'an AEAD that does not zero what it refuses',
    sabotage: withAead((key) => ({
      openInto: (out, outAt, input, inAt, length, nonce, aad) => {
        const before = out.slice()
        const isOpen = key.openInto(out, outAt, input, inAt, length, nonce, aad)
        if (!isOpen) out.set(before)
        return isOpen
      },
    })),
    fails: bothAlgorithms('what does not open leaves zeros in its range and only there'),
  },
  {
    what: 'an AEAD that zeroes the whole array when it refuses',
    sabotage: withAead((key) => ({
      openInto: (out, outAt, input, inAt, length, nonce, aad) => {
        const isOpen = key.openInto(out, outAt, input, inAt, length, nonce, aad)
        if (!isOpen) out.fill(0)
        return isOpen
      },
    })),
    fails: [
      ...bothAlgorithms('what does not open leaves zeros in its range and only there'),
      ...bothAlgorithms('fewer than 16 bytes do not open'),
    ],
  },
  {
    what: 'an AEAD with a 32-bit counter',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce, aad) =>
        key.sealInto(out, outAt, input, inAt, length, Number.isSafeInteger(nonce) && nonce >= 0 ? nonce % 2 ** 32 : nonce, aad),
      openInto: (out, outAt, input, inAt, length, nonce, aad) =>
        key.openInto(out, outAt, input, inAt, length, Number.isSafeInteger(nonce) && nonce >= 0 ? nonce % 2 ** 32 : nonce, aad),
    })),
    fails: [
      ...bothAlgorithms('sealing gives the known answers'),
      ...bothAlgorithms('a flipped bit anywhere, another nonce, key or associated data does not open'),
    ],
  },
  {
    what: 'an AEAD that ignores offsets of the output',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce, aad) => {
        key.sealInto(out, outAt, input, inAt, length, nonce, aad)
        if (outAt > 0) out[outAt - 1] = 0
      },
    })),
    fails: bothAlgorithms('sealing and opening work at any offset and touch nothing outside their range'),
  },
  {
    what: 'a rekey by hash',
    sabotage: ({ primitives }) =>
      withAead((_, bytes) => ({ rekey: () => primitives.aeadKey(primitives.sha256(bytes)) }))({ primitives } as Vault),
    fails: [
      ...bothAlgorithms('rekey gives the key of Noise section 4.2 and leaves the receiver usable'),
      ...bothAlgorithms('a destroyed key fails with vault/unknown-key'),
    ],
  },
  {
    what: 'a destroy that destroys nothing',
    sabotage: withAead(() => ({ destroy: () => undefined })),
    fails: bothAlgorithms('a destroyed key fails with vault/unknown-key'),
  },
  {
    what: 'an AEAD that loses the last byte of long messages',
    sabotage: withAead((key) => ({
      openInto: (out, outAt, input, inAt, length, nonce, aad) => {
        const isOpen = key.openInto(out, outAt, input, inAt, length, nonce, aad)
        if (isOpen && length > 60_000) out[outAt + length - 17] = 0
        return isOpen
      },
    })),
    fails: bothAlgorithms('all lengths around block boundaries open to what was sealed'),
  },
  {
    what: 'an AEAD that does not work in place',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce, aad) => {
        const source = out.buffer === input.buffer && length > 0 && nonce === 3 ? new Uint8Array(input.length) : input
        key.sealInto(out, outAt, source, inAt, length, nonce, aad)
      },
    })),
    fails: bothAlgorithms('sealing and opening work in place'),
  },
  {
    what: 'an AEAD that opens messages without a whole tag',
    sabotage: withAead((key) => ({
      openInto: (out, outAt, input, inAt, length, nonce, aad) =>
        (length >= 0 && length < 16) || key.openInto(out, outAt, input, inAt, length, nonce, aad),
    })),
    fails: bothAlgorithms('fewer than 16 bytes do not open'),
  },
  {
    what: 'an AEAD that tells empty from absent associated data',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce, aad) =>
        key.sealInto(out, outAt, input, inAt, length, nonce, aad?.length === 0 ? Uint8Array.of(0) : aad),
    })),
    fails: bothAlgorithms('absent and empty associated data are the same'),
  },
  {
    what: 'an AEAD that clamps what it is given',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce, aad) => {
        try {
          key.sealInto(out, outAt, input, inAt, length, nonce, aad)
        } catch (failure) {
          if ((failure as { code?: string }).code !== 'vault/invalid-argument') throw failure
        }
      },
    })),
    fails: bothAlgorithms('ranges outside the arrays and impossible nonces fail with vault/invalid-argument'),
  },
  {
    what: 'AEAD keys that keep the array they were given',
    sabotage: ({ primitives }) => ({
      primitives: replacing(primitives, {
        aeadKey: (bytes, algorithm) => {
          const genuine = primitives.aeadKey(bytes, algorithm)
          return replacing(genuine, {
            sealInto: (...args) => (bytes.some((byte) => byte !== 0) ? genuine : primitives.aeadKey(bytes, algorithm)).sealInto(...args),
          })
        },
      }),
    }),
    fails: bothAlgorithms('the key is copied: wiping the array it came in changes nothing'),
  },
  {
    what: 'AEAD keys of any length, for any algorithm, by default ChaCha20-Poly1305',
    sabotage: ({ primitives }) => ({
      primitives: replacing(primitives, {
        aeadKey: (bytes, algorithm) => {
          const padded = new Uint8Array(32)
          padded.set(bytes.subarray(0, 32))
          return primitives.aeadKey(padded, algorithm === 'aes-256-gcm' ? algorithm : 'chacha20-poly1305')
        },
      }),
    }),
    fails: [
      'AEAD keys that are not 32 bytes and unknown algorithms are refused',
      'aes-256-gcm is the default algorithm and gives GCM test cases 13 and 14',
    ],
  },
]
