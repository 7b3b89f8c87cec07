import { memoryStore } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { softwareVault } from '../src/index.ts'
import { isPrivateScalar, toLowS } from '../src/p256-scalar.ts'
import { PublicKeyCache } from '../src/key-object-node.ts'
import { assembleVault } from '../src/vault-assembly.ts'
import { createBackend } from '#primitives'
import { backends } from './back-end.ts'

const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
const code = (name: string) => ({ code: `vault/${name}` })

/** A predictable source: 32-byte requests are answered from a list. */
const randomOf = (...secrets: readonly Uint8Array[]) => {
  const rest = [...secrets]
  return { bytes: (length: number) => Uint8Array.from(rest.shift() ?? new Uint8Array(length)) }
}

describe('#primitives', () => {
  test('is node:crypto under Node', () => {
    expect(createBackend().name).toBe('node')
  })
})

describe('softwareVault', () => {
  test('needs no options', async () => {
    const vault = softwareVault()
    const key = await vault.signing.generateSigningKey('ed25519')
    const signature = await vault.signing.sign(key, new Uint8Array(3))
    expect(await vault.verifying.verify(key.verifyingKey, new Uint8Array(3), signature)).toBe(true)
    expect(await vault.signing.findSigningKey(key.verifyingKey)).toBe(key)
    await vault.open()
    await vault.close()
  })

  test('refuses a protection without a store, and malformed protections', async () => {
    const store = memoryStore()
    expect(() => softwareVault({ protection: 'none' })).toThrow(expect.objectContaining(code('invalid-argument')))
    for (const protection of [
      { passphrase: '' },
      { passphrase: 7 },
      { passphrase: 'p', costLog2: 13 },
      { passphrase: 'p', costLog2: 21 },
      { passphrase: 'p', costLog2: 14.5 },
      { wrappingKey: new Uint8Array(31) },
      { wrappingKey: 'k' },
      {},
      null,
      'some',
    ]) {
      expect(() => softwareVault({ store, protection: protection as 'none' })).toThrow(expect.objectContaining(code('invalid-argument')))
    }
    await expect(softwareVault().changeProtection('none')).rejects.toMatchObject(code('unsupported'))
  })

  test('copies the wrapping key, so that the caller may wipe it before the vault first uses it', async () => {
    const store = memoryStore()
    const wrappingKey = new Uint8Array(32).fill(4)
    const vault = softwareVault({ store, protection: { wrappingKey } })
    wrappingKey.fill(0)
    await vault.open()
    await softwareVault({ store, protection: { wrappingKey: new Uint8Array(32).fill(4) } }).open()
  })

  test('finds nothing for malformed public keys and refuses them', async () => {
    const vault = softwareVault()
    await expect(vault.signing.findSigningKey({ type: 'p256', bytes: new Uint8Array(64) })).rejects.toMatchObject(code('invalid-argument'))
    await expect(vault.signing.findSigningKey({ type: 'rsa' as 'p256', bytes: new Uint8Array(64) })).rejects.toMatchObject(
      code('unsupported'),
    )
    await expect(vault.channel.findStaticKey(new Uint8Array(31))).rejects.toMatchObject(code('invalid-argument'))
  })

  test('does not take a channel key for a signing key with the same public bytes', async () => {
    const store = memoryStore()
    const dh = await softwareVault({ store }).channel.generateStaticKey()
    expect(await softwareVault({ store }).signing.findSigningKey({ type: 'ed25519', bytes: dh.publicKey })).toBeUndefined()
  })
})

describe.each(backends)('a vault on %s', (_name, create) => {
  test('once closed refuses everything that needs a secret, and goes on verifying and hashing', async () => {
    const store = memoryStore()
    const vault = assembleVault(create(), { store })
    const key = await vault.signing.generateSigningKey('ed25519')
    const dh = await vault.channel.generateEphemeralKey()
    const signature = await vault.signing.sign(key, new Uint8Array(3))
    await vault.close()
    await vault.close()
    for (const operation of [
      () => vault.signing.generateSigningKey('ed25519'),
      () => vault.signing.sign(key, new Uint8Array(3)),
      () => vault.signing.deleteSigningKey(key),
      () => vault.signing.findSigningKey(key.verifyingKey),
      () => vault.channel.generateStaticKey(),
      () => vault.channel.generateEphemeralKey(),
      () => vault.channel.dh(dh, dh.publicKey),
      () => vault.channel.deleteDhKey(dh),
      () => vault.channel.findStaticKey(dh.publicKey),
      () => vault.open(),
      () => vault.changeProtection('none'),
    ]) {
      await expect(operation()).rejects.toMatchObject(code('closed'))
    }
    expect(await vault.verifying.verify(key.verifyingKey, new Uint8Array(3), signature)).toBe(true)
    expect(vault.primitives.sha256(new Uint8Array())).toHaveLength(32)
    expect(await store.get('vault/header')).toBeDefined()
  })

  test('has Symbol.asyncDispose', async () => {
    const vault = assembleVault(create(), {})
    await vault[Symbol.asyncDispose]()
    await expect(vault.channel.generateEphemeralKey()).rejects.toMatchObject(code('closed'))
  })

  test('makes the keys an injected source determines: RFC 8032 TEST 1, RFC 7748 section 6.1, RFC 6979 A.2.5', async () => {
    const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'))
    const random = randomOf(
      hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'),
      hex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721'),
      hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'),
    )
    const vault = assembleVault(create(), { random })
    const ed25519 = await vault.signing.generateSigningKey('ed25519')
    expect(ed25519.verifyingKey.bytes).toEqual(hex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))
    const p256 = await vault.signing.generateSigningKey('p256')
    expect(p256.verifyingKey.bytes).toEqual(
      hex(
        '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
      ),
    )
    const alice = await vault.channel.generateEphemeralKey()
    expect(alice.publicKey).toEqual(hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'))
    const bob = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    expect(await vault.channel.dh(alice, bob)).toEqual(hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'))
  })

  test('draws P-256 keys again until they are in range, and gives up on a source that is broken', async () => {
    const good = new Uint8Array(32).fill(1)
    const patient = assembleVault(create(), {
      random: randomOf(new Uint8Array(32), Uint8Array.from(ORDER), new Uint8Array(32).fill(255), good),
    })
    const key = await patient.signing.generateSigningKey('p256')
    const direct = create().importKey('p256', good)
    expect(key.verifyingKey.bytes).toEqual(direct.publicKey)
    const broken = assembleVault(create(), { random: randomOf() })
    await expect(broken.signing.generateSigningKey('p256')).rejects.toMatchObject(code('invalid-argument'))
    const short = assembleVault(create(), { random: { bytes: () => new Uint8Array(31) } })
    await expect(short.channel.generateEphemeralKey()).rejects.toMatchObject(code('invalid-argument'))
  })

  test('signs with other bytes than Uint8Array only under protest', async () => {
    const vault = assembleVault(create(), {})
    const key = await vault.signing.generateSigningKey('ed25519')
    await expect(vault.signing.sign(key, 'text' as unknown as Uint8Array)).rejects.toMatchObject(code('invalid-argument'))
  })

  test('accepts and returns views of bigger buffers correctly', async () => {
    const vault = assembleVault(create(), {})
    const big = Buffer.concat([Buffer.from('xx'), Buffer.from('message'), Buffer.from('yy')])
    const view = big.subarray(2, 9)
    const key = await vault.signing.generateSigningKey('p256')
    const signature = await vault.signing.sign(key, view)
    const shifted = Buffer.concat([Buffer.from('z'), key.verifyingKey.bytes]).subarray(1)
    expect(await vault.verifying.verify({ type: 'p256', bytes: shifted }, Buffer.from('message'), signature)).toBe(true)
  })
})

describe('P-256 scalars', () => {
  const near = (change: number) => Uint8Array.from(Buffer.from((BigInt(`0x${ORDER.toString('hex')}`) + BigInt(change)).toString(16), 'hex'))

  test('are private keys from 1 to n - 1', () => {
    const one = new Uint8Array(32)
    one[31] = 1
    for (const good of [one, near(-1), new Uint8Array(32).fill(0x7f)]) expect(isPrivateScalar(good)).toBe(true)
    for (const bad of [new Uint8Array(32), near(0), near(1), new Uint8Array(32).fill(0xff)]) expect(isPrivateScalar(bad)).toBe(false)
  })

  test('become low in a signature, and stay what they are when they are low', () => {
    const half = Buffer.from('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8', 'hex')
    const lowS = Uint8Array.of(...new Uint8Array(32).fill(7), ...half)
    const unchanged = lowS.slice()
    toLowS(unchanged)
    expect(unchanged).toEqual(lowS)
    // n - (n / 2 + 1) = n / 2, as n is odd.
    const highS = lowS.slice()
    highS[63] = 0xa9
    toLowS(highS)
    expect(highS).toEqual(lowS)
  })
})

describe('the cache of verifying keys', () => {
  test('is bounded, keeps what was used last, and remembers no garbage', () => {
    const cache = new PublicKeyCache(3)
    const key = (fill: number) => new Uint8Array(32).fill(fill)
    const first = cache.get('ed25519', key(1))
    cache.get('ed25519', key(2))
    cache.get('ed25519', key(3))
    expect(cache.get('ed25519', key(1))).toBe(first)
    cache.get('ed25519', key(4))
    expect(cache.size).toBe(3)
    expect(cache.get('ed25519', key(1))).toBe(first)
    expect(cache.get('p256', new Uint8Array(65).fill(4))).toBeUndefined()
    expect(cache.size).toBe(3)
  })
})
