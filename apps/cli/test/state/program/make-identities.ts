/**
 * Makes identities in one vault until it is killed, or as many as told, and says which. Arguments: state folder, vault, prefix of the names, how many
 * (0: until killed). Lines: `made NAME IDENTIFIER`.
 */

import { writeSync } from 'node:fs'
import { createIdentities } from '@ockam/identity'
import { softwareVault } from '@ockam/vault-software'
import { openState } from '../../../src/state/state.ts'

const [path = '', vault = '', prefix = '', most = '0'] = process.argv.slice(2)
const state = openState(path)
const { store, protection } = await state.vaults.open(vault, { environment: {} })
const keys = softwareVault({ store, protection })
await keys.open()
const identities = createIdentities({ vault: keys, store })
for (let at = 0; most === '0' || at < Number(most); at++) {
  const name = `${prefix}-${at}`
  const { identifier, changeHistory } = await identities.create({ name })
  state.identities.create({ name, identifier: identifier.toString(), vault, changeHistory })
  writeSync(1, `made ${name} ${identifier.toString()}\n`)
}
await keys.close()
await store.close()
