/** Broken verifying slots, each with the checks that must notice. */

import { ed25519 } from '@noble/curves/ed25519.js'
import { bothTypes, type BrokenVault, replacing } from './sabotage.ts'

export const brokenVerifying: readonly BrokenVault[] = [
  {
    what: 'a verifier with the cofactored equation and without small-order rules for R',
    sabotage: ({ verifying }) => ({
      verifying: replacing(verifying, {
        verify: async (key, message, signature) =>
          key.type === 'ed25519' && signature.type === 'ed25519' && key.bytes.length === 32 && signature.bytes.length === 64
            ? ed25519.verify(signature.bytes, message, key.bytes, { zip215: false })
            : verifying.verify(key, message, signature),
      }),
    }),
    fails: ['verify refuses Ed25519 edge encodings: strict profile'],
  },
  {
    what: 'a verifier that insists on a low s',
    sabotage: ({ verifying }) => ({
      verifying: replacing(verifying, {
        verify: async (key, message, signature) =>
          !(signature.type === 'p256' && (signature.bytes[32] ?? 0) >= 0x80) && verifying.verify(key, message, signature),
      }),
    }),
    fails: ['verify accepts P-256 signatures of RFC 6979 with high and low s'],
  },
  {
    what: 'a verifier that throws on malformed keys',
    sabotage: ({ verifying }) => ({
      verifying: replacing(verifying, {
        verify: async (key, message, signature) => {
          if (key.bytes.length !== (key.type === 'ed25519' ? 32 : 65)) throw new Error('malformed')
          return verifying.verify(key, message, signature)
        },
      }),
    }),
    fails: [
      'verify refuses P-256 scalars out of range and keys in other forms',
      'verify answers false for keys and signatures of wrong lengths',
    ],
  },
  {
    what: 'a verifier that looks at the first bytes of a signature only',
    sabotage: ({ verifying }) => ({
      verifying: replacing(verifying, {
        verify: (key, message, { type, bytes }) => verifying.verify(key, message, { type, bytes: bytes.slice(0, 64) }),
      }),
    }),
    fails: ['verify answers false for keys and signatures of wrong lengths'],
  },
  {
    what: 'a verifier that ignores types',
    sabotage: ({ verifying }) => ({
      verifying: replacing(verifying, {
        verify: (key, message, { bytes }) => verifying.verify(key, message, { type: key.type, bytes }),
      }),
    }),
    fails: ['verify fails with vault/type-mismatch when key and signature are of different types'],
  },
  {
    what: 'a verifier that always agrees',
    sabotage: ({ verifying }) => ({ verifying: replacing(verifying, { verify: async () => true }) }),
    fails: [
      ...bothTypes('signatures are 64 bytes in a plain Uint8Array and verify'),
      'verify answers false for keys and signatures of wrong lengths',
      'verify answers false when any bit of message, signature or key is flipped',
      'verify fails with vault/type-mismatch when key and signature are of different types',
      'verify refuses Ed25519 edge encodings: strict profile',
      'verify refuses P-256 scalars out of range and keys in other forms',
    ],
  },
  {
    what: 'a verifier that never agrees',
    sabotage: ({ verifying }) => ({
      verifying: replacing(verifying, { verify: async (...args) => (await verifying.verify(...args)) && false }),
    }),
    fails: [
      ...bothTypes('a key is found by its public key after a restart and signs as before'),
      ...bothTypes('signatures are 64 bytes in a plain Uint8Array and verify'),
      ...bothTypes('thirty signatures at once are all right'),
      'verify accepts P-256 signatures of RFC 6979 with high and low s',
      'verify accepts the Ed25519 signatures of RFC 8032',
      'verify answers false when any bit of message, signature or key is flipped',
    ],
  },
]
