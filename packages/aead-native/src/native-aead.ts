/** `nativeAead()`: the accelerator where it can be used, and plain words where it cannot. */

import { type AeadAlgorithm, type AeadKey, OckamError, type Primitives } from '@ockam/core'
import { type Addon, loadAddon } from './addon.ts'
import { requireBytes } from './argument.ts'
import { nativeAeadError } from './error.ts'
import { NativeAeadKey } from './native-aead-key.ts'
import { findDifference } from './self-check.ts'

/** In the order of the addon. */
const ALGORITHMS: readonly AeadAlgorithm[] = ['aes-256-gcm', 'chacha20-poly1305']

export type NativeAead = Pick<Primitives, 'aeadKey'>

/** Loaded and checked once in each thread, or why not. */
let found: NativeAead | OckamError | undefined

/**
 * The AEAD keys of this package, for `softwareVault({ aead: nativeAead() })`. They are `AeadKey` and `BatchAeadKey` of core.
 * @throws {OckamError} `vault/unsupported`: there is no addon for this platform, it cannot be loaded into this program, or it does not do what
 *   `node:crypto` does. The message says which.
 */
export function nativeAead(): NativeAead {
  found ??= tryToLoad(loadAddon)
  if (OckamError.is(found)) throw found
  return found
}

/** As {@link nativeAead}, but undefined where there is none: for programs that run as well without. */
export function findNativeAead(): NativeAead | undefined {
  found ??= tryToLoad(loadAddon)
  return OckamError.is(found) ? undefined : found
}

/** The error says why there is none. */
export function tryToLoad(load: () => Addon): NativeAead | OckamError {
  try {
    const addon = load()
    requireSameAsNode(addon)
    return aeadOf(addon)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return nativeAeadError('vault/unsupported', `The native AEAD cannot be used here: ${why}.`, { cause: error })
  }
}

/** @throws {Error} how this addon differs from `node:crypto`. */
export function requireSameAsNode(addon: Addon): void {
  // Another OpenSSL than node's own can be in the process, brought by another addon.
  const { openssl } = process.versions
  if (addon.openssl.split(' ')[1] !== openssl) throw new Error(`it finds ${addon.openssl}, but node has OpenSSL ${openssl}`)
  for (const [index, algorithm] of ALGORITHMS.entries()) {
    const difference = findDifference(addon, algorithm, index)
    if (difference !== undefined) throw new Error(`its ${algorithm} is not that of node:crypto, it ${difference}`)
  }
}

export function aeadOf(addon: Addon): NativeAead {
  return {
    aeadKey(key, algorithm = 'aes-256-gcm'): AeadKey {
      requireBytes('aeadKey: key', key, 32)
      const index = ALGORITHMS.indexOf(algorithm)
      const made = index < 0 ? undefined : addon.create(key, index)
      if (made === undefined) throw nativeAeadError('vault/unsupported', `There is no AEAD algorithm "${algorithm}" here.`)
      return new NativeAeadKey(addon, made)
    },
  }
}
