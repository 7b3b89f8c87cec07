/**
 * The accelerator as it was built here. Without a C compiler it is not there: tests that need it say so once and are skipped, or fail where everything
 * is required.
 */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AeadAlgorithm, AeadKey, BatchAeadKey } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { type Addon, addonFiles, loadAddon } from '../src/addon.ts'
import { nativeAead } from '../src/index.ts'

const prebuilds = fileURLToPath(new URL('../prebuilds', import.meta.url))

/** Whether there is one. What was built has to load: a broken addon is a failure and no reason to skip. */
export const isBuilt: boolean = existsSync(prebuilds)

if (!isBuilt) console.log('The native AEAD was not built, so its tests are skipped. With a C compiler: node packages/aead-native/build.mjs')

/** Each index is what the addon calls the algorithm. */
export const algorithms: readonly AeadAlgorithm[] = ['aes-256-gcm', 'chacha20-poly1305']

export const secret: Uint8Array<ArrayBuffer> = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1)

export const open = (): Addon => loadAddon()

/** For threads, which load it themselves. */
export const addonFile = (): string => addonFiles()[0] as string

export const nativeKey = (algorithm: AeadAlgorithm, key: Uint8Array = secret): AeadKey & BatchAeadKey =>
  nativeAead().aeadKey(key, algorithm) as AeadKey & BatchAeadKey

/** A key of the software vault's own: what the native one is compared with. */
export const ownKey = (algorithm: AeadAlgorithm, key: Uint8Array = secret): AeadKey & Partial<BatchAeadKey> =>
  softwareVault().primitives.aeadKey(key, algorithm)

export function plainText(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(length)
  for (let i = 0; i < length; i++) text[i] = i * 31 + seed * 17
  return text
}
