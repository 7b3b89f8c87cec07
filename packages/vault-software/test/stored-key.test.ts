/** Keys at rest: what a thief, a vandal or another process with access to the store can and cannot do. */

import { memoryStore, type Store } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import type { VaultProtection } from '../src/index.ts'
import { assembleVault, type SoftwareVault } from '../src/vault-assembly.ts'
import { backends } from './back-end.ts'

const MESSAGE = new TextEncoder().encode('message')
const passphrase = (text: string): VaultProtection => ({ passphrase: text, costLog2: 14 })
const wrappingKey = (fill: number): VaultProtection => ({ wrappingKey: new Uint8Array(32).fill(fill) })

async function entries(store: Store): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  for await (const { key, value } of store.scan('')) found.set(key, value)
  return found
}

async function namesUnder(store: Store, prefix: string): Promise<string[]> {
  return [...(await entries(store)).keys()].filter((name) => name.startsWith(prefix))
}

function contains(haystack: Uint8Array, needle: Uint8Array): boolean {
  return Buffer.from(haystack).includes(Buffer.from(needle))
}

for (const [name, createBackend] of backends) {
  const open = (store: Store, protection?: VaultProtection): SoftwareVault =>
    assembleVault(createBackend(), protection === undefined ? { store } : { store, protection })

  describe(`keys in a store on ${name}`, () => {
    for (const [what, protection] of [
      ['no protection', 'none'],
      ['a passphrase', passphrase('correct horse')],
      ['a wrapping key', wrappingKey(9)],
    ] as const) {
      test(`survive a restart with ${what} and are never written in the clear`, async () => {
        const store = memoryStore()
        const secrets: Uint8Array[] = []
        const random = {
          bytes(length: number) {
            const bytes = crypto.getRandomValues(new Uint8Array(length))
            if (length === 32) secrets.push(bytes.slice())
            return bytes
          },
        }
        const vault = assembleVault(createBackend(), { store, protection, random })
        const [signing, dh] = [await vault.signing.generateSigningKey('p256'), await vault.channel.generateStaticKey()]
        await vault.close()
        expect(secrets.length).toBeGreaterThanOrEqual(3)
        for (const value of (await entries(store)).values()) {
          for (const secret of secrets) expect(contains(value, secret)).toBe(false)
        }
        const later = open(store, protection)
        const found = await later.signing.findSigningKey(signing.verifyingKey)
        expect(found?.verifyingKey).toEqual(signing.verifyingKey)
        const signature = await later.signing.sign(found!, MESSAGE)
        expect(await later.verifying.verify(signing.verifyingKey, MESSAGE, signature)).toBe(true)
        expect((await later.channel.findStaticKey(dh.publicKey))?.publicKey).toEqual(dh.publicKey)
      })
    }

    test('do not open with a wrong passphrase or wrapping key, and the right one still works afterwards', async () => {
      for (const [right, wrong] of [
        [passphrase('right'), passphrase('Right')],
        [wrappingKey(1), wrappingKey(2)],
      ] as const) {
        const store = memoryStore()
        const key = await open(store, right).signing.generateSigningKey('ed25519')
        const locked = open(store, wrong)
        await expect(locked.open()).rejects.toMatchObject({ code: 'vault/unlock-failed' })
        await expect(locked.signing.generateSigningKey('ed25519')).rejects.toMatchObject({ code: 'vault/unlock-failed' })
        await expect(locked.signing.findSigningKey(key.verifyingKey)).rejects.toMatchObject({ code: 'vault/unlock-failed' })
        expect(await open(store, right).signing.findSigningKey(key.verifyingKey)).toBeDefined()
      }
    })

    test('do not open with another kind of protection than they were locked with', async () => {
      const kinds = [undefined, passphrase('p'), wrappingKey(1)]
      for (const [lockedAt, locked] of kinds.entries()) {
        const store = memoryStore()
        await open(store, locked).open()
        for (const [triedAt, tried] of kinds.entries()) {
          if (triedAt !== lockedAt) await expect(open(store, tried).open()).rejects.toMatchObject({ code: 'vault/unlock-failed' })
        }
      }
    })

    test('open with the same passphrase typed in another Unicode form', async () => {
      const store = memoryStore()
      await open(store, passphrase('caf\u00e9')).open()
      await open(store, passphrase('cafe\u0301')).open()
    })
  })

  describe(`an attacker with write access to the store on ${name}`, () => {
    test('cannot swap two records of one table', async () => {
      const store = memoryStore()
      const vault = open(store)
      const keys = [await vault.signing.generateSigningKey('ed25519'), await vault.signing.generateSigningKey('ed25519')]
      const [first, second] = (await namesUnder(store, 'vault/signing/')) as [string, string]
      const [one, two] = [(await store.get(first))!, (await store.get(second))!]
      await store.set(first, two)
      await store.set(second, one)
      for (const key of keys) {
        await expect(open(store).signing.findSigningKey(key.verifyingKey)).rejects.toMatchObject({ code: 'vault/corrupt-record' })
      }
    })

    test('cannot move a record into another table, or bring one from another store', async () => {
      const store = memoryStore()
      const key = await open(store).channel.generateStaticKey()
      const [name] = (await namesUnder(store, 'vault/static/')) as [string]
      const record = (await store.get(name))!
      const handle = name.slice('vault/static/'.length)
      await store.set(`vault/signing/${handle}`, record)
      await expect(open(store).signing.findSigningKey({ type: 'ed25519', bytes: key.publicKey })).rejects.toMatchObject({
        code: 'vault/corrupt-record',
      })
      const other = memoryStore()
      await open(other, 'none').open()
      await other.set(name, record)
      await expect(open(other).channel.findStaticKey(key.publicKey)).rejects.toMatchObject({ code: 'vault/corrupt-record' })
    })

    test('cannot truncate, lengthen or alter any byte of a record', async () => {
      const store = memoryStore()
      const key = await open(store).channel.generateStaticKey()
      const [name] = (await namesUnder(store, 'vault/static/')) as [string]
      const record = (await store.get(name))!
      const vault = open(store)
      const attacks = [record.subarray(0, 61), new Uint8Array(), Uint8Array.of(...record, 0)]
      for (let at = 0; at < record.length; at++) attacks.push(record.map((byte, index) => (index === at ? byte ^ 1 : byte)))
      for (const attack of attacks) {
        await store.set(name, attack)
        await expect(vault.channel.findStaticKey(key.publicKey)).rejects.toMatchObject({ code: 'vault/corrupt-record' })
      }
      await store.set(name, record)
      expect(await vault.channel.findStaticKey(key.publicKey)).toBeDefined()
    })

    test('cannot truncate, lengthen or alter any byte of the header', async () => {
      const store = memoryStore()
      await open(store, wrappingKey(1)).open()
      const header = (await store.get('vault/header'))!
      const attacks = [header.subarray(0, -1), new Uint8Array(), Uint8Array.of(...header, 0)]
      for (let at = 0; at < header.length; at++) attacks.push(header.map((byte, index) => (index === at ? byte ^ 1 : byte)))
      for (const attack of attacks) {
        await store.set('vault/header', attack)
        await expect(open(store, wrappingKey(1)).open()).rejects.toMatchObject({ code: 'vault/unlock-failed' })
      }
    })

    test('cannot change the scrypt parameters, nor make the vault spend memory on absurd ones', async () => {
      const store = memoryStore()
      await open(store, passphrase('p')).open()
      const header = (await store.get('vault/header'))!
      for (const [at, value] of [
        [22, 15],
        [22, 13],
        [22, 0],
        [22, 21],
        [22, 255],
        [23, 1],
        [23, 255],
        [24, 0],
        [24, 255],
        [25, 1],
      ] as const) {
        await store.set('vault/header', header.with(at, value))
        await expect(open(store, passphrase('p')).open()).rejects.toMatchObject({ code: 'vault/unlock-failed' })
      }
    })

    test('cannot make the vault start afresh beside its keys by deleting the header', async () => {
      const store = memoryStore()
      await open(store, passphrase('p')).channel.generateStaticKey()
      await store.delete('vault/header')
      for (const protection of [passphrase('p'), 'none'] as const) {
        await expect(open(store, protection).open()).rejects.toMatchObject({ code: 'vault/unlock-failed' })
      }
      expect(await store.get('vault/header')).toBeUndefined()
    })

    test('cannot put an unprotected vault in place of a protected one', async () => {
      const [mine, theirs] = [memoryStore(), memoryStore()]
      await open(mine, passphrase('p')).open()
      await open(theirs).signing.generateSigningKey('ed25519')
      for (const [key, value] of await entries(theirs)) await mine.set(key, value)
      await expect(open(mine, passphrase('p')).open()).rejects.toMatchObject({ code: 'vault/unlock-failed' })
    })
  })

  describe(`changing the protection on ${name}`, () => {
    test('seals everything anew: the old lock opens nothing, the new one everything', async () => {
      const store = memoryStore()
      const vault = open(store, passphrase('old'))
      const signing = await vault.signing.generateSigningKey('ed25519')
      const dh = await vault.channel.generateStaticKey()
      const before = await entries(store)
      await vault.changeProtection(passphrase('new'))
      const after = await entries(store)
      for (const [key, value] of before) if (key !== 'vault/generation') expect(after.get(key)).not.toEqual(value)
      await vault.signing.sign(signing, MESSAGE)
      const third = await vault.signing.generateSigningKey('p256')
      await expect(open(store, passphrase('old')).open()).rejects.toMatchObject({ code: 'vault/unlock-failed' })
      const later = open(store, passphrase('new'))
      expect(await later.signing.findSigningKey(signing.verifyingKey)).toBeDefined()
      expect(await later.signing.findSigningKey(third.verifyingKey)).toBeDefined()
      expect(await later.channel.findStaticKey(dh.publicKey)).toBeDefined()
    })

    test('does not let an old header open new records', async () => {
      const store = memoryStore()
      const vault = open(store, passphrase('leaked'))
      const key = await vault.channel.generateStaticKey()
      const oldHeader = (await store.get('vault/header'))!
      await vault.changeProtection(passphrase('fresh'))
      await store.set('vault/header', oldHeader)
      await expect(open(store, passphrase('leaked')).channel.findStaticKey(key.publicKey)).rejects.toMatchObject({
        code: 'vault/corrupt-record',
      })
    })

    test('works from and to every kind', async () => {
      const store = memoryStore()
      const key = await open(store).channel.generateStaticKey()
      const kinds: readonly VaultProtection[] = ['none', wrappingKey(1), passphrase('p'), wrappingKey(2), 'none']
      for (const [at, next] of kinds.entries()) if (at > 0) await open(store, kinds[at - 1]).changeProtection(next)
      expect(await open(store).channel.findStaticKey(key.publicKey)).toBeDefined()
    })

    test('stops another vault on the same store from writing or reading under the old key, with vault/conflict', async () => {
      const store = memoryStore()
      const [first, second] = [open(store), open(store)]
      const [own, foreign] = [await second.channel.generateStaticKey(), await first.channel.generateStaticKey()]
      await first.changeProtection(wrappingKey(1))
      await expect(second.channel.generateStaticKey()).rejects.toMatchObject({ code: 'vault/conflict' })
      await expect(second.channel.findStaticKey(foreign.publicKey)).rejects.toMatchObject({ code: 'vault/conflict' })
      await expect(second.channel.deleteDhKey(own)).rejects.toMatchObject({ code: 'vault/conflict' })
      await expect(second.changeProtection('none')).rejects.toMatchObject({ code: 'vault/conflict' })
      expect(await namesUnder(store, 'vault/static/')).toHaveLength(2)
    })

    test('loses no key that another vault writes at the same time', async () => {
      const inner = memoryStore()
      const writer = open(inner)
      const early = await writer.channel.generateStaticKey()
      let late: typeof early | undefined
      const store: Store = {
        get: (key) => inner.get(key),
        set: (key, value) => inner.set(key, value),
        delete: (key) => inner.delete(key),
        scan: (prefix) => inner.scan(prefix),
        close: () => inner.close(),
        async batch(steps) {
          // The records have been read; the other vault writes just before they are replaced.
          if (steps.length > 3) late ??= await writer.channel.generateStaticKey()
          return inner.batch(steps)
        },
      }
      await open(store).changeProtection(wrappingKey(1))
      expect(late).toBeDefined()
      const later = open(inner, wrappingKey(1))
      for (const key of [early, late!]) expect(await later.channel.findStaticKey(key.publicKey)).toBeDefined()
    })

    test('gives up with vault/corrupt-record and changes nothing when a record is damaged', async () => {
      const store = memoryStore()
      const vault = open(store)
      await vault.channel.generateStaticKey()
      const [name] = (await namesUnder(store, 'vault/static/')) as [string]
      await store.set(name, new Uint8Array(62))
      const before = await entries(store)
      await expect(vault.changeProtection(wrappingKey(1))).rejects.toMatchObject({ code: 'vault/corrupt-record' })
      expect(await entries(store)).toEqual(before)
    })
  })

  describe(`vaults that share a store on ${name}`, () => {
    test('agree on one header when both start on an empty store', async () => {
      const store = memoryStore()
      const [first, second] = [open(store, wrappingKey(1)), open(store, wrappingKey(1))]
      const keys = await Promise.all([first.channel.generateStaticKey(), second.channel.generateStaticKey()])
      for (const key of keys) expect(await open(store, wrappingKey(1)).channel.findStaticKey(key.publicKey)).toBeDefined()
      expect(await first.channel.findStaticKey(keys[1].publicKey)).toBeDefined()
    })

    test('give one handle per key however many ask at once', async () => {
      const store = memoryStore()
      const key = await open(store).channel.generateStaticKey()
      const later = open(store)
      const found = await Promise.all([1, 2, 3].map(() => later.channel.findStaticKey(key.publicKey)))
      expect(new Set(found).size).toBe(1)
      expect(await later.channel.deleteDhKey(found[0]!)).toBe(true)
      expect(await later.channel.findStaticKey(key.publicKey)).toBeUndefined()
      expect(await namesUnder(store, 'vault/static/')).toEqual([])
    })
  })
}

describe('a key is on the medium before anybody sees its handle', () => {
  test('a failing store makes no key', async () => {
    const inner = memoryStore()
    const vault = assembleVault(backends[0][1](), { store: { ...storeOf(inner), batch: () => Promise.reject(new Error('disk full')) } })
    await expect(vault.signing.generateSigningKey('ed25519')).rejects.toThrow('disk full')
    await expect(vault.channel.generateStaticKey()).rejects.toThrow('disk full')
    expect((await entries(inner)).size).toBe(0)
  })
})

describe('a handshake', () => {
  test('never waits for the store: ephemeral keys are made, used and deleted while a write hangs', async () => {
    const vault = assembleVault(backends[0][1](), { store: { ...storeOf(memoryStore()), batch: () => new Promise(() => undefined) } })
    const hanging = vault.channel.generateStaticKey()
    const isSettled = Promise.race([hanging.then(() => true), Promise.resolve(false)])
    const [own, peer] = [await vault.channel.generateEphemeralKey(), await vault.channel.generateEphemeralKey()]
    expect(await vault.channel.dh(own, peer.publicKey)).toHaveLength(32)
    expect(await vault.channel.deleteDhKey(own)).toBe(true)
    expect(await isSettled).toBe(false)
  })
})

function storeOf(inner: Store): Store {
  return {
    get: (key) => inner.get(key),
    set: (key, value) => inner.set(key, value),
    delete: (key) => inner.delete(key),
    scan: (prefix) => inner.scan(prefix),
    batch: (steps) => inner.batch(steps),
    close: () => inner.close(),
  }
}
