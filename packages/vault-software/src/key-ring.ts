/**
 * The private keys of one slot of a vault, found by handle. A handle is known by its identity as an object, so a look-alike made elsewhere opens
 * nothing, and a key for one handshake disappears with its handle when nobody deletes it.
 *
 * Lasting keys are written to the store, when there is one, before anybody sees their handle, and are loaded when somebody asks for them.
 */

import { type Cancellable, type Random, toHex } from '@ockam/core'
import type { Backend, PrivateKey, PrivateKeyType } from './backend.ts'
import { vaultError } from './error.ts'
import type { RunInTurn } from './one-at-a-time.ts'
import { isPrivateScalar } from './p256-scalar.ts'
import type { SealedKeys } from './sealed-keys.ts'
import type { KeyTable } from './sealed-record.ts'

export interface KeyRingServices {
  readonly backend: Backend
  readonly random: Random
  /** Undefined: lasting keys last as long as the vault. */
  readonly sealedKeys: SealedKeys | undefined
  readonly inTurn: RunInTurn
}

interface Entry {
  readonly key: PrivateKey
  /** Name of a lasting key; undefined for ephemeral ones. */
  readonly name: string | undefined
}

export class KeyRing<Handle extends object> {
  readonly #services: KeyRingServices
  readonly #table: KeyTable
  readonly #makeHandle: (key: PrivateKey) => Handle
  #entries = new WeakMap<Handle, Entry>()
  readonly #lasting = new Map<string, Handle>()
  #isClosed = false

  constructor(services: KeyRingServices, table: KeyTable, makeHandle: (key: PrivateKey) => Handle) {
    this.#services = services
    this.#table = table
    this.#makeHandle = makeHandle
  }

  /** Makes a lasting key. Called off while it waits, it makes none. */
  create(type: PrivateKeyType, { signal }: Cancellable = {}): Promise<Handle> {
    const { backend, sealedKeys, random, inTurn } = this.#services
    return inTurn(async () => {
      signal?.throwIfAborted()
      this.#requireOpen()
      const secret = sampleSecret(type, random)
      try {
        const key = backend.importKey(type, secret)
        const name = this.#nameOf(key.publicKey)
        await sealedKeys?.write(this.#table, name, type, secret)
        this.#requireOpen()
        return this.#add(key, name)
      } finally {
        secret.fill(0)
      }
    })
  }

  /** Takes a key that is never written and that the ring does not keep alive. */
  addEphemeral(key: PrivateKey): Handle {
    this.#requireOpen()
    const handle = this.#makeHandle(key)
    this.#entries.set(handle, { key, name: undefined })
    return handle
  }

  /** @throws {OckamError} `vault/unknown-key`, `vault/closed`. */
  use(handle: Handle): PrivateKey {
    this.#requireOpen()
    const entry = this.#entries.get(handle)
    if (entry === undefined) {
      throw vaultError(
        'vault/unknown-key',
        'This vault has no secret for that key: the handle is from another vault, or the key was deleted.',
      )
    }
    return entry.key
  }

  /** The handle of a lasting key, always the same object while the vault is open. */
  find(type: PrivateKeyType, publicKey: Uint8Array): Promise<Handle | undefined> {
    const { backend, sealedKeys, inTurn } = this.#services
    return inTurn(async () => {
      this.#requireOpen()
      const name = this.#nameOf(publicKey)
      const known = this.#lasting.get(name)
      if (known !== undefined || sealedKeys === undefined) return known
      const opened = await sealedKeys.read(this.#table, name)
      if (opened === undefined) return undefined
      try {
        this.#requireOpen()
        return opened.type === type ? this.#add(backend.importKey(type, opened.secret), name) : undefined
      } finally {
        opened.secret.fill(0)
      }
    })
  }

  /** Ephemeral keys go at once, so that a handshake never waits for the store. */
  async delete(handle: Handle): Promise<boolean> {
    const { sealedKeys, inTurn } = this.#services
    this.#requireOpen()
    if (this.#entries.get(handle)?.name === undefined) return this.#forget(handle)
    return inTurn(async () => {
      this.#requireOpen()
      const name = this.#entries.get(handle)?.name
      if (name !== undefined) await sealedKeys?.delete(this.#table, name)
      return this.#forget(handle)
    })
  }

  #forget(handle: Handle): boolean {
    const entry = this.#entries.get(handle)
    if (entry === undefined) return false
    if (entry.name !== undefined) this.#lasting.delete(entry.name)
    this.#entries.delete(handle)
    entry.key.destroy()
    return true
  }

  /** Wipes lasting keys; ephemeral ones become unreachable. Every later call throws `vault/closed`. */
  close(): void {
    this.#isClosed = true
    for (const handle of this.#lasting.values()) this.#entries.get(handle)?.key.destroy()
    this.#lasting.clear()
    this.#entries = new WeakMap()
  }

  #add(key: PrivateKey, name: string): Handle {
    const handle = this.#makeHandle(key)
    this.#entries.set(handle, { key, name })
    this.#lasting.set(name, handle)
    return handle
  }

  #nameOf(publicKey: Uint8Array): string {
    return toHex(this.#services.backend.sha256(publicKey))
  }

  #requireOpen(): void {
    if (this.#isClosed) throw vaultError('vault/closed', 'The vault was closed.')
  }
}

/** 32 random bytes that are a private key of that type. The caller wipes them. */
export function sampleSecret(type: PrivateKeyType, random: Random): Uint8Array<ArrayBuffer> {
  // A random P-256 scalar is out of range once in 2^32; a source that fails eight times in a row is broken.
  for (let attempt = 0; attempt < 8; attempt++) {
    const secret = random.bytes(32)
    if (type !== 'p256' || isPrivateScalar(secret)) return secret
  }
  throw vaultError('vault/invalid-argument', 'The random source gives no usable P-256 key. Check the injected Random.')
}
