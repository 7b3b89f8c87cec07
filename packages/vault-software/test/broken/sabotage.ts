/** How a vault is broken for the proof that the vault kit is able to fail. */

import type { AeadKey, Vault } from '@ockam/core'

/** Replaces some slots of a genuine vault. */
export type Sabotage = (vault: Vault) => Partial<Vault>

export interface BrokenVault {
  readonly what: string
  readonly sabotage: Sabotage
  /** The names of exactly the checks that must fail. */
  readonly fails: readonly string[]
}

/** The same object with some methods replaced; the rest stays bound to the genuine one. */
export function replacing<T extends object>(genuine: T, changes: Partial<T>): T {
  return new Proxy(genuine, {
    get(target, name) {
      const value: unknown = Reflect.get(Object.hasOwn(changes, name) ? changes : target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A vault whose AEAD keys have some methods replaced. */
export function withAead(change: (key: AeadKey, bytes: Uint8Array) => Partial<AeadKey>): Sabotage {
  return ({ primitives }) => ({
    primitives: replacing(primitives, {
      aeadKey: (bytes, algorithm) => {
        const key = primitives.aeadKey(bytes, algorithm)
        return replacing(key, change(key, bytes))
      },
    }),
  })
}

/** A check that exists for each AEAD algorithm. */
export const bothAlgorithms = (name: string): string[] => [`aes-256-gcm: ${name}`, `chacha20-poly1305: ${name}`]

/** A check that exists for each type of signing key. */
export const bothTypes = (name: string): string[] => [`ed25519: ${name}`, `p256: ${name}`]
