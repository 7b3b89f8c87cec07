/** Broken channel slots, each with the checks that must notice. */

import { OckamError } from '@ockam/core'
import type { SoftwareVault } from '../../src/vault-assembly.ts'
import { type BrokenVault, replacing } from './sabotage.ts'

export const brokenChannels: readonly BrokenVault[] = [
  {
    what: 'a channel vault that accepts zero results',
    sabotage: ({ channel }) => ({
      channel: replacing(channel, {
        dh: async (key, publicKey, options) => {
          try {
            return await channel.dh(key, publicKey, options)
          } catch (failure) {
            if (publicKey.length === 32 && (failure as { code?: string }).code === 'vault/invalid-key') return new Uint8Array(32)
            throw failure
          }
        },
      }),
    }),
    fails: ['dh refuses public keys with an all-zero result (RFC 7748 section 6.1)'],
  },
  {
    what: 'a channel vault with a symmetric function that is not X25519',
    sabotage: ({ channel, primitives }) => ({
      channel: replacing(channel, {
        dh: async (key, publicKey, options) => {
          await channel.dh(key, publicKey, options)
          const masked = publicKey.map((byte, at) => (at === 31 ? byte & 0x7f : byte))
          return primitives.sha256(key.publicKey.map((byte, at) => byte ^ (masked[at] ?? 0)))
        },
      }),
    }),
    fails: [
      'static X25519: dh is X25519 of RFC 7748',
      'ephemeral X25519: dh is X25519 of RFC 7748',
      'static X25519: a key is found by its public key after a restart and agrees as before',
    ],
  },
  {
    what: 'ephemeral keys that persist',
    sabotage: ({ channel }) => ({ channel: replacing(channel, { generateEphemeralKey: (options) => channel.generateStaticKey(options) }) }),
    fails: ['ephemeral X25519: a key is not found after a restart, nor before'],
  },
  {
    what: 'a channel vault that ignores lengths',
    sabotage: ({ channel }) => ({
      channel: replacing(channel, {
        dh: (key, publicKey, options) => {
          const padded = new Uint8Array(32).fill(9)
          padded.set(publicKey.subarray(0, 32))
          return channel.dh(key, padded, options)
        },
      }),
    }),
    fails: ['dh refuses public keys that are not 32 bytes'],
  },
  {
    what: 'a channel vault that refuses the top bit',
    sabotage: ({ channel }) => ({
      channel: replacing(channel, {
        dh: (key, publicKey, options) => channel.dh(key, (publicKey[31] ?? 0) > 0x7f ? new Uint8Array(32) : publicKey, options),
      }),
    }),
    fails: ['dh ignores the top bit of a public key (RFC 7748 section 5)'],
  },
  {
    what: 'a channel vault that remembers and shares its results',
    sabotage: ({ channel }) => {
      const results = new Map<string, Uint8Array>()
      return {
        channel: replacing(channel, {
          dh: async (key, publicKey, options) => {
            const name = `${key.publicKey.join()}/${publicKey.join()}`
            const shared = results.get(name) ?? (await channel.dh(key, publicKey, options))
            results.set(name, shared)
            return shared
          },
        }),
      }
    },
    fails: ['dh gives each caller an array of its own, so that wiping it harms nobody'],
  },
  {
    what: 'a channel vault that gives one-sided results',
    sabotage: ({ channel, primitives }) => ({
      channel: replacing(channel, {
        dh: async (key, publicKey, options) => {
          const shared = await channel.dh(key, publicKey, options)
          return primitives.sha256(Uint8Array.of(...shared, ...key.publicKey))
        },
      }),
    }),
    fails: [
      'dh between a static and an ephemeral key gives both sides the same secret',
      'ephemeral X25519: dh is X25519 of RFC 7748',
      'static X25519: a key is found by its public key after a restart and agrees as before',
      'static X25519: dh is X25519 of RFC 7748',
    ],
  },
  {
    what: 'a channel vault that cannot be called off',
    sabotage: ({ channel }) => ({
      channel: replacing(channel, {
        generateStaticKey: () => channel.generateStaticKey(),
        generateEphemeralKey: () => channel.generateEphemeralKey(),
        dh: (key, publicKey) => channel.dh(key, publicKey),
      }),
    }),
    fails: ['generating and dh reject with the reason of an aborted signal'],
  },
  {
    what: 'a channel vault with one static key that answers for every handle',
    sabotage: ({ channel }) => {
      let only: ReturnType<typeof channel.generateStaticKey> | undefined
      return {
        channel: replacing(channel, {
          generateStaticKey: async (options) => {
            options?.signal?.throwIfAborted()
            only ??= channel.generateStaticKey()
            return only
          },
          dh: (key, publicKey, options) =>
            channel.dh(key, publicKey, options).catch(async (failure: unknown) => {
              if ((failure as { code?: string }).code !== 'vault/unknown-key') throw failure
              only ??= channel.generateStaticKey()
              return channel.dh(await only, publicKey)
            }),
        }),
      }
    },
    fails: [
      'ephemeral X25519: a deleted key is gone for good',
      'ephemeral X25519: a key of another vault is unknown',
      'static X25519: a deleted key is gone for good',
      'static X25519: a key of another vault is unknown',
      'static X25519: a new key shows a public key of 32 bytes, another each time',
    ],
  },
  {
    what: 'a channel vault that only pretends to delete',
    sabotage: ({ channel }) => ({ channel: replacing(channel, { deleteDhKey: async () => true }) }),
    fails: [
      'ephemeral X25519: a deleted key is gone for good',
      'ephemeral X25519: a key of another vault is unknown',
      'static X25519: a deleted key is gone for good',
      'static X25519: a deleted key stays deleted after a restart',
      'static X25519: a key of another vault is unknown',
    ],
  },
  {
    what: 'keys of channels that come back after a restart',
    sabotage: ({ channel }) => {
      const gone = new WeakSet()
      const persistent = channel as SoftwareVault['channel']
      return {
        channel: replacing(persistent, {
          deleteDhKey: async (key) => {
            if (gone.has(key)) return false
            if ((await persistent.findStaticKey(key.publicKey)) !== key) return channel.deleteDhKey(key)
            gone.add(key)
            return true
          },
          dh: (key, publicKey, options) => {
            if (gone.has(key)) throw new OckamError('vault/unknown-key', 'deleted')
            return channel.dh(key, publicKey, options)
          },
          findStaticKey: async (publicKey) => {
            const found = await persistent.findStaticKey(publicKey)
            return found !== undefined && gone.has(found) ? undefined : found
          },
        }),
      }
    },
    fails: ['static X25519: a deleted key stays deleted after a restart'],
  },
]
