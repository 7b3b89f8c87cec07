import type { AeadKey, ChannelVault, DhKey, Primitives } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { type HandshakeOptions, OCKAM_XX, startInitiator, startResponder, type XX } from '../../src/index.ts'
import { KnownKeyVault } from '../known-key-vault.ts'
import { almostTrue, plugInVault } from '../plug-in-vault.ts'

const EMPTY = new Uint8Array(0)

async function side(overrides: Partial<HandshakeOptions<typeof XX>> = {}): Promise<HandshakeOptions<typeof XX>> {
  const vault = softwareVault()
  return {
    protocol: OCKAM_XX,
    primitives: vault.primitives,
    vault: vault.channel,
    staticKey: await vault.channel.generateStaticKey(),
    ...overrides,
  }
}

const withCode = (code: string): unknown => expect.objectContaining({ code: `secure-channel/${code}` })

/** Up to where the initiator waits for message 2. */
async function untilMessage2(options: { prologue?: Uint8Array } = {}) {
  const initiator = await startInitiator(await side(options)).write(EMPTY)
  const read = await startResponder(await side(options)).read(initiator.message)
  const responder = await read.next.write(new Uint8Array([1, 2, 3]))
  return { initiator, responder }
}

describe('a handshake', () => {
  test('rule 10: after any number of bad second messages the right one still completes', async () => {
    const { initiator, responder } = await untilMessage2()
    for (let at = 0; at < responder.message.length; at += 7) {
      const forged = responder.message.slice()
      forged[at] = (forged[at] as number) ^ 1
      await expect(initiator.next.read(forged)).rejects.toThrowError(withCode('invalid-handshake'))
    }
    for (const length of [0, 31, 32, 95, responder.message.length - 1]) {
      await expect(initiator.next.read(responder.message.slice(0, length))).rejects.toThrowError(withCode('invalid-handshake'))
    }
    const { payload, next } = await initiator.next.read(responder.message)
    expect(payload).toEqual(new Uint8Array([1, 2, 3]))
    const last = await next.write(new Uint8Array([4]))
    expect((await responder.next.read(last.message)).payload).toEqual(new Uint8Array([4]))
  })

  test('rule 10: after any number of bad third messages, and a repeated one, the right one still completes', async () => {
    const { initiator, responder } = await untilMessage2()
    const last = await (await initiator.next.read(responder.message)).next.write(new Uint8Array([4]))
    for (let at = 0; at < last.message.length; at += 5) {
      const forged = last.message.slice()
      forged[at] = (forged[at] as number) ^ 0x80
      await expect(responder.next.read(forged)).rejects.toThrowError(withCode('invalid-handshake'))
    }
    const once = await responder.next.read(last.message)
    const again = await responder.next.read(last.message)
    expect(again.next.handshakeHash).toEqual(once.next.handshakeHash)
    expect(once.next.handshakeHash).toEqual(last.next.handshakeHash)
  })

  test('row 5: message 2 of one session fails in another, and so does message 3', async () => {
    const a = await untilMessage2()
    const b = await untilMessage2()
    await expect(b.initiator.next.read(a.responder.message)).rejects.toThrowError(withCode('invalid-handshake'))
    const lastOfA = await (await a.initiator.next.read(a.responder.message)).next.write(EMPTY)
    await expect(b.responder.next.read(lastOfA.message)).rejects.toThrowError(withCode('invalid-handshake'))
  })

  test('row 4: our own first message sent back to us is refused, also with something behind it', async () => {
    const { initiator } = await untilMessage2()
    const reflected = new Uint8Array(200)
    reflected.set(initiator.message)
    await expect(initiator.next.read(reflected)).rejects.toThrowError(withCode('reflected'))
  })

  test('row 6: who has only Bob’s static key cannot speak as Alice to Bob', async () => {
    const aliceVault = softwareVault()
    const aliceKey = await aliceVault.channel.generateStaticKey()
    const bob = await side()
    // The attacker holds Bob's secret, and claims Alice's public key: the vault computes with Bob's where it should use Alice's.
    const attackerVault = softwareVault().channel
    const lyingVault: ChannelVault = {
      generateStaticKey: () => attackerVault.generateStaticKey(),
      generateEphemeralKey: () => attackerVault.generateEphemeralKey(),
      deleteDhKey: (key) => attackerVault.deleteDhKey(key),
      dh: (key, publicKey) =>
        key.publicKey === aliceKey.publicKey ? bob.vault.dh(bob.staticKey, publicKey) : attackerVault.dh(key, publicKey),
    }
    const pretended: DhKey = { kind: 'dh-key', publicKey: aliceKey.publicKey }
    const first = await startInitiator({ ...bob, vault: lyingVault, staticKey: pretended }).write(EMPTY)
    const second = await (await startResponder(bob).read(first.message)).next.write(EMPTY)
    const third = await (await first.next.read(second.message)).next.write(EMPTY)
    await expect(second.next.read(third.message)).rejects.toThrowError(withCode('invalid-handshake'))
  })

  test('row 8: another prologue, name or cipher on the way makes the handshake fail, never weaker', async () => {
    const initiator = await startInitiator(await side()).write(EMPTY)
    const otherProtocols = [
      { ...OCKAM_XX, name: 'OCKAM_XX_25519_AES128_GCM_SHA256' },
      { ...OCKAM_XX, cipher: 'chacha20-poly1305' as const },
    ]
    for (const protocol of otherProtocols) {
      const reading = await startResponder(await side({ protocol })).read(initiator.message)
      const { message } = await reading.next.write(EMPTY)
      await expect(initiator.next.read(message)).rejects.toThrowError(withCode('invalid-handshake'))
    }
    const reading = await startResponder(await side({ prologue: new Uint8Array([1]) })).read(initiator.message)
    await expect(initiator.next.read((await reading.next.write(EMPTY)).message)).rejects.toThrowError(withCode('invalid-handshake'))
  })

  test('row 12: messages over 65535 bytes are neither written nor read', async () => {
    const { initiator, responder } = await untilMessage2()
    await expect(initiator.next.read(new Uint8Array(65_536))).rejects.toThrowError(withCode('invalid-handshake'))
    const { next } = await initiator.next.read(responder.message)
    await expect(next.write(new Uint8Array(65_472))).rejects.toThrowError(withCode('payload-too-large'))
    expect((await next.write(new Uint8Array(65_471))).message).toHaveLength(65_535)
  })

  test.each([
    ['zero', new Uint8Array(32)],
    ['one', Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))],
    ['of small order', Uint8Array.from(Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex'))],
  ])('row 20: an ephemeral key that is %s is refused', async (_, ephemeral) => {
    const reading = await startResponder(await side()).read(ephemeral)
    await expect(reading.next.write(EMPTY)).rejects.toThrowError(withCode('invalid-handshake'))
  })

  test('a state does only what comes next, and nothing once forgotten', async () => {
    const start = startInitiator(await side()) as unknown as Record<'read' | 'write' | 'split', (...args: unknown[]) => unknown>
    await expect(start.read(new Uint8Array(96))).rejects.toThrowError(withCode('wrong-step'))
    expect(() => start.split()).toThrowError(withCode('wrong-step'))
    const { initiator, responder } = await untilMessage2()
    initiator.next.forget()
    await expect(initiator.next.read(responder.message)).rejects.toThrowError(withCode('wrong-step'))
    const fresh = await untilMessage2()
    const finished = (await (await fresh.initiator.next.read(fresh.responder.message)).next.write(EMPTY)).next
    finished.split()
    expect(() => finished.split()).toThrowError(withCode('wrong-step'))
  })

  test('the ephemeral key is deleted with the handshake, also when writing fails half-way', async () => {
    const secret = '20'.repeat(32)
    const vault = new KnownKeyVault(secret, secret)
    const options = await side({ vault, staticKey: vault.import('30'.repeat(32)) })
    const { next } = await startInitiator(options).write(EMPTY)
    await next.dispose()
    expect(vault.deleted).toHaveLength(1)
    await expect(startInitiator(options).write(new Uint8Array(70_000))).rejects.toThrowError(withCode('payload-too-large'))
    expect(vault.deleted).toHaveLength(2)
  })

  test('a handshake that is called off rejects with the reason it was given', async () => {
    const reason = new Error('changed my mind')
    const vault = softwareVault().channel
    const slow = {
      ...vault,
      generateEphemeralKey: (options) => new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(reason))),
    } as ChannelVault
    const controller = new AbortController()
    const writing = startInitiator(await side({ vault: slow })).write(EMPTY, { signal: controller.signal })
    controller.abort(reason)
    await expect(writing).rejects.toBe(reason)
  })
})

describe('row 26: a vault that lies about sizes causes a typed error', () => {
  const short = { kind: 'dh-key', publicKey: new Uint8Array(31) } as const

  test('a static key of 31 bytes', async () => {
    const options = await side({ staticKey: short })
    expect(() => startInitiator(options)).toThrowError(withCode('vault-failed'))
  })

  test('an ephemeral key of 31 bytes', async () => {
    const vault = {
      ...softwareVault().channel,
      generateEphemeralKey: async () => short,
      deleteDhKey: async () => true,
    } as unknown as ChannelVault
    await expect(startInitiator(await side({ vault })).write(EMPTY)).rejects.toThrowError(withCode('vault-failed'))
  })

  test('a shared secret of 33 bytes, and one that is no array', async () => {
    for (const secret of [new Uint8Array(33), 'secret', undefined]) {
      const real = softwareVault().channel
      const vault = {
        generateEphemeralKey: () => real.generateEphemeralKey(),
        deleteDhKey: (key: DhKey) => real.deleteDhKey(key),
        dh: async () => secret,
      } as unknown as ChannelVault
      const initiator = await startInitiator(await side()).write(EMPTY)
      const { next } = await startResponder(await side({ vault })).read(initiator.message)
      await expect(next.write(EMPTY)).rejects.toThrowError(withCode('vault-failed'))
    }
  })

  test('hashes and derived keys of the wrong length', async () => {
    const { primitives } = softwareVault()
    const wrongHash: Primitives = { ...primitives, sha256: () => new Uint8Array(20) }
    const wrongKeys: Primitives = { ...primitives, hkdfSha256: () => new Uint8Array(32) }
    const start = await side({ primitives: wrongHash })
    expect(() => startInitiator(start)).toThrowError(withCode('vault-failed'))
    const initiator = await startInitiator(await side()).write(EMPTY)
    const { next } = await startResponder(await side({ primitives: wrongKeys })).read(initiator.message)
    await expect(next.write(EMPTY)).rejects.toThrowError(withCode('vault-failed'))
  })

  test('and one that answers with a promise, or anything else than true, authenticates no forged message', async () => {
    for (const answer of almostTrue) {
      const { primitives } = plugInVault((real) => ({
        openInto: (...args: Parameters<AeadKey['openInto']>) => real.openInto(...args) || answer,
      }))
      const initiator = await startInitiator(await side({ primitives })).write(EMPTY)
      const responder = await (await startResponder(await side()).read(initiator.message)).next.write(EMPTY)
      const forged = responder.message.slice()
      forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1
      await expect(initiator.next.read(forged)).rejects.toThrowError(withCode('invalid-handshake'))
    }
  })
})
