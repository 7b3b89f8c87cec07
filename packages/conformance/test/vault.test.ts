/** The vault kit itself. That each of its checks is able to fail is proved where there is a vault to break: in `vault-software`. */

import type { Vault } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { vaultConformance } from '../src/index.ts'
import { referenceX25519 } from '../src/vault/x25519-reference.ts'

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
const create = async () => ({})

describe('the X25519 reference of the vault kit', () => {
  test('gives the answers of RFC 7748 section 5.2', () => {
    expect(
      referenceX25519(
        hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
        hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
      ),
    ).toEqual(hex('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'))
    expect(
      referenceX25519(
        hex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d'),
        hex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493'),
      ),
    ).toEqual(hex('95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957'))
  })

  test('gives the answers of RFC 7748 section 6.1', () => {
    const alice = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
    expect(referenceX25519(alice)).toEqual(hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'))
    const bob = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    expect(referenceX25519(alice, bob)).toEqual(hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'))
  })
})

describe('the list of checks', () => {
  const names = (options: Partial<Parameters<typeof vaultConformance>[0]>) =>
    vaultConformance({ create, ...options }).map(({ name }) => name)

  test('has no name twice', () => {
    const all = names({ reopen: create })
    expect(new Set(all).size).toBe(all.length)
    expect(all.length).toBeGreaterThan(70)
  })

  test('is made of the slots, key types and algorithms that were named, and of persistence when there is a restart', () => {
    expect(
      names({ slots: ['signing'], signingKeyTypes: ['p256'] }).every((name) => !name.includes('X25519') && !name.startsWith('ed25519')),
    ).toBe(true)
    expect(names({ slots: ['primitives'], aeadAlgorithms: ['aes-256-gcm'] }).some((name) => name.startsWith('chacha20'))).toBe(false)
    expect(names({}).some((name) => name.includes('restart'))).toBe(false)
    expect(names({ reopen: create, slots: ['signing'] }).filter((name) => name.includes('restart'))).toHaveLength(4)
    expect(names({ reopen: create, slots: ['verifying'] }).filter((name) => name.includes('restart'))).toHaveLength(0)
  })

  test('fails a vault that lacks a slot, every check of it, and closes what it created', async () => {
    for (const slot of ['signing', 'verifying', 'channel', 'primitives'] as const satisfies readonly (keyof Vault)[]) {
      let [opened, closed] = [0, 0]
      const counting = async () => {
        opened++
        return { close: async () => void closed++ }
      }
      for (const { name, run } of vaultConformance({ create: counting, slots: [slot] })) {
        await expect(run(), name).rejects.toThrow(`the slot "${slot}"`)
      }
      expect(opened).toBeGreaterThan(0)
      expect(closed).toBe(opened)
    }
  })
})
