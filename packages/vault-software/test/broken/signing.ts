/** Broken signing slots, each with the checks that must notice. */

import type { SigningKey } from '@ockam/core'
import type { SoftwareVault } from '../../src/vault-assembly.ts'
import { bothTypes, type BrokenVault, replacing } from './sabotage.ts'

let sharedKey: SigningKey | undefined

export const brokenSigning: readonly BrokenVault[] = [
  {
    what: 'signatures one byte too long',
    sabotage: ({ signing }) => ({
      signing: replacing(signing, {
        sign: async (...args) => {
          const { type, bytes } = await signing.sign(...args)
          return { type, bytes: Uint8Array.of(...bytes, 0) }
        },
      }),
    }),
    fails: [
      ...bothTypes('signatures are 64 bytes in a plain Uint8Array and verify'),
      ...bothTypes('thirty signatures at once are all right'),
      ...bothTypes('a key is found by its public key after a restart and signs as before'),
    ],
  },
  {
    what: 'signatures in a Buffer',
    sabotage: ({ signing }) => ({
      signing: replacing(signing, {
        sign: async (...args) => {
          const { type, bytes } = await signing.sign(...args)
          return { type, bytes: Buffer.from(bytes) }
        },
      }),
    }),
    fails: bothTypes('signatures are 64 bytes in a plain Uint8Array and verify'),
  },
  {
    what: 'P-256 signatures with a high s',
    sabotage: ({ signing }) => ({
      signing: replacing(signing, {
        sign: async (...args) => {
          const { type, bytes } = await signing.sign(...args)
          if (type === 'p256') bytes.set(subtractFromOrder(bytes.subarray(32)), 32)
          return { type, bytes }
        },
      }),
    }),
    fails: ['p256: twenty signatures all have a low s'],
  },
  {
    what: 'a vault that answers for the handles of another vault',
    sabotage: ({ signing }) => ({
      signing: replacing(signing, {
        sign: async (key, message, options) => {
          sharedKey ??= await signing.generateSigningKey('ed25519')
          return signing
            .sign(key, message, options)
            .catch(() => signing.sign(sharedKey as SigningKey, message).catch(() => ({ type: 'ed25519', bytes: new Uint8Array(64) })))
        },
      }),
    }),
    fails: [
      ...bothTypes('a deleted key is gone for good'),
      ...bothTypes('a key of another vault is unknown'),
      'signing and generating reject with the reason of an aborted signal',
    ],
  },
  {
    what: 'one key handed out twice',
    sabotage: ({ channel, signing }) => {
      const first = new Map<string, ReturnType<typeof signing.generateSigningKey>>()
      let firstDh: ReturnType<typeof channel.generateEphemeralKey> | undefined
      return {
        signing: replacing(signing, {
          generateSigningKey: (type, options) => {
            if (options !== undefined || (type !== 'p256' && type !== 'ed25519')) return signing.generateSigningKey(type, options)
            const key = first.get(type) ?? signing.generateSigningKey(type)
            first.set(type, key)
            return key
          },
        }),
        channel: replacing(channel, {
          generateEphemeralKey: (options) =>
            options === undefined ? (firstDh ??= channel.generateEphemeralKey()) : channel.generateEphemeralKey(options),
        }),
      }
    },
    fails: [
      ...bothTypes('a deleted key is gone for good'),
      ...bothTypes('every key is another'),
      'ephemeral X25519: a deleted key is gone for good',
      'ephemeral X25519: a new key shows a public key of 32 bytes, another each time',
    ],
  },
  {
    what: 'a vault that forgets keys at a restart',
    sabotage: ({ signing }) => {
      const own = new WeakSet()
      return {
        signing: replacing(signing, {
          generateSigningKey: async (...args) => {
            const key = await signing.generateSigningKey(...args)
            own.add(key)
            return key
          },
          findSigningKey: async (of: SigningKey['verifyingKey']) => {
            const found = await (signing as SoftwareVault['signing']).findSigningKey(of)
            return found !== undefined && own.has(found) ? found : undefined
          },
        } as Partial<typeof signing>),
      }
    },
    fails: bothTypes('a key is found by its public key after a restart and signs as before'),
  },
  {
    what: 'a vault that only pretends to delete',
    sabotage: ({ signing }) => ({
      signing: replacing(signing, { deleteSigningKey: async () => true }),
    }),
    fails: [
      ...bothTypes('a deleted key is gone for good'),
      ...bothTypes('a key of another vault is unknown'),
      ...bothTypes('a deleted key stays deleted after a restart'),
    ],
  },
  {
    what: 'handles of another kind',
    sabotage: ({ signing, channel }) => {
      const genuine = new WeakMap<object, object>()
      const alias = <Key extends object>(key: Key): Key => {
        const other: Key = { ...key, kind: 'key' }
        genuine.set(other, key)
        return other
      }
      const resolve = <Key extends object>(key: Key) => (genuine.get(key) ?? key) as Key
      return {
        signing: replacing(signing, {
          generateSigningKey: async (...args) => alias(await signing.generateSigningKey(...args)),
          sign: (key, ...rest) => signing.sign(resolve(key), ...rest),
          deleteSigningKey: (key) => signing.deleteSigningKey(resolve(key)),
        }),
        channel: replacing(channel, {
          generateStaticKey: async (options) => alias(await channel.generateStaticKey(options)),
          generateEphemeralKey: async (options) => alias(await channel.generateEphemeralKey(options)),
          dh: (key, ...rest) => channel.dh(resolve(key), ...rest),
          deleteDhKey: (key) => channel.deleteDhKey(resolve(key)),
        }),
      }
    },
    fails: [
      'ed25519: a new key shows its type and a public key of 32 bytes',
      'ephemeral X25519: a new key shows a public key of 32 bytes, another each time',
      'p256: a new key shows its type and a public key of 65 bytes',
      'static X25519: a new key shows a public key of 32 bytes, another each time',
    ],
  },
  {
    what: 'a signer that writes to the message',
    sabotage: ({ signing }) => ({
      signing: replacing(signing, {
        sign: async (key, message, options) => {
          const signature = await signing.sign(key, message, options)
          message.fill(1)
          return signature
        },
      }),
    }),
    fails: [
      ...bothTypes('a key is found by its public key after a restart and signs as before'),
      ...bothTypes('sign leaves the message as it was'),
      ...bothTypes('signatures are 64 bytes in a plain Uint8Array and verify'),
      'ed25519: signing the same twice gives the same signature (RFC 8032)',
      ...bothTypes('thirty signatures at once are all right'),
    ],
  },
  {
    what: 'a signer whose signatures are random bytes',
    sabotage: ({ signing }) => ({
      signing: replacing(signing, {
        sign: async (...args) => ({ type: (await signing.sign(...args)).type, bytes: crypto.getRandomValues(new Uint8Array(64)) }),
      }),
    }),
    fails: [
      ...bothTypes('a key is found by its public key after a restart and signs as before'),
      ...bothTypes('signatures are 64 bytes in a plain Uint8Array and verify'),
      'ed25519: signing the same twice gives the same signature (RFC 8032)',
      ...bothTypes('thirty signatures at once are all right'),
      'p256: twenty signatures all have a low s',
    ],
  },
  {
    what: 'a signer that mixes up keys under load',
    sabotage: ({ signing }) => {
      let last: SigningKey | undefined
      return {
        signing: replacing(signing, {
          sign: async (key, message, options) => {
            const isSame = last?.verifyingKey.type === key.verifyingKey.type
            const used = last !== undefined && isSame ? last : key
            last = key
            await new Promise((resolve) => setTimeout(resolve, 1))
            last = undefined
            return signing.sign(used, message, options)
          },
        }),
      }
    },
    fails: bothTypes('thirty signatures at once are all right'),
  },
  {
    what: 'Ed25519 keys for whoever asks for something else',
    sabotage: ({ signing }) => ({
      signing: replacing(signing, {
        generateSigningKey: (type, options) => signing.generateSigningKey(type === 'p256' ? type : 'ed25519', options),
      }),
    }),
    fails: ['key types the vault cannot hold fail with vault/unsupported'],
  },
]

function subtractFromOrder(s: Uint8Array): Uint8Array {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  return Uint8Array.from(Buffer.from((order - BigInt(`0x${Buffer.from(s).toString('hex')}`)).toString(16).padStart(64, '0'), 'hex'))
}
