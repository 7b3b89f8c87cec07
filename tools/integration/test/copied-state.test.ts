/**
 * A state directory that was copied while its node ran, as a snapshot or a backup would: the node goes on, and so do nodes that are started from the
 * copies. No key seals twice with one nonce, because no sending key is in the store (threat model, rule 5).
 */

import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Address, type AeadKey, type BatchAeadKey, dropPressure, type RouteLike } from '@ockam/core'
import { BareReader, encodeBareData } from '@ockam/core/bare'
import { createIdentities } from '@ockam/identity'
import { createRouter } from '@ockam/routing'
import { createSecureChannels, type SecureChannel, trustIdentifier } from '@ockam/secure-channel'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { softwareVault } from '@ockam/vault-software'
import { afterEach, expect, test } from 'vitest'
import { until } from './fixture/child.ts'
import { SealWatch, type WatchedParty } from './fixture/seal-watch.ts'

/** What protects stored decryptors: whoever copies the directory may know it. */
const key = new Uint8Array(32).fill(7)
const MESSAGES = 100
const cleanUp: (() => unknown)[] = []

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task()
})

/** A node made of its parts, because what is stored of channels is an option of that part. */
async function start(path: string, party: WatchedParty) {
  const store = fileStore(path)
  const software = softwareVault({ store })
  await software.open()
  const { signing, verifying, channel } = software
  const vault = { signing, verifying, channel, primitives: party.primitives(software.primitives) }
  const router = createRouter({ transports: [tcp()] })
  const identities = createIdentities({ vault, store })
  const channels = createSecureChannels({ router, vault, identities, persistence: { store, key } })
  let received = 0
  // From anyone, because things are sent back along channels that this node has opened.
  router.startWorker('inbox', () => void received++, { from: 'anyone' })
  cleanUp.push(async () => {
    await channels.close({ timeoutMs: 500 })
    await router.close({ timeoutMs: 500 })
    await software.close()
    await store.close()
  })
  const { identifier } = await identities.getOrCreate('main')
  const send = (channel: SecureChannel, count: number): void => {
    for (let i = 0; i < count; i++) dropPressure(router.context.send([channel.address, 'inbox'], new Uint8Array([i])))
  }
  const ask = async (service: RouteLike, content: Uint8Array): Promise<Uint8Array | string> => {
    const { payload } = await router.context.request(service, encodeBareData(content))
    const reader = new BareReader(payload)
    return reader.uvarint() === 0 ? reader.data().slice() : reader.string()
  }
  return { party, router, channels, identifier, send, ask, received: () => received }
}

type Running = Awaited<ReturnType<typeof start>>

/** Both sides of a new channel. */
async function openChannel(from: Running, to: Running, address: string, listener: string) {
  const before = new Set(to.channels.channels())
  const isKeyExchangeOnly = listener === 'key_exchanger'
  const side = { identity: from.identifier, trust: trustIdentifier(to.identifier), isKeyExchangeOnly }
  const { address: connection } = await from.router.connect(address)
  const channel = await from.channels.createChannel([connection, listener], side)
  const accepted = await until(
    () => to.channels.channels().find((found) => !before.has(found)),
    (found) => found !== undefined,
    'the channel is there on the other side too',
  )
  return { channel, accepted: accepted as SecureChannel }
}

test('rule 5: a state directory is copied, the original and both copies open channels and send: no pair of key and nonce repeats', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ockam-copied-state-'))
  cleanUp.push(() => rm(folder, { recursive: true }))
  const watch = new SealWatch()
  const peer = await start(join(folder, 'peer'), watch.party())
  const original = await start(join(folder, 'original'), watch.party())
  const listen = async (node: Running, other: Running): Promise<string> => {
    const side = { identity: node.identifier, trust: trustIdentifier(other.identifier) }
    await node.channels.createListener('api', side)
    await node.channels.createListener('key_exchanger', { ...side, isKeyExchangeOnly: true })
    return String((await node.router.listen('/ip4/127.0.0.1/tcp/0')).address)
  }
  const peerAddress = await listen(peer, original)
  const originalAddress = await listen(original, peer)

  // Keys in use in every way: accepted and opened, for messages and for ciphertexts that somebody else carries.
  const opened = await openChannel(original, peer, peerAddress, 'api')
  const accepted = await openChannel(peer, original, originalAddress, 'api')
  const exchanged = await openChannel(peer, original, originalAddress, 'key_exchanger')
  /** What the original does before it is copied, and again afterwards. */
  const useOriginal = async (): Promise<void> => {
    original.send(opened.channel, MESSAGES)
    original.send(accepted.accepted, MESSAGES)
    peer.send(opened.accepted, MESSAGES)
    for (let i = 0; i < 10; i++) await original.ask([exchanged.accepted.encryptorApi], new Uint8Array([i]))
  }
  await useOriginal()
  const forLater = (await peer.ask([exchanged.channel.encryptorApi], new Uint8Array([1, 2, 3]))) as Uint8Array
  await until(peer.received, (count) => count === 2 * MESSAGES, 'the peer has received everything')

  for (const name of ['copy-1', 'copy-2']) {
    // What its lock consists of is no file that can be copied, and worth nothing elsewhere.
    const isState = (path: string): boolean => ['original', 'log'].includes(basename(path))
    await cp(join(folder, 'original'), join(folder, name), { recursive: true, filter: isState })
  }
  await useOriginal()
  await until(peer.received, (count) => count === 4 * MESSAGES, 'the peer has received everything')
  const countBefore = watch.count

  const copies: Running[] = []
  let expected = peer.received()
  for (const name of ['copy-1', 'copy-2']) {
    const copy = await start(join(folder, name), watch.party())
    copies.push(copy)
    expect(String(copy.identifier)).toBe(String(original.identifier))
    const [restored, ...others] = await copy.channels.restoreDecryptors()
    const fromStore = new Set(copy.party.made)
    expect(others).toEqual([])
    // The copy has what was stored, and can read with it.
    expect(await copy.ask([restored?.decryptorApi as Address], forLater)).toEqual(new Uint8Array([1, 2, 3]))

    const address = await listen(copy, peer)
    const outgoing = await openChannel(copy, peer, peerAddress, 'api')
    const incoming = await openChannel(peer, copy, address, 'api')
    const stored = await openChannel(peer, copy, address, 'key_exchanger')
    copy.send(outgoing.channel, MESSAGES)
    copy.send(incoming.accepted, MESSAGES)
    peer.send(incoming.channel, MESSAGES)
    for (let i = 0; i < 10; i++) await copy.ask([stored.accepted.encryptorApi], new Uint8Array([i]))
    expected += 2 * MESSAGES
    await until(peer.received, (count) => count === expected, 'the peer has received everything')
    await until(copy.received, (count) => count === MESSAGES, 'the copy has received everything')
    // The key of the record, and the receiving key in it: read with, never written with.
    expect(fromStore.size).toBe(2)
    expect([...fromStore].filter((key) => copy.party.sealing.has(key))).toEqual([])
  }
  await useOriginal()
  await until(peer.received, (count) => count === expected + 2 * MESSAGES, 'the peer has received everything')

  expect(watch.repeated).toEqual([])
  expect(watch.count - countBefore).toBeGreaterThan(2 * (3 * MESSAGES + 10) + 2 * MESSAGES)
  // Not even a key of one is a key of another; the peer has keys of handshakes in common with each.
  const keys = [original, ...copies].flatMap(({ party }) => [...party.sealing])
  expect(new Set(keys).size).toBe(keys.length)
  // Nothing that anybody sealed with stands in a directory; that a decryptor does shows that the right place was looked at.
  for (const name of await readdir(folder)) {
    const log = await readFile(join(folder, name, 'log'))
    expect([name, log.includes('secure-channel/decryptor/')]).toEqual([name, true])
    expect(watch.secrets.filter((secret) => log.includes(Buffer.from(secret)))).toEqual([])
  }
}, 60_000)

test('the watch of that test sees a nonce that is used again: with the same key, a copy of it, and a key derived from it, alone and in a batch', () => {
  const { primitives } = softwareVault()
  const bytes = new Uint8Array(32).fill(3)
  const slab = (): Uint8Array<ArrayBuffer> => new Uint8Array(128)
  const jobs = [0, 64].map((at) => ({ inAt: at, outAt: at, length: 16 }))
  const seals: ((watch: SealWatch) => void)[] = [
    (watch) => {
      const key = watch.party().primitives(primitives).aeadKey(bytes)
      for (let i = 0; i < 2; i++) key.sealInto(slab(), 0, slab(), 0, 16, 5)
    },
    (watch) => {
      for (let i = 0; i < 2; i++) watch.party().primitives(primitives).aeadKey(bytes).sealInto(slab(), 0, slab(), 0, 16, 5)
    },
    (watch) => {
      for (let i = 0; i < 2; i++) watch.party().primitives(primitives).aeadKey(bytes).rekey().sealInto(slab(), 0, slab(), 0, 16, 5)
    },
    (watch) => {
      const key: AeadKey & Partial<BatchAeadKey> = watch.party().primitives(primitives).aeadKey(bytes)
      key.sealMany?.(slab(), jobs, 4)
      key.sealInto(slab(), 0, slab(), 0, 16, 5)
    },
  ]
  for (const seal of seals) {
    const watch = new SealWatch()
    seal(watch)
    expect(watch.repeated).toHaveLength(1)
  }
  const watch = new SealWatch()
  const key = watch.party().primitives(primitives).aeadKey(bytes)
  for (const used of [key, key.rekey()]) for (let nonce = 0; nonce < 2; nonce++) used.sealInto(slab(), 0, slab(), 0, 16, nonce)
  expect([watch.count, watch.repeated]).toEqual([4, []])
})
