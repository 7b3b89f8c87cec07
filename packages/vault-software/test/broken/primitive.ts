/** Broken hashes, comparisons and slabs, each with the checks that must notice. */

import { createHash, hkdfSync } from 'node:crypto'
import { type BrokenVault, replacing } from './sabotage.ts'

export const brokenPrimitives: readonly BrokenVault[] = [
  {
    what: 'a comparison of prefixes',
    sabotage: ({ primitives }) => ({
      primitives: replacing(primitives, { isEqual: (a, b) => a.every((byte, at) => at >= b.length || byte === b[at]) }),
    }),
    fails: ['isEqual compares content and length'],
  },
  {
    what: 'slabs from a pool',
    sabotage: ({ primitives }) => {
      const pool = new Uint8Array(1 << 20)
      return {
        primitives: replacing(primitives, { allocate: (length) => (length < 0 ? primitives.allocate(length) : pool.subarray(0, length)) }),
      }
    },
    fails: ['allocate gives zeroed slabs that share no memory'],
  },
  {
    what: 'hashes that share their memory',
    sabotage: ({ primitives }) => {
      const shared = new Uint8Array(64)
      return {
        primitives: replacing(primitives, {
          sha256: (bytes) => {
            shared.set(primitives.sha256(bytes))
            return shared.subarray(0, 32)
          },
        }),
      }
    },
    fails: ['results are plain arrays of the caller, fresh each time'],
  },
  {
    what: 'another hash',
    sabotage: ({ primitives }) => ({
      primitives: replacing(primitives, {
        sha256: (bytes) => new Uint8Array(createHash('sha3-256').update(bytes).digest()),
        hkdfSha256: (salt, inputKey, info, length) =>
          new Uint8Array(hkdfSync('sha3-256', inputKey, salt, info, Math.min(8160, Math.max(0, Math.floor(length))))),
      }),
    }),
    fails: [
      'hkdfSha256 gives the answers of RFC 5869',
      'hkdfSha256 takes an empty input key and gives up to 8160 bytes, no more',
      'sha256 gives the answers of FIPS 180-4',
    ],
  },
  {
    what: 'primitives that wipe their input',
    sabotage: ({ primitives }) => ({
      primitives: replacing(primitives, {
        sha256: (bytes) => {
          const digest = primitives.sha256(bytes)
          bytes.fill(0)
          return digest
        },
      }),
    }),
    fails: ['sha256 and hkdfSha256 leave their input as it was'],
  },
]
