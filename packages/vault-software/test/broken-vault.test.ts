/**
 * The vault kit is able to fail: each vault here breaks one promise, and exactly the checks of that promise fail. A kit that misses one of these
 * would approve of a vault that loses keys or lets forgeries through.
 */

import { type ConformanceCheck, type VaultUnderTest, vaultConformance } from '@ockam/conformance'
import { memoryStore } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { createBackend } from '../src/primitives-node.ts'
import { assembleVault } from '../src/vault-assembly.ts'
import { brokenAead } from './broken/aead.ts'
import { brokenChannels } from './broken/channel.ts'
import { brokenPrimitives } from './broken/primitive.ts'
import type { Sabotage } from './broken/sabotage.ts'
import { brokenSigning } from './broken/signing.ts'
import { brokenVerifying } from './broken/verifying.ts'

const brokenVaults = [...brokenSigning, ...brokenVerifying, ...brokenChannels, ...brokenPrimitives, ...brokenAead]
const nothing: Sabotage = () => ({})

function kitOver(sabotage: Sabotage): readonly ConformanceCheck[] {
  const stores = new WeakMap<object, ReturnType<typeof memoryStore>>()
  const closers = new WeakMap<object, () => Promise<void>>()
  const open = (store = memoryStore()): VaultUnderTest => {
    const vault = assembleVault(createBackend(), { store })
    const { signing, verifying, channel, primitives } = vault
    const broken: VaultUnderTest = { signing, verifying, channel, primitives, ...sabotage(vault) }
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
  for (const check of kitOver(sabotage)) {
    try {
      await check.run()
    } catch {
      failing.push(check.name)
    }
  }
  return failing.toSorted()
}

describe('the vault kit fails a vault with', () => {
  for (const { what, sabotage, fails } of brokenVaults) {
    test(what, { timeout: 30_000 }, async () => {
      expect(await failingChecks(sabotage)).toEqual(fails.toSorted())
    })
  }

  test('nothing wrong with it not at all', async () => {
    expect(await failingChecks(nothing)).toEqual([])
  })

  test('each of its checks broken at least once', () => {
    const failed = new Set(brokenVaults.flatMap(({ fails }) => fails))
    const never = kitOver(nothing).filter(({ name }) => !failed.has(name))
    expect(never.map(({ name }) => name)).toEqual([])
  })
})
