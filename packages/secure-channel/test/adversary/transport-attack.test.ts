import { dropPressure, type AeadKey, type Primitives, type Vault } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { writeNonce } from '../../src/protocol/nonce.ts'
import { bytes, closeNodes, collect, everyone, settle, startEcho, text, twoNodes, until } from '../world.ts'
import { ManInTheMiddle } from './man-in-the-middle.ts'

afterEach(closeNodes)

async function attacked(options: Parameters<typeof twoNodes>[0] = {}) {
  const world = await twoNodes(options)
  const { network, alice, bob, toBob } = world
  startEcho(bob)
  const inbox = collect(bob, 'inbox')
  await bob.channels.createListener('api', { identity: bob.identity.identifier, trust: everyone })
  const open = async () => {
    const known = bob.channels.channels().length
    const channel = await alice.channels.createChannel([toBob.address, 'api'], { identity: alice.identity.identifier, trust: everyone })
    await until(() => bob.channels.channels().length === known + 1)
    return { channel, accepted: bob.channels.channels()[known] as typeof channel }
  }
  const { channel, accepted } = await open()
  const attacker = new ManInTheMiddle(network)
  const send = (content: string): void => void alice.router.context.send([channel.address, 'inbox'], bytes(content))
  const arrived = (): string[] => inbox.map(({ payload }) => text(payload))
  return { ...world, inbox, open, channel, accepted, attacker, send, arrived }
}

describe('a man in the middle of a live channel', () => {
  test('row 1: each of 200 messages delivered three times arrives exactly once', async () => {
    const { attacker, send, arrived, accepted } = await attacked()
    for (let i = 0; i < 200; i++) {
      send(String(i))
      if (i % 10 === 9) await settle()
      for (const behind of [0, 3, 20, 60]) if (i > behind) attacker.replay(Math.max(0, attacker.captured.length - 1 - behind))
    }
    await until(() => arrived().length === 200)
    await settle()
    expect(arrived().toSorted((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 200 }, (_, i) => String(i)))
    const { refused } = accepted.statistics()
    expect((refused['seen'] ?? 0) + (refused['old'] ?? 0)).toBeGreaterThan(300)
  })

  test('row 2: any order within the window arrives completely', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(1000), { minLength: 30, maxLength: 30 }), async (order) => {
        const { attacker, send, arrived } = await attacked()
        attacker.plan('hold', 'alice')
        for (let i = 0; i < 30; i++) send(String(i))
        await until(() => attacker.held === 30)
        attacker.plan('pass')
        attacker.release(order)
        await until(() => arrived().length === 30)
        expect(new Set(arrived()).size).toBe(30)
        await closeNodes()
      }),
      { numRuns: 10 },
    )
  })

  test('row 3: a nonce in the far future costs no cryptography and does not move the window', async () => {
    const spy = spyVault()
    const { attacker, send, arrived, accepted } = await attacked({ bob: { vault: spy.vault } })
    send('first')
    await until(() => arrived().length === 1)
    const before = { ...spy.calls }
    const forged = new Uint8Array(100)
    for (const nonce of [2 ** 40, 34, 100, Number.MAX_SAFE_INTEGER]) {
      writeNonce(forged, 0, nonce)
      attacker.invent('alice', forged.slice())
    }
    attacker.invent('alice', new Uint8Array(100).fill(0xff))
    await until(() => accepted.statistics().refused['ahead'] === 5)
    expect(spy.calls).toEqual(before)
  })

  test('row 3: forged nonces ahead of the window from elsewhere do not end a channel', async () => {
    const { alice, toBob, send, arrived, accepted } = await attacked()
    send('first')
    await until(() => arrived().length === 1)
    const forged = new Uint8Array(100)
    for (let i = 0; i < 50; i++) {
      writeNonce(forged, 0, 1000 + i)
      // Not along the way of the last good message: there is a hop more in the return route.
      dropPressure(alice.router.context.send([toBob.address, accepted.decryptorAddress], forged.slice()))
    }
    await until(() => accepted.statistics().refused['ahead'] === 50)
    send('second')
    await until(() => arrived().length === 2)
  })

  test('rule 13: a hundred forgeries of the next interval derive one key, and the real next interval still opens', async () => {
    const spy = spyVault()
    const { attacker, send, arrived } = await attacked({ bob: { vault: spy.vault } })
    for (let i = 0; i < 10; i++) send(String(i))
    await until(() => arrived().length === 10)
    const before = spy.calls.rekey
    for (let i = 0; i < 100; i++) {
      const forged = new Uint8Array(60).fill(i)
      writeNonce(forged, 0, 32 + (i % 9))
      attacker.invent('alice', forged)
    }
    await settle()
    expect(spy.calls.rekey).toBe(before + 1)
    for (let i = 10; i < 80; i++) send(String(i))
    await until(() => arrived().length === 80)
  })

  test('row 4: our own ciphertexts sent back to us are refused', async () => {
    const { attacker, send, arrived, channel } = await attacked()
    send('mine')
    await until(() => arrived().length === 1)
    for (let i = 0; i < 10; i++) attacker.reflect(attacker.captured.length - 1, channel.decryptorAddress)
    await settle()
    expect(channel.statistics().received).toBe(0)
    expect(channel.statistics().refused['forged']).toBe(10)
  })

  test('row 5 and rule 15: a ciphertext, and a Close, of one channel mean nothing in another', async () => {
    const { attacker, send, arrived, open } = await attacked()
    const second = await open()
    send('for the first')
    await until(() => arrived().length === 1)
    attacker.splice(attacker.captured.length - 1, second.accepted.decryptorAddress)
    const third = await open()
    const start = attacker.captured.length
    await third.channel.close()
    await settle()
    const close = attacker.captured.findIndex(({ from }, i) => i >= start && from === 'alice')
    expect(close).toBeGreaterThan(0)
    attacker.splice(close, second.accepted.decryptorAddress)
    await settle()
    expect(arrived()).toEqual(['for the first'])
    expect(second.accepted.statistics()).toMatchObject({ received: 0 })
    expect(Object.values(second.accepted.statistics().refused).reduce((a, b) => a + b, 0)).toBe(2)
  })

  test('every flipped bit is noticed, nothing is delivered changed, and the channel stays up', async () => {
    const { attacker, send, arrived, accepted } = await attacked()
    // The nonce, bytes 0 to 7, is in clear: a changed one is outside of the window or does not authenticate, which other tests cover.
    for (let at = 8; at < 36; at++) {
      attacker.plan('flip', 'alice', at)
      send('changed')
      await settle()
      if (at % 14 === 0) {
        attacker.plan('pass')
        send('unchanged')
        await settle()
      }
    }
    expect(arrived().every((content) => content === 'unchanged')).toBe(true)
    expect(arrived()).toHaveLength(2)
    expect(accepted.statistics().refused['forged']).toBe(28)
  }, 30_000)

  test('nothing readable crosses: no content, no inner address, no identifier', async () => {
    const { attacker, alice, bob, channel, open } = await attacked()
    await open()
    const marker = 'the-secret-word'
    dropPressure(alice.router.context.send([channel.address, 'inbox'], bytes(marker)))
    await alice.router.context.request([channel.address, 'echo'], bytes(marker))
    const crossed = Buffer.concat(attacker.captured.map(({ message }) => message.payload)).toString('latin1')
    const identifiers = [alice, bob].map(({ identity }) => Buffer.from(identity.identifier.toBytes()).toString('latin1'))
    for (const secret of [marker, 'inbox', 'echo', ...identifiers]) expect(crossed).not.toContain(secret)
  })
})

function spyVault() {
  const real = softwareVault()
  const calls = { open: 0, rekey: 0, hkdf: 0 }
  const spied = (key: AeadKey): AeadKey => ({
    sealInto: (...args) => key.sealInto(...args),
    openInto: (...args) => {
      calls.open++
      return key.openInto(...args)
    },
    rekey: () => {
      calls.rekey++
      return spied(key.rekey())
    },
    destroy: () => key.destroy(),
  })
  const primitives: Primitives = {
    ...real.primitives,
    hkdfSha256: (...args) => {
      calls.hkdf++
      return real.primitives.hkdfSha256(...args)
    },
    aeadKey: (...args) => spied(real.primitives.aeadKey(...args)),
  }
  return { calls, vault: { ...real, primitives } as Vault }
}
