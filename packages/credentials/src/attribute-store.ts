/**
 * Attributes learnt from verified credentials, in a {@link Store}:
 *
 * | key | value |
 * |---|---|
 * | `credentials/attributes/<subject>/<authority>` | `[[schema, attributes], expires at]` |
 *
 * One record for each subject and authority, so that no authority can take away or replace what another one said. The last credential shown holds. Entries
 * whose time is over are removed when they are read and when others are written; beyond `maxEntries` those that end soonest go first, and who has lost
 * his shows his credential again. Which entries there are is read from the store once; several processes on one store each keep to the bound by themselves.
 */

import { type Diagnostics, Identifier, OckamError, type Store } from '@ockam/core'
import { CborReader, CborWriter } from '@ockam/core/cbor'
import type { AttributeReader } from './abac/attribute-reader.ts'
import { type AttestedAttributes, type Attributes, readAttributes, textAttributes, writeAttributes } from './attributes.ts'
import { MAX_CREDENTIAL_BYTES } from './credential.ts'
import { RecentAttributes } from './recent-attributes.ts'
import type { VerifiedCredential } from './verification.ts'

const PREFIX = 'credentials/attributes/'

/** So many entries that are over are removed at a time: a peer whose credential is looked at waits for it. */
const MAX_REMOVED = 64

export interface AttributeStoreServices {
  readonly store: Store
  readonly diagnostics: Diagnostics
  readonly maxEntries: number
  /** Whole seconds since 1970. */
  readonly nowSeconds: () => number
}

interface StoredAttributes {
  readonly attributes: Attributes
  readonly expiresAt: number
}

export class AttributeStore {
  readonly #services: AttributeStoreServices
  /** When each entry ends, by its key. */
  #ends: Promise<Map<string, number>> | undefined
  /** Counts what is put and forgotten here. */
  #changes = 0

  /** @internal Use {@link createCredentials}. */
  constructor(services: AttributeStoreServices) {
    this.#services = services
  }

  /**
   * What this authority attests, for policies (`@ockam/credentials/abac`). Keep one: it answers at once what it was asked within the last seconds.
   * @param authority an identifier or its text. @throws {OckamError} `core/invalid-identifier`
   */
  attestedBy(authority: Identifier | string): AttributeReader {
    const by = Identifier.from(authority)
    const { nowSeconds } = this.#services
    return new RecentAttributes({ read: (subject) => this.attributes(subject, by), changes: () => this.#changes, nowSeconds })
  }

  /**
   * What `authority` attests of `subject` at this moment; undefined when it attests nothing, or nothing any more. Credentials of other authorities have
   * no part in it. @throws what the store throws.
   */
  async attributes(subject: Identifier, authority: Identifier): Promise<AttestedAttributes | undefined> {
    const { store, nowSeconds } = this.#services
    const key = keyOf(subject, authority)
    const bytes = await store.get(key)
    if (bytes === undefined) return undefined
    const stored = decode(bytes)
    if (stored === undefined || stored.expiresAt <= nowSeconds()) {
      await this.#removeIf(key, bytes)
      return undefined
    }
    const { attributes, expiresAt } = stored
    return { ...attributes, text: textAttributes(attributes), expiresAt }
  }

  /** Keeps what a verified credential says, in place of what the same authority said before. @throws what the store throws. */
  async put({ subject, issuer, attributes, expiresAt }: VerifiedCredential): Promise<void> {
    const { store } = this.#services
    const key = keyOf(subject, issuer)
    const ends = await this.#loaded()
    ends.set(key, expiresAt)
    await this.#makeRoom(ends, key)
    const writer = new CborWriter().array(2)
    writeAttributes(writer, attributes)
    await store.set(key, writer.uint(expiresAt).finish())
    // Others may have made room meanwhile.
    ends.set(key, expiresAt)
    this.#changes++
  }

  /** Forgets what an authority said of a subject. False when that was nothing. @throws what the store throws. */
  async forget(subject: Identifier, authority: Identifier): Promise<boolean> {
    const key = keyOf(subject, authority)
    const isForgotten = await this.#services.store.delete(key)
    this.#changes++
    const ends = await this.#loaded()
    ends.delete(key)
    return isForgotten
  }

  /** Removes what is over, and what ends soonest as long as there are too many. `kept` is about to be written. */
  async #makeRoom(ends: Map<string, number>, kept: string): Promise<void> {
    const { store, maxEntries, nowSeconds, diagnostics } = this.#services
    const now = nowSeconds()
    let removed = 0
    for (const [key, end] of ends) {
      if (end > now || key === kept) continue
      if (++removed > MAX_REMOVED) break
      ends.delete(key)
      const bytes = await store.get(key)
      // Another process may have learnt something newer meanwhile.
      const stored = bytes === undefined ? undefined : decode(bytes)
      if (stored !== undefined && stored.expiresAt > now) ends.set(key, stored.expiresAt)
      else if (bytes !== undefined) await this.#removeIf(key, bytes)
    }
    while (ends.size > maxEntries) {
      const soonest = soonestOf(ends, kept)
      if (soonest === undefined) return
      const isOver = (ends.get(soonest) as number) <= now
      ends.delete(soonest)
      await store.delete(soonest)
      if (isOver) continue
      const [subject, authority] = soonest.slice(PREFIX.length).split('/')
      diagnostics.event('credentials/attributes-evicted', { subject, authority })
    }
  }

  /** Removes a record unless it is another one by now. */
  async #removeIf(key: string, bytes: Uint8Array): Promise<void> {
    const isRemoved = await this.#services.store.batch([
      { kind: 'check', key, value: bytes },
      { kind: 'delete', key },
    ])
    if (isRemoved) (await this.#ends)?.delete(key)
  }

  #loaded(): Promise<Map<string, number>> {
    const loading = this.#ends ?? this.#load()
    this.#ends = loading
    // A store that was out of reach is asked again.
    loading.catch(() => (this.#ends = undefined))
    return loading
  }

  async #load(): Promise<Map<string, number>> {
    const ends = new Map<string, number>()
    for await (const { key, value } of this.#services.store.scan(PREFIX)) ends.set(key, decode(value)?.expiresAt ?? 0)
    return ends
  }
}

function keyOf(subject: Identifier, authority: Identifier): string {
  return `${PREFIX}${subject}/${authority}`
}

function soonestOf(ends: ReadonlyMap<string, number>, kept: string): string | undefined {
  let soonest: string | undefined
  for (const [key, end] of ends) if (key !== kept && (soonest === undefined || end < (ends.get(soonest) as number))) soonest = key
  return soonest
}

/** Undefined when the record is damaged: it then says nothing. */
function decode(bytes: Uint8Array): StoredAttributes | undefined {
  if (bytes.length > MAX_CREDENTIAL_BYTES) return undefined
  try {
    const reader = new CborReader(bytes, { what: 'stored attributes' })
    reader.beginArray(2)
    const attributes = readAttributes(reader)
    const expiresAt = reader.uint()
    reader.end()
    reader.finish()
    return { attributes, expiresAt }
  } catch (error) {
    if (OckamError.is(error, 'core/invalid-cbor', 'core/limit-exceeded')) return undefined
    throw error
  }
}
