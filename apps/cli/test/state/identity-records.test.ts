/** Names for identities whose keys are elsewhere: shown and trusted by, never spoken as. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createIdentity, identityOrDefault, nameIdentity, withIdentities } from '../../src/node/own-identity.ts'
import { openState, type State } from '../../src/state/state.ts'

let folder: string
let state: State
const sources = { environment: {}, askPassphrase: undefined }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identities-'))
  state = openState(join(folder, 'home'))
})
afterEach(() => rm(folder, { recursive: true }))

/** The history of an identity of another machine. */
async function foreign(): Promise<string> {
  const other = openState(join(folder, 'other'))
  return Buffer.from((await createIdentity(other, sources, 'bob', undefined)).changeHistory).toString('hex')
}

test('a name for an identity without keys does not become the default, neither first nor after the default is deleted', async () => {
  const changeHistory = await foreign()
  expect(await nameIdentity(state, sources, 'bob', { vault: undefined, changeHistory })).toMatchObject({ hasKeys: false, isDefault: false })
  expect(state.defaults.get('identity')).toBeUndefined()
  const { name } = await identityOrDefault(state, sources, undefined)
  expect(name).toBe('default')
  state.identities.delete('default')
  expect(state.defaults.get('identity')).toBeUndefined()
})

test('deleting such a name deletes no keys, and an own identity gets no second name', async () => {
  const own = await createIdentity(state, sources, 'alice', undefined)
  const history = Buffer.from(own.changeHistory).toString('hex')
  await expect(nameIdentity(state, sources, 'again', { vault: undefined, changeHistory: history })).rejects.toMatchObject({
    code: 'cli/conflict',
    message: 'That identity is here already, under the name "alice".',
  })
  const { vault, identifier } = await nameIdentity(state, sources, 'bob', { vault: undefined, changeHistory: await foreign() })
  expect(await withIdentities(state, sources, vault, (identities) => identities.delete(identifier))).toBe(false)
  expect(await withIdentities(state, sources, vault, (identities) => identities.find('alice'))).toBeDefined()
})

test('nobody can speak as an identity without keys here', async () => {
  await nameIdentity(state, sources, 'bob', { vault: undefined, changeHistory: await foreign() })
  await expect(identityOrDefault(state, sources, 'bob')).rejects.toMatchObject({ code: 'cli/refused' })
})
