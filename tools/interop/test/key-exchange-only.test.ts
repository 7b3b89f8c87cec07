/** Channels that only exchange keys: what one side's encryption service makes, the other side's decryption service opens. */

import type { Address } from '@ockam/core'
import { BareReader, encodeBareData } from '@ockam/core/bare'
import { type OckamNode, trustEveryone } from '@ockam/node'
import type { SecureChannel } from '@ockam/secure-channel'
import { expect, test } from 'vitest'
import type { Answer, RustPeer } from './fixture/rust-peer.ts'
import { hex, ours, rust, socketOf, unhex, utf8 } from './fixture/world.ts'

async function ask(node: OckamNode, service: Address, content: Uint8Array): Promise<Uint8Array> {
  const { payload } = await node.request([service], encodeBareData(content))
  const reader = new BareReader(payload)
  if (reader.uvarint() !== 0) throw new Error(reader.string())
  return reader.data().slice()
}

async function exchange(node: OckamNode, own: SecureChannel, peer: RustPeer, rusts: Answer): Promise<void> {
  for (let i = 0; i < 70; i++) {
    const ciphertext = await ask(node, own.encryptorApi, utf8(`record ${i}`))
    const { plaintext } = await peer.ask('channel.decrypt', { decryptorApi: rusts.decryptorApi, ciphertext: hex(ciphertext) })
    expect(unhex(plaintext)).toEqual(utf8(`record ${i}`))
  }
  const sealed = await peer.ask('channel.encrypt', { encryptorApi: rusts.encryptorApi, plaintext: hex(utf8('from Rust')) })
  expect(await ask(node, own.decryptorApi, unhex(sealed.ciphertext))).toEqual(utf8('from Rust'))
  // Nothing keeps a ciphertext from being opened twice: whoever carries it has to.
  expect(await ask(node, own.decryptorApi, unhex(sealed.ciphertext))).toEqual(utf8('from Rust'))
}

test('we open one to a Rust listener', async () => {
  const { peer, address, flow } = await rust()
  const { identifier } = await peer.ask('identity.create')
  await peer.ask('channel.listen', { identifier, address: 'key_exchanger', keyExchangeOnly: true, consumerOf: [flow] })
  const node = await ours()
  const identity = await node.createIdentity()
  const connection = await node.connect(address)
  const side = { identity: identity.identifier, trust: trustEveryone(), isKeyExchangeOnly: true }
  const channel = await node.channels.createChannel([connection.address, 'key_exchanger'], side)
  await exchange(node, channel, peer, await peer.event('channel-opened'))
})

test('a Rust node opens one to our listener', async () => {
  const node = await ours()
  const identity = await node.createIdentity()
  let onChannel: (channel: SecureChannel) => void = () => undefined
  const accepted = new Promise<SecureChannel>((resolve) => (onChannel = resolve))
  await node.listenSecureChannels('key_exchanger', { identity, trust: trustEveryone(), isKeyExchangeOnly: true, onChannel })
  const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
  const { peer } = await rust()
  const { identifier } = await peer.ask('identity.create')
  const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
  const opened = await peer.ask('channel.create', { identifier, route: [worker, 'key_exchanger'], keyExchangeOnly: true })
  await exchange(node, await accepted, peer, opened)
})
