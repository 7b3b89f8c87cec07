/** Identities as the command names them: which one is meant, in which vault it is, and the default one, made when it is needed for the first time. */

import { createIdentities, type IdentityRegistry } from '@ockam/identity'
import { softwareVault } from '@ockam/vault-software'
import { notFoundError } from '../error.ts'
import type { Home, IdentityRecord } from '../home.ts'
import type { IdentityAccess } from './identity-access.ts'

const DEFAULT_NAME = 'default'

/** The record of a named identity, or of the default one. @throws {CommandError} `cli/not-found` */
export function identityRecord(home: Home, name: string | undefined): IdentityRecord {
  const record = home.identities().find((identity) => (name === undefined ? identity.isDefault : identity.name === name))
  if (record !== undefined) return record
  if (name === undefined) throw notFoundError('There is no identity yet.', 'Make one: ockam identity create')
  throw notFoundError(`Identity "${name}" not found.`, 'See which there are: ockam identity list')
}

/** The named identity; without a name the default one, made if there is none. */
export async function identityOrDefault(home: Home, name: string | undefined): Promise<IdentityRecord> {
  const hasDefault = home.identities().some(({ isDefault }) => isDefault)
  if (name === undefined && !hasDefault) return createIdentity(home, DEFAULT_NAME, undefined)
  return identityRecord(home, name)
}

/** Makes an identity in a vault, the default vault when none is named; that one is made if there is none. */
export async function createIdentity(home: Home, name: string, vault: string | undefined): Promise<IdentityRecord> {
  const vaultName = vault ?? home.vaults().find(({ isDefault }) => isDefault)?.name ?? home.createVault(DEFAULT_NAME).name
  const identity = await withIdentities(home, vaultName, (identities) => identities.create({ name }))
  home.saveIdentity({ name, identifier: identity.identifier.toString(), vault: vaultName })
  return identityRecord(home, name)
}

/** Opens the vault of an identity, for a node. */
export async function openIdentity(
  home: Home,
  name: string,
): Promise<{ readonly record: IdentityRecord; readonly access: IdentityAccess }> {
  const record = identityRecord(home, name)
  return { record, access: await home.openVault(record.vault) }
}

/** Opens a vault for one piece of work. */
export async function withIdentities<T>(home: Home, vault: string, work: (identities: IdentityRegistry) => Promise<T>): Promise<T> {
  const { store, protection } = await home.openVault(vault)
  const software = softwareVault({ store, protection })
  try {
    await software.open()
    return await work(createIdentities({ vault: software, store }))
  } finally {
    await software.close()
    await store.close()
  }
}
