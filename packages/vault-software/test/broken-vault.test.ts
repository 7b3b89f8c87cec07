/**
 * The vault kit is able to fail: each vault here breaks one promise, and exactly the checks of that promise fail. A kit that misses one of these
 * would approve of a vault that loses keys or lets forgeries through.
 */

import { type VaultUnderTest, vaultConformance } from '@ockam/conformance'
import { createHash, hkdfSync } from 'node:crypto'
import { type AeadKey, memoryStore, OckamError, type SigningKey, type Vault } from '@ockam/core'
import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { createBackend } from '../src/primitives-node.ts'
import { assembleVault } from '../src/vault-assembly.ts'

type Sabotage = (vault: Vault) => Partial<Vault>

const stores = new WeakMap<object, ReturnType<typeof memoryStore>>()
const closers = new WeakMap<object, () => Promise<void>>()

function brokenKit(sabotage: Sabotage) {
  const open = (store = memoryStore()): VaultUnderTest => {
    const vault = assembleVault(createBackend(), { store })
    const broken: VaultUnderTest = {
      signing: vault.signing,
      verifying: vault.verifying,
      channel: vault.channel,
      primitives: vault.primitives,
      ...sabotage(vault),
    }
    stores.set(broken, store)
    closers.set(broken, () => vault.close())
    return broken
  }
  return vaultConformance({
    create: async () => open(),
    reopen: async (vault) => {
      await closers.get(vault)?.()
      return open(stores.get(vault))
    },
  })
}

async function failingChecks(sabotage: Sabotage): Promise<string[]> {
  const failing: string[] = []
  for (const check of brokenKit(sabotage)) {
    try {
      await check.run()
    } catch {
      failing.push(check.name)
    }
  }
  return failing
}

/** The same object with some methods replaced; the rest stays bound to the genuine one. */
function replacing<T extends object>(genuine: T, changes: Partial<T>): T {
  return new Proxy(genuine, {
    get(target, name) {
      const value: unknown = Reflect.get(Object.hasOwn(changes, name) ? changes : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A vault whose AEAD keys have some methods replaced. */
function withAead(change: (key: AeadKey, bytes: Uint8Array) => Partial<AeadKey>): Sabotage {
  return ({ primitives }) => ({
    primitives: replacing(primitives, {
      aeadKey: (bytes, algorithm) => {
        const key = primitives.aeadKey(bytes, algorithm)
        return replacing(key, change(key, bytes))
      },
    }),
  })
}

const both = (name: string) => [`aes-256-gcm: ${name}`, `chacha20-poly1305: ${name}`]
const bothTypes = (name: string) => [`ed25519: ${name}`, `p256: ${name}`]

const SABOTAGES: readonly { readonly what: string; readonly sabotage: Sabotage; readonly fails: readonly string[] }[] = [
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
            const found = await (signing as ReturnType<typeof assembleVault>['signing']).findSigningKey(of)
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
    what: 'an AEAD that ignores associated data',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce) => key.sealInto(out, outAt, input, inAt, length, nonce),
      openInto: (out, outAt, input, inAt, length, nonce) => key.openInto(out, outAt, input, inAt, length, nonce),
    })),
    fails: [
      ...both('sealing gives the known answers'),
      ...both('a flipped bit anywhere, another nonce, key or associated data does not open'),
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
    fails: both('what does not open leaves zeros in its range and only there'),
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
    fails: [...both('what does not open leaves zeros in its range and only there'), ...both('fewer than 16 bytes do not open')],
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
      ...both('sealing gives the known answers'),
      ...both('a flipped bit anywhere, another nonce, key or associated data does not open'),
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
    fails: both('sealing and opening work at any offset and touch nothing outside their range'),
  },
  {
    what: 'a rekey by hash',
    sabotage: ({ primitives }) =>
      withAead((_, bytes) => ({ rekey: () => primitives.aeadKey(primitives.sha256(bytes)) }))({ primitives } as Vault),
    fails: [
      ...both('rekey gives the key of Noise section 4.2 and leaves the receiver usable'),
      ...both('a destroyed key fails with vault/unknown-key'),
    ],
  },
  {
    what: 'a destroy that destroys nothing',
    sabotage: withAead(() => ({ destroy: () => undefined })),
    fails: both('a destroyed key fails with vault/unknown-key'),
  },
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
  {
    what: 'an AEAD that loses the last byte of long messages',
    sabotage: withAead((key) => ({
      openInto: (out, outAt, input, inAt, length, nonce, aad) => {
        const isOpen = key.openInto(out, outAt, input, inAt, length, nonce, aad)
        if (isOpen && length > 60_000) out[outAt + length - 17] = 0
        return isOpen
      },
    })),
    fails: both('all lengths around block boundaries open to what was sealed'),
  },
  {
    what: 'an AEAD that does not work in place',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce, aad) => {
        const source = out.buffer === input.buffer && length > 0 && nonce === 3 ? new Uint8Array(input.length) : input
        key.sealInto(out, outAt, source, inAt, length, nonce, aad)
      },
    })),
    fails: both('sealing and opening work in place'),
  },
  {
    what: 'an AEAD that opens messages without a whole tag',
    sabotage: withAead((key) => ({
      openInto: (out, outAt, input, inAt, length, nonce, aad) =>
        (length >= 0 && length < 16) || key.openInto(out, outAt, input, inAt, length, nonce, aad),
    })),
    fails: both('fewer than 16 bytes do not open'),
  },
  {
    what: 'an AEAD that tells empty from absent associated data',
    sabotage: withAead((key) => ({
      sealInto: (out, outAt, input, inAt, length, nonce, aad) =>
        key.sealInto(out, outAt, input, inAt, length, nonce, aad?.length === 0 ? Uint8Array.of(0) : aad),
    })),
    fails: both('absent and empty associated data are the same'),
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
    fails: both('ranges outside the arrays and impossible nonces fail with vault/invalid-argument'),
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
    fails: both('the key is copied: wiping the array it came in changes nothing'),
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
  {
    what: 'keys of channels that come back after a restart',
    sabotage: ({ channel }) => {
      const gone = new WeakSet()
      const persistent = channel as ReturnType<typeof assembleVault>['channel']
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
  {
    what: 'a missing slot',
    sabotage: () => ({ channel: undefined }) as unknown as Partial<Vault>,
    fails: brokenKit(() => ({}))
      .map(({ name }) => name)
      .filter((name) => /X25519|^dh |^generating and dh /.test(name)),
  },
]

let sharedKey: SigningKey | undefined

function subtractFromOrder(s: Uint8Array): Uint8Array {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  return Uint8Array.from(Buffer.from((order - BigInt(`0x${Buffer.from(s).toString('hex')}`)).toString(16).padStart(64, '0'), 'hex'))
}

describe('the vault kit fails a vault with', () => {
  for (const { what, sabotage, fails } of SABOTAGES) {
    test(what, { timeout: 30_000 }, async () => {
      const names = (await failingChecks(sabotage)).toSorted()
      expect(names).toEqual([...fails].toSorted())
    })
  }

  test('nothing wrong with it not at all', async () => {
    expect(await failingChecks(() => ({}))).toEqual([])
  })

  test('each of its checks broken at least once', () => {
    const failed = new Set(SABOTAGES.flatMap(({ what, fails }) => (what === 'a missing slot' ? [] : fails)))
    expect(
      brokenKit(() => ({}))
        .map(({ name }) => name)
        .filter((name) => !failed.has(name)),
    ).toEqual([])
  })
})
