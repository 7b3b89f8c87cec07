import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createIdentities } from '@ockam/identity'
import { softwareVault } from '@ockam/vault-software'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openState, type State } from '../../src/state/state.ts'
import { createKeyFile, type SecretSources } from '../../src/state/vault-secret.ts'
import { bundleProgram, startProgram } from './child-program.ts'
import { codeOf } from './expect-code.ts'

let root = ''
let makeIdentities = ''
let rewriteVault = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ockam-state-'))
  makeIdentities = await bundleProgram(new URL('./program/make-identities.ts', import.meta.url), root)
  rewriteVault = await bundleProgram(new URL('./program/rewrite-vault.ts', import.meta.url), root)
})
afterAll(() => rm(root, { recursive: true }))

let count = 0
const newState = (): State => openState(join(root, `home-${count++}`))
const nothing: SecretSources = { environment: {} }

/** Makes an identity in a vault, as a command does. */
async function makeIdentity(state: State, vault: string, name: string, sources: SecretSources = nothing): Promise<string> {
  const { store, protection } = await state.vaults.open(vault, sources)
  const keys = softwareVault({ store, protection })
  try {
    const { identifier, changeHistory } = await createIdentities({ vault: keys, store }).create({ name })
    state.identities.create({ name, identifier: identifier.toString(), vault, changeHistory })
    return identifier.toString()
  } finally {
    await keys.close()
    await store.close()
  }
}

/** Opens a vault, finds an identity in it and uses its key; throws when any of that fails. */
async function useIdentity(state: State, name: string, sources: SecretSources = nothing): Promise<string | undefined> {
  const { store, protection } = await state.vaults.open(state.identities.get(name).vault, sources)
  const keys = softwareVault({ store, protection })
  try {
    await keys.open()
    const identities = createIdentities({ vault: keys, store })
    return (await identities.rotate(name)).identifier.toString()
  } finally {
    await keys.close()
    await store.close()
  }
}

describe('vaults', () => {
  it('are made, listed and deleted by name; the first is the default', async () => {
    const state = newState()
    await state.vaults.create({ name: 'v2' })
    await state.vaults.create({ name: 'v1' })
    expect(state.vaults.list().map(({ name, isDefault }) => [name, isDefault])).toEqual([
      ['v1', false],
      ['v2', true],
    ])
    expect(await codeOf(() => state.vaults.create({ name: 'v1' }))).toBe('cli/conflict')
    expect(await codeOf(() => state.vaults.create({ name: '../v1' }))).toBe('cli/usage')
    await state.vaults.delete('v2')
    expect(state.defaults.get('vault')).toBe('v1')
    expect(await codeOf(() => state.vaults.open('v2', nothing))).toBe('cli/not-found')
    expect(await codeOf(() => state.vaults.delete('v2'))).toBe('cli/not-found')
    expect(await readdir(join(state.path, 'vaults'))).toEqual(['v1'])
  })

  it('are not deleted while identities have their keys in them, and are gone with their keys afterwards', async () => {
    const state = newState()
    await state.vaults.create({ name: 'v' })
    await makeIdentity(state, 'v', 'alice')
    const open = await state.vaults.open('v', nothing)
    await expect(state.vaults.delete('v')).rejects.toThrow('alice')
    state.identities.delete('alice')
    const { path } = state.vaults.get('v')
    await state.vaults.delete('v')
    await expect(stat(path)).rejects.toThrow('ENOENT')
    expect(await codeOf(() => open.store.get('key')), 'for who had it open').toBe('cli/not-found')
    await open.store.close()
  })

  it('hold the keys and identities of several processes at the same time, and lose none that was acknowledged to kill -9', {
    timeout: 60_000,
  }, async () => {
    const state = newState()
    await state.vaults.create({ name: 'v' })
    const made = new Map<string, string>()
    const note = (line: string): void => {
      const [word, name, identifier] = line.split(' ')
      if (word === 'made' && name !== undefined && identifier !== undefined) made.set(name, identifier)
    }
    const lasting = ['a', 'b'].map((prefix) => startProgram(makeIdentities, [state.path, 'v', prefix, '15'], note))
    for (let round = 0; round < 3; round++) {
      const child = startProgram(makeIdentities, [state.path, 'v', `killed-${round}`], note)
      await child.line((line) => line.startsWith('made'))
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100))
      child.process.kill('SIGKILL')
      await child.ended
    }
    for (const { ended } of lasting) expect((await ended).code).toBe(0)
    expect(made.size).toBeGreaterThanOrEqual(33)
    const { store, protection } = await state.vaults.open('v', nothing)
    const keys = softwareVault({ store, protection })
    const identities = createIdentities({ vault: keys, store })
    for (const [name, identifier] of made) {
      expect((await identities.find(name))?.identifier.toString()).toBe(identifier)
      expect(state.identities.get(name).identifier).toBe(identifier)
    }
    await identities.rotate('a-0')
    await keys.close()
    await store.close()
  })

  it('may be locked by a passphrase, from the environment, a file, or a person', async () => {
    const state = newState()
    const passphrase = 'correct horse battery staple'
    await state.vaults.create({ name: 'v', lock: { passphrase } })
    const environment = { OCKAM_VAULT_PASSPHRASE: passphrase }
    const identifier = await makeIdentity(state, 'v', 'alice', { environment })
    expect(await codeOf(() => useIdentity(state, 'alice'))).toBe('cli/refused')
    expect(await codeOf(() => useIdentity(state, 'alice', { environment: { OCKAM_VAULT_PASSPHRASE: 'wrong' } }))).toBe(
      'vault/unlock-failed',
    )
    const asked: string[] = []
    const askPassphrase = async (vault: string): Promise<string> => {
      asked.push(vault)
      return passphrase
    }
    expect(await useIdentity(state, 'alice', { environment: {}, askPassphrase })).toBe(identifier)
    expect(asked).toEqual(['v'])
    const file = join(root, 'passphrase')
    await writeFile(file, `${passphrase}\n`, { mode: 0o600 })
    expect(await useIdentity(state, 'alice', { environment: { OCKAM_VAULT_PASSPHRASE_FILE: file } })).toBe(identifier)
    await chmod(file, 0o640)
    expect(await codeOf(() => useIdentity(state, 'alice', { environment: { OCKAM_VAULT_PASSPHRASE_FILE: file } }))).toBe('cli/refused')
    expect(await codeOf(() => useIdentity(state, 'alice', { environment: { OCKAM_VAULT_PASSPHRASE_FILE: `${file}-not` } }))).toBe(
      'cli/not-found',
    )
  })

  it('may be locked by a key file, which nobody else may read', async () => {
    const state = newState()
    const keyFile = join(root, `key-${count}`)
    createKeyFile(keyFile)
    expect([(await stat(keyFile)).size, (await stat(keyFile)).mode & 0o777]).toEqual([32, 0o600])
    expect(await codeOf(() => createKeyFile(keyFile))).toBe('cli/conflict')
    await state.vaults.create({ name: 'v', lock: { keyFile } })
    const identifier = await makeIdentity(state, 'v', 'alice')
    expect(await useIdentity(state, 'alice')).toBe(identifier)
    const other = join(root, `other-key-${count}`)
    createKeyFile(other)
    expect(await codeOf(() => useIdentity(state, 'alice', { environment: { OCKAM_VAULT_KEY_FILE: other } }))).toBe('vault/unlock-failed')
    await chmod(keyFile, 0o604)
    expect(await codeOf(() => useIdentity(state, 'alice'))).toBe('cli/refused')
    await chmod(keyFile, 0o600)
    await writeFile(keyFile, 'short')
    expect(await codeOf(() => useIdentity(state, 'alice'))).toBe('cli/refused')
    await rm(keyFile)
    expect(await codeOf(() => useIdentity(state, 'alice'))).toBe('cli/not-found')
  })

  it('are locked anew without a trace of what the old secret opened', async () => {
    const state = newState()
    await state.vaults.create({ name: 'v' })
    const identifier = await makeIdentity(state, 'v', 'alice')
    const { path } = state.vaults.get('v')
    const open = await state.vaults.open('v', nothing)
    const header = await open.store.get('vault/header')
    const keyFile = join(root, `new-key-${count}`)
    createKeyFile(keyFile)
    const wrong = softwareVault({ ...open })
    await wrong.open()
    await state.vaults.changeLock('v', { keyFile }, nothing)
    expect(state.vaults.get('v').protection).toBe('key-file')
    expect(await useIdentity(state, 'alice')).toBe(identifier)
    expect(await codeOf(() => wrong.signing.generateSigningKey('ed25519')), 'for who had it open').toBe('vault/conflict')
    await wrong.close()
    await open.store.close()
    await expect(stat(path)).rejects.toThrow('ENOENT')
    const files = await readdir(state.vaults.get('v').path)
    for (const file of files) {
      const bytes = await readFile(join(state.vaults.get('v').path, file))
      expect(bytes.includes(Buffer.from(header ?? [])), file).toBe(false)
    }
  })

  it('can be moved while they are in use, with all that is in them', async () => {
    const state = newState()
    await state.vaults.create({ name: 'v' })
    const identifier = await makeIdentity(state, 'v', 'alice')
    const open = await state.vaults.open('v', nothing)
    await open.store.set('mark', Uint8Array.of(1))
    const elsewhere = join(root, `moved-${count}`)
    await state.vaults.move('v', elsewhere)
    expect(state.vaults.get('v').path.startsWith(`${elsewhere}/keys-`)).toBe(true)
    expect(await open.store.get('mark')).toEqual(Uint8Array.of(1))
    await open.store.set('mark', Uint8Array.of(2))
    await open.store.close()
    expect(await useIdentity(state, 'alice')).toBe(identifier)
    await rm(elsewhere, { recursive: true })
    const lost = await state.vaults.open('v', nothing)
    await expect(lost.store.get('mark')).rejects.toThrow('not at')
    await expect(stat(elsewhere), 'and nothing is made in its place').rejects.toThrow('ENOENT')
    await lost.store.close()
  })

  it('survive kill -9 while they are locked anew and moved: they are as before or as after', { timeout: 60_000 }, async () => {
    const state = newState()
    const keyFiles = [0, 1].map((at) => join(root, `rewrite-key-${at}`))
    for (const file of keyFiles) createKeyFile(file)
    const folders = [0, 1].map((at) => join(root, `rewrite-${at}`))
    await state.vaults.create({ name: 'v', lock: { keyFile: keyFiles[1] ?? '' } })
    const identifier = await makeIdentity(state, 'v', 'alice')
    let rewritten = 0
    for (let round = 0; round < 10; round++) {
      const child = startProgram(rewriteVault, [state.path, 'v', ...keyFiles, ...folders], () => (rewritten += 1))
      await child.line(() => true)
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60))
      child.process.kill('SIGKILL')
      await child.ended
      expect(await useIdentity(state, 'alice')).toBe(identifier)
    }
    console.log(`kill -9: a vault locked anew and moved ${rewritten} times, in 10 processes that were killed`)
  })
})

describe('identities', () => {
  it('are kept with vault and public history; the first is the default until it is gone', async () => {
    const state = newState()
    await state.vaults.create({ name: 'v' })
    const identifier = await makeIdentity(state, 'v', 'alice')
    await makeIdentity(state, 'v', 'bob')
    expect(state.identities.list().map(({ name, isDefault }) => [name, isDefault])).toEqual([
      ['alice', true],
      ['bob', false],
    ])
    const alice = state.identities.get('alice')
    expect([alice.identifier, alice.vault]).toEqual([identifier, 'v'])
    expect(Object.getPrototypeOf(alice.changeHistory)).toBe(Uint8Array.prototype)
    state.identities.update({ ...alice, changeHistory: Uint8Array.of(1, 2) })
    expect(state.identities.get('alice').changeHistory).toEqual(Uint8Array.of(1, 2))
    expect(await codeOf(() => state.identities.create(alice))).toBe('cli/conflict')
    expect(await codeOf(() => state.identities.find('../alice'))).toBe('cli/usage')
    state.identities.delete('alice')
    expect(state.defaults.get('identity')).toBe('bob')
    expect(await codeOf(() => state.identities.get('alice'))).toBe('cli/not-found')
    expect(await codeOf(() => state.identities.update(alice))).toBe('cli/not-found')
    state.identities.delete('bob')
    expect(state.defaults.get('identity')).toBeUndefined()
  })
})
