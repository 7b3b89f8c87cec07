/** What `native/aead.c` exports, and where it is found. */

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

declare const keyBrand: unique symbol
/** A key inside the addon, wiped when it is destroyed or collected. */
export interface AddonKey {
  readonly [keyBrand]: true
}

/** `enum outcome` of the addon: what became of a message, or of a batch as a whole. */
export const DONE = 0
export const FORGED = 1
export const OUT_OF_RANGE = 2
export const DESTROYED = 3

/** How many numbers a job is in the array of a batch: `outAt`, `inAt`, `length`. */
export const JOB_LENGTH = 3

/** Every function checks its arguments again, and none throws. */
export interface Addon {
  /** Version of OpenSSL, as in "OpenSSL 3.0.19 27 Jan 2026". */
  readonly openssl: string
  /** @param algorithm 0: AES-256-GCM, 1: ChaCha20-Poly1305. Undefined: this OpenSSL does not have it. */
  create(secret: Uint8Array, algorithm: number): AddonKey | undefined
  /** Noise REKEY. Undefined: OpenSSL failed. */
  rekey(key: AddonKey): AddonKey | undefined
  destroy(key: AddonKey): void
  /** Arguments in this order for the sake of speed: without `input` it is `out`, and without `aad` there is none. */
  seal(
    key: AddonKey,
    out: Uint8Array,
    outAt: number,
    inAt: number,
    length: number,
    nonce: number,
    input?: Uint8Array,
    aad?: Uint8Array,
  ): number
  open(
    key: AddonKey,
    out: Uint8Array,
    outAt: number,
    inAt: number,
    length: number,
    nonce: number,
    input?: Uint8Array,
    aad?: Uint8Array,
  ): number
  /** The outcome of each message is written to where its length stood. */
  sealMany(key: AddonKey, slab: Uint8Array, jobs: Float64Array, count: number, firstNonce: number): number
  openMany(key: AddonKey, slab: Uint8Array, jobs: Float64Array, count: number, firstNonce: number): number
  /** For test vectors: any nonce of 12 bytes; `buffer` is a text and its tag, in place. */
  withNonce(key: AddonKey, buffer: Uint8Array, nonce: Uint8Array, aad: Uint8Array, isSealing: boolean): number
}

/** What the file exports where this process lacks something it needs. */
interface UselessAddon {
  /** Name of a function, or of a version. */
  readonly missing: string
}

/** Node for Linux comes with one of two C libraries; an addon for the other one cannot be loaded, which says which it is. */
const variants: readonly string[] = process.platform === 'linux' ? ['', '-musl'] : ['']

const ownFolder = new URL('../prebuilds/', import.meta.url)

/** The files that may be the addon of this platform. */
export function addonFiles(prebuilds: URL = ownFolder): readonly string[] {
  return variants
    .map((variant) => fileURLToPath(new URL(`${process.platform}-${process.arch}${variant}/aead.node`, prebuilds)))
    .filter((file) => existsSync(file))
}

/**
 * Loads the addon of this platform.
 * @throws {Error} why it cannot be used.
 */
export function loadAddon(prebuilds: URL = ownFolder): Addon {
  const files = addonFiles(prebuilds)
  if (files.length === 0) throw new Error(`it was not built for ${process.platform} on ${process.arch}`)
  const require = createRequire(import.meta.url)
  let failure: unknown
  for (const file of files) {
    try {
      return usable(require(file) as Addon | UselessAddon)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}

function usable(addon: Addon | UselessAddon): Addon {
  if ('missing' in addon) throw new Error(`this program has no ${addon.missing} inside`)
  return addon
}
