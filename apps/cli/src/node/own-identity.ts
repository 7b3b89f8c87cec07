/** Identities as the command names them: which one is meant, in which vault it is, and the default one, made when it is needed for the first time. */

import type { IdentityRegistry } from '@ockam/identity'
import { CommandError, conflictError, notFoundError } from '../error.ts'
import type { IdentityRecord } from '../state/identity-records.ts'
import type { State } from '../state/state.ts'
import type { OpenVault } from '../state/vault-records.ts'
import type { SecretSources } from '../state/vault-secret.ts'

const DEFAULT_NAME = 'default'

/** The record of a named identity, or of the default one. @throws {CommandError} `cli/not-found` */
export function identityRecord(state: State, name: string | undefined): IdentityRecord {
  const chosen = name ?? state.defaults.get('identity')
  if (chosen === undefined) throw notFoundError('There is no identity yet.', 'Make one: ockam identity create')
  return state.identities.get(chosen)
}

/** The same for one to speak as. @throws {CommandError} `cli/not-found`, `cli/refused` when its keys are elsewhere. */
export function ownIdentityRecord(state: State, name: string | undefined): IdentityRecord {
  const record = identityRecord(state, name)
  if (record.hasKeys) return record
  throw new CommandError(
    'cli/refused',
    `Nobody here can speak as "${record.name}": it is a name for an identity whose keys are elsewhere.`,
    {
      hint: 'See which identities there are: ockam identity list',
    },
  )
}

/** The named identity, to speak as; without a name the default one, made if there is none. @throws {CommandError} as {@link ownIdentityRecord}. */
export async function identityOrDefault(state: State, sources: SecretSources, name: string | undefined): Promise<IdentityRecord> {
  if (name !== undefined || state.defaults.get('identity') !== undefined) return ownIdentityRecord(state, name)
  return state.alone('default-identity', async () => {
    const made = state.defaults.get('identity')
    return made === undefined ? createIdentity(state, sources, DEFAULT_NAME, undefined) : ownIdentityRecord(state, made)
  })
}

/** The named vault; without a name the default one, made if there is none. */
export async function vaultOrDefault(state: State, name: string | undefined): Promise<string> {
  const chosen = name ?? state.defaults.get('vault')
  if (chosen !== undefined) return state.vaults.get(chosen).name
  return state.alone('default-vault', async () => state.defaults.get('vault') ?? (await state.vaults.create({ name: DEFAULT_NAME })).name)
}

/** @throws {CommandError} `cli/conflict` when the name is taken. */
export async function createIdentity(
  state: State,
  sources: SecretSources,
  name: string,
  vault: string | undefined,
): Promise<IdentityRecord> {
  if (state.identities.find(name) !== undefined) throw conflictError(`There is an identity "${name}" already.`, 'Choose another name.')
  const vaultName = await vaultOrDefault(state, vault)
  const { identifier, changeHistory } = await withIdentities(state, sources, vaultName, (identities) => identities.create({ name }))
  state.identities.create({ name, identifier: identifier.toString(), vault: vaultName, changeHistory })
  return state.identities.get(name)
}

/**
 * Gives a name to somebody else's identity, of which the change history is known and no keys.
 * @throws {CommandError} `cli/conflict` when the name is taken or the identity is one of this machine; what is wrong with the history.
 */
export async function nameIdentity(
  state: State,
  sources: SecretSources,
  name: string,
  { vault, changeHistory }: { readonly vault: string | undefined; readonly changeHistory: string },
): Promise<IdentityRecord> {
  if (state.identities.find(name) !== undefined) throw conflictError(`There is an identity "${name}" already.`, 'Choose another name.')
  const vaultName = await vaultOrDefault(state, vault)
  const identifier = (await withIdentities(state, sources, vaultName, (identities) => identities.import(changeHistory))).toString()
  const own = state.identities.list().find((record) => record.identifier === identifier)
  if (own !== undefined) throw conflictError(`That identity is here already, under the name "${own.name}".`)
  state.identities.create({ name, identifier, vault: vaultName, changeHistory: Buffer.from(changeHistory, 'hex'), hasKeys: false })
  return state.identities.get(name)
}

/** Opens the vault of an identity, for a node. */
export async function openVaultOf(state: State, sources: SecretSources, identity: string): Promise<OpenVault> {
  return state.vaults.open(identityRecord(state, identity).vault, sources)
}

/** Opens a vault for one piece of work. */
export async function withIdentities<T>(
  state: State,
  sources: SecretSources,
  vault: string,
  work: (identities: IdentityRegistry) => Promise<T>,
): Promise<T> {
  const [{ createIdentities }, { softwareVault }] = await Promise.all([import('@ockam/identity'), import('@ockam/vault-software')])
  const { store, protection } = await state.vaults.open(vault, sources)
  const software = softwareVault({ store, protection })
  try {
    await software.open()
    return await work(createIdentities({ vault: software, store }))
  } finally {
    await software.close()
    await store.close()
  }
}
