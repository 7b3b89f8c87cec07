import { type Address, dropPressure, memoryStore, Route, type Store } from '@ockam/core'
import { BareReader, encodeBareData } from '@ockam/core/bare'
import { afterEach, describe, expect, test } from 'vitest'
import type { SecureChannel } from '../src/index.ts'
import { bytes, closeNodes, collect, createTestNode, everyone, settle, type TestNode, text, twoNodes, until } from './world.ts'

afterEach(closeNodes)

const key = new Uint8Array(32).fill(9)

async function connected(options: { store?: Store } = {}) {
  const persistence = options.store === undefined ? {} : { persistence: { store: options.store, key } }
  const world = await twoNodes({ bob: persistence })
  const { alice, bob, toBob } = world
  const side = { trust: everyone, isKeyExchangeOnly: true } as const
  await bob.channels.createListener('key_exchanger', { identity: bob.identity.identifier, ...side })
  const channel = await alice.channels.createChannel([toBob.address, 'key_exchanger'], { identity: alice.identity.identifier, ...side })
  await until(() => bob.channels.channels().length === 1)
  return { ...world, channel, accepted: bob.channels.channels()[0] as SecureChannel }
}

/** Asks an encryption or decryption service; the answer's bytes, or the code of its failure. */
async function ask(node: TestNode, service: Address, content: Uint8Array): Promise<Uint8Array | string> {
  const { payload } = await node.router.context.request([service], encodeBareData(content))
  const reader = new BareReader(payload)
  return reader.uvarint() === 0 ? reader.data().slice() : reader.string()
}

describe('a channel that only exchanged keys', () => {
  test('what one side encrypts, the other decrypts, in any order and more than once', async () => {
    const { alice, bob, channel, accepted } = await connected()
    const ciphertexts: Uint8Array[] = []
    for (let i = 0; i < 100; i++) ciphertexts.push((await ask(alice, channel.encryptorApi, bytes(`record ${i}`))) as Uint8Array)
    for (const i of [99, 0, 50, 50, 3]) {
      expect(text((await ask(bob, accepted.decryptorApi, ciphertexts[i] as Uint8Array)) as Uint8Array)).toBe(`record ${i}`)
    }
    // Nonce, content as it is, tag: no wrapping.
    expect(ciphertexts[0]).toHaveLength(8 + bytes('record 0').length + 16)
  })

  test('changed and foreign ciphertexts get a code and nothing more', async () => {
    const { alice, bob, channel, accepted } = await connected()
    const ciphertext = (await ask(alice, channel.encryptorApi, bytes('x'))) as Uint8Array
    ciphertext[9] = (ciphertext[9] as number) ^ 1
    expect(await ask(bob, accepted.decryptorApi, ciphertext)).toBe('secure-channel/invalid-ciphertext')
    expect(await ask(bob, accepted.decryptorApi, new Uint8Array(3))).toBe('secure-channel/invalid-ciphertext')
  })

  test('messages do not pass through it', async () => {
    const { alice, bob, channel } = await connected()
    const inbox = collect(bob, 'inbox')
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes('no')))
    await settle()
    expect(inbox).toHaveLength(0)
    expect(channel.statistics().dropped).toBe(1)
    expect(() => channel.updateRoute(['x'])).toThrowError(expect.objectContaining({ code: 'secure-channel/invalid-argument' }))
    await expect(channel.refreshCredentials()).rejects.toThrowError(expect.objectContaining({ code: 'secure-channel/invalid-argument' }))
  })

  test('rule 6: its services answer nobody outside of the node, not even where that flow was let in by mistake', async () => {
    const { bob, accepted, toBob, alice } = await connected()
    const probes = collect(bob, 'probe', 'anyone')
    const ask = alice.router.createMailbox('asking', { from: 'anyone' })
    dropPressure(ask.send([toBob.address, 'probe'], bytes('which flow is this?')))
    await until(() => probes.length === 1)
    for (const service of [accepted.decryptorApi, accepted.encryptorApi]) {
      dropPressure(ask.send([toBob.address, service], encodeBareData(bytes('oracle?'))))
      bob.router.flowControls.addConsumer(service, probes[0]?.origin?.flowControlId as string)
      dropPressure(ask.send([toBob.address, service], encodeBareData(bytes('oracle?'))))
    }
    await expect(ask.receive({ timeoutMs: 100 })).rejects.toThrowError(expect.objectContaining({ code: 'routing/timeout' }))
  })

  test('an asker who does not read loses answers, which are counted; nothing fails, and others are answered', async () => {
    const { alice, channel } = await connected()
    const silent = alice.router.startWorker('silent', () => new Promise<void>(() => {}), { from: 'local', maxMessages: 8 })
    const payload = encodeBareData(bytes('asked by somebody who does not read'))
    const asks = 200
    for (let i = 0; i < asks; i++) {
      dropPressure(
        alice.router.context.dispatch({ onwardRoute: Route.of(channel.encryptorApi), returnRoute: Route.of(silent.address), payload }),
      )
    }
    expect(await ask(alice, channel.encryptorApi, bytes('meanwhile'))).toBeInstanceOf(Uint8Array)
    const { dropped, waitingMessages } = alice.router.statistics()
    expect(Object.keys(dropped)).toEqual(['nobody-reads'])
    // A full mailbox has a quarter more of answers, and one is in hand.
    expect(waitingMessages).toBeLessThanOrEqual(8 + 2 + 1)
    expect((dropped['nobody-reads'] as number) + waitingMessages).toBe(asks)
    expect(alice.events.filter(({ name }) => name === 'routing/worker-failed')).toEqual([])
    await silent.close({ timeoutMs: 1 })
  })
})

describe('ordinary channels have the services too', () => {
  test('a ciphertext of the service is opened by the service, once', async () => {
    const { alice, bob, toBob } = await twoNodes()
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    await until(() => bob.channels.channels().length === 1)
    const accepted = bob.channels.channels()[0] as SecureChannel
    const ciphertext = (await ask(alice, channel.encryptorApi, bytes('once'))) as Uint8Array
    expect(text((await ask(bob, accepted.decryptorApi, ciphertext)) as Uint8Array)).toBe('once')
    expect(await ask(bob, accepted.decryptorApi, ciphertext)).toBe('secure-channel/invalid-ciphertext')
  })
})

describe('rule 5: what is stored', () => {
  test('after a restart old ciphertexts can be decrypted, and nothing can be encrypted', async () => {
    const store = memoryStore()
    const { network, alice, bob, channel, accepted } = await connected({ store })
    const ciphertext = (await ask(alice, channel.encryptorApi, bytes('for later'))) as Uint8Array
    const { decryptorAddress, decryptorApi } = accepted
    await bob.close()
    const again = await createTestNode('bob-again', { network, persistence: { store, key } })
    const [restored, ...others] = await again.channels.restoreDecryptors()
    expect(others).toHaveLength(0)
    expect(restored?.peer.equals(alice.identity.identifier)).toBe(true)
    expect(restored?.decryptorAddress.equals(decryptorAddress)).toBe(true)
    expect(text((await ask(again, decryptorApi, ciphertext)) as Uint8Array)).toBe('for later')
    expect(Object.keys(restored ?? {}).sort()).toEqual(['close', 'decryptorAddress', 'decryptorApi', 'forget', 'identity', 'peer'])
    await restored?.forget()
    expect(await again.channels.restoreDecryptors()).toHaveLength(0)
  })

  test('disposing of a restored decryptor, or closing all channels, stops the service and keeps the record', async () => {
    const store = memoryStore()
    const { bob } = await connected({ store })
    await bob.close()
    const again = await createTestNode('bob-again', { persistence: { store, key } })
    const { workers } = again.router.statistics()
    const [first] = await again.channels.restoreDecryptors()
    await first?.[Symbol.asyncDispose]()
    expect(again.router.statistics().workers).toBe(workers)
    expect(await again.channels.restoreDecryptors()).toHaveLength(1)
    expect(again.router.statistics().workers).toBe(workers + 1)
    await again.channels.close()
    expect(again.router.statistics().workers).toBe(workers)
    expect(await records(store)).toHaveLength(1)
  })

  test('two nodes that restore from one store open what the peer sealed, not what their own side sealed, and have no channel to seal with', async () => {
    const store = memoryStore()
    const { alice, channel, accepted, bob } = await connected({ store })
    const sealed = (await ask(bob, accepted.encryptorApi, bytes('from bob'))) as Uint8Array
    expect(await records(store)).toHaveLength(1)
    // Each can open what Alice sealed, and neither can seal anything, nor open what this side sealed.
    for (const name of ['copy-1', 'copy-2']) {
      const copy = await createTestNode(name, { persistence: { store, key } })
      const [restored] = await copy.channels.restoreDecryptors()
      const fromAlice = (await ask(alice, channel.encryptorApi, bytes('to all copies'))) as Uint8Array
      expect(text((await ask(copy, restored?.decryptorApi as Address, fromAlice)) as Uint8Array)).toBe('to all copies')
      expect(await ask(copy, restored?.decryptorApi as Address, sealed)).toBe('secure-channel/invalid-ciphertext')
      expect(copy.channels.channels()).toHaveLength(0)
    }
  })

  test('ordinary channels store nothing at all', async () => {
    const store = memoryStore()
    const { alice, bob, toBob } = await twoNodes({ bob: { persistence: { store, key } } })
    await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    await channel.close()
    for await (const entry of store.scan('')) throw new Error(entry.key)
  })
})

async function records(store: Store): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.scan('secure-channel/decryptor/')) keys.push(key)
  return keys
}
