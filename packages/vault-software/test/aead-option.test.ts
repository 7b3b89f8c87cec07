/** AEAD keys from elsewhere: which calls go there, and which stay here. */

import { type AeadKey, memoryStore, OckamError, type Primitives } from '@ockam/core'
import { describe, expect, test, vi } from 'vitest'
import { createBackend } from '../src/primitives-node.ts'
import { softwareVault } from '../src/index.ts'
import { assembleVault } from '../src/vault-assembly.ts'

const code = (name: string) => expect.objectContaining({ code: `vault/${name}` })
const secret = new Uint8Array(32).fill(7)
const seal = (key: AeadKey) => {
  const sealed = new Uint8Array(26)
  key.sealInto(sealed, 0, sealed, 0, 10, 1)
  return sealed
}

describe('aead', () => {
  const marked = {} as AeadKey

  test('makes the AEAD keys of the vault, and is told the key and the algorithm', () => {
    const aeadKey = vi.fn<Primitives['aeadKey']>(() => marked)
    const { primitives } = softwareVault({ aead: { aeadKey } })
    expect(primitives.aeadKey(secret)).toBe(marked)
    expect(primitives.aeadKey(secret, 'chacha20-poly1305')).toBe(marked)
    expect(aeadKey.mock.calls).toEqual([
      [secret, 'aes-256-gcm'],
      [secret, 'chacha20-poly1305'],
    ])
  })

  test('leaves algorithms that it does not have to the vault', () => {
    const own = softwareVault().primitives
    const { primitives } = softwareVault({
      aead: {
        aeadKey(_key, algorithm) {
          if (algorithm === 'aes-256-gcm') return marked
          throw new OckamError('vault/unsupported', 'not here')
        },
      },
    })
    expect(primitives.aeadKey(secret)).toBe(marked)
    expect(seal(primitives.aeadKey(secret, 'chacha20-poly1305'))).toEqual(seal(own.aeadKey(secret, 'chacha20-poly1305')))
    expect(() => primitives.aeadKey(secret, 'rot13' as 'aes-256-gcm')).toThrow(code('unsupported'))
  })

  test('that fails is not replaced in silence', () => {
    for (const error of [new Error('broken'), new OckamError('vault/unknown-key', 'broken')]) {
      const aead = {
        aeadKey(): AeadKey {
          throw error
        },
      }
      expect(() => softwareVault({ aead }).primitives.aeadKey(secret)).toThrow(error)
    }
  })

  test('gets arguments that were checked, and must be able to make keys', () => {
    const aeadKey = vi.fn<Primitives['aeadKey']>(() => marked)
    const { primitives } = softwareVault({ aead: { aeadKey } })
    expect(() => primitives.aeadKey(new Uint8Array(31))).toThrow(code('invalid-argument'))
    expect(() => primitives.aeadKey(secret, 'toString' as 'aes-256-gcm')).toThrow(code('unsupported'))
    expect(aeadKey).not.toHaveBeenCalled()
    for (const strange of [null, 5, {}, { aeadKey: 'yes' }]) {
      expect(() => softwareVault({ aead: strange as unknown as Primitives })).toThrow(code('invalid-argument'))
    }
  })

  test('has no part in sealing what is stored', async () => {
    const store = memoryStore()
    const aeadKey = vi.fn<Primitives['aeadKey']>(() => marked)
    const vault = assembleVault(createBackend(), { store, aead: { aeadKey } })
    const { publicKey } = await vault.channel.generateStaticKey()
    await vault.close()
    expect(await assembleVault(createBackend(), { store }).channel.findStaticKey(publicKey)).toBeDefined()
    expect(aeadKey).not.toHaveBeenCalled()
  })
})
