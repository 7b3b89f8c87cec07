/**
 * The names of own identities: whose they are, in which vault their keys are kept, and their public change history, so that they can be shown and
 * exported without opening the vault. The vault has the history that counts; this is a copy of it.
 *
 * An identity whose keys are elsewhere may have a name too, to be shown and trusted by; nobody here can speak as it.
 */

import { join } from 'node:path'
import { z } from 'zod'
import { conflictError, notFoundError } from '../error.ts'
import type { DefaultNames } from './default-names.ts'
import { checkName, namesIn } from './name.ts'
import { createRecord, readRecord, removeRecord, writeRecord } from './record-file.ts'

const RECORD = z.object({
  identifier: z.string().regex(/^I[0-9a-f]{64}$/),
  vault: z.string(),
  changeHistory: z.string().regex(/^([0-9a-f]{2})+$/),
  hasKeys: z.boolean().default(true),
})

export interface NewIdentity {
  readonly name: string
  readonly identifier: string
  /** Name of the vault with its keys. */
  readonly vault: string
  /** Public, CBOR. */
  readonly changeHistory: Uint8Array
  /** False for a name of somebody else's identity. Default true. */
  readonly hasKeys?: boolean
}

export interface IdentityRecord extends NewIdentity {
  readonly changeHistory: Uint8Array<ArrayBuffer>
  readonly hasKeys: boolean
  readonly isDefault: boolean
}

export class IdentityRecords {
  readonly #folder: string
  readonly #defaults: DefaultNames

  /** @internal Use `openState`. */
  constructor(folder: string, defaults: DefaultNames) {
    this.#folder = folder
    this.#defaults = defaults
  }

  /** By name. */
  list(): IdentityRecord[] {
    return namesIn(this.#folder, '.json').flatMap((name) => this.find(name) ?? [])
  }

  /** @throws {CommandError} `cli/usage` for a name that cannot be one. */
  find(name: string): IdentityRecord | undefined {
    const record = readRecord(this.#path(name), RECORD)
    if (record === undefined) return undefined
    const changeHistory = new Uint8Array(Buffer.from(record.changeHistory, 'hex'))
    return { name, ...record, changeHistory, isDefault: this.#defaults.get('identity') === name }
  }

  /** @throws {CommandError} `cli/not-found` */
  get(name: string): IdentityRecord {
    const record = this.find(name)
    if (record === undefined) throw notFoundError(`Identity "${name}" not found.`, 'See which there are: ockam identity list')
    return record
  }

  /** The first identity with keys becomes the default. @throws {CommandError} `cli/conflict` when the name is taken, `cli/usage`. */
  create(identity: NewIdentity): void {
    if (!createRecord(this.#path(identity.name), encode(identity))) {
      throw conflictError(`There is an identity "${identity.name}" already.`, 'Choose another name.')
    }
    if (identity.hasKeys !== false) this.#defaults.setFirst('identity', identity.name)
  }

  /** Replaces the record, after a rotation. @throws {CommandError} `cli/not-found` */
  update(identity: NewIdentity): void {
    this.get(identity.name)
    writeRecord(this.#path(identity.name), encode(identity))
  }

  /** Forgets the name; the keys are the vault's business. @throws {CommandError} `cli/not-found` */
  delete(name: string): void {
    this.get(name)
    removeRecord(this.#path(name))
    this.#defaults.forget(
      'identity',
      name,
      this.list().flatMap((identity) => (identity.hasKeys ? [identity.name] : [])),
    )
  }

  #path(name: string): string {
    checkName('identity', name)
    return join(this.#folder, `${name}.json`)
  }
}

function encode({ identifier, vault, changeHistory, hasKeys = true }: NewIdentity): z.infer<typeof RECORD> {
  return { identifier, vault, changeHistory: Buffer.from(changeHistory).toString('hex'), hasKeys }
}
