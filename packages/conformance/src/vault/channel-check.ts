/** Promises of `ChannelVault`: X25519 of RFC 7748, compared with a reference of the kit's own, and refusal of results everyone would know. */

import type { ChannelVault, DhKey } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { assert, assertBytes, assertFails, assertPlainBytes, assertRejectsWith } from './assertion.ts'
import { fromHex } from './hexadecimal.ts'
import { checkWith, slotOf, type VaultConformanceOptions, type VaultUnderTest } from './vault-under-test.ts'
import { referenceX25519 } from './x25519-reference.ts'

/** Every u with an all-zero result, canonical and not: orders 1, 2, 4 and 8 on the curve and its twist (RFC 7748 section 6.1). */
const SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map(fromHex)

type KeyKind = 'static' | 'ephemeral'

export function channelChecks(options: VaultConformanceOptions): readonly ConformanceCheck[] {
  const perKind = (['static', 'ephemeral'] as const).flatMap((kind) => [
    checkWith(options, `${kind} X25519: a new key shows a public key of 32 bytes, another each time`, (vault) =>
      showsPublicKeys(vault, kind),
    ),
    checkWith(options, `${kind} X25519: dh is X25519 of RFC 7748`, (vault) => agreesWithReference(vault, kind)),
    checkWith(options, `${kind} X25519: a deleted key is gone for good`, (vault) => forgetsDeletedKeys(vault, kind)),
    checkWith(options, `${kind} X25519: a key of another vault is unknown`, (vault) => refusesForeignKeys(options, vault, kind)),
  ])
  return [
    ...perKind,
    checkWith(options, 'dh between a static and an ephemeral key gives both sides the same secret', async (vault) => {
      const channel = slotOf(vault, 'channel')
      const [a, b] = [await channel.generateStaticKey(), await channel.generateEphemeralKey()]
      assertBytes(await channel.dh(a, b.publicKey), await channel.dh(b, a.publicKey), 'dh(a, B) equals dh(b, A)')
    }),
    checkWith(options, 'dh ignores the top bit of a public key (RFC 7748 section 5)', async (vault) => {
      const channel = slotOf(vault, 'channel')
      const key = await channel.generateEphemeralKey()
      const publicKey = referenceX25519(new Uint8Array(32).fill(3))
      const shared = await channel.dh(key, publicKey)
      publicKey[31] = (publicKey[31] ?? 0) | 0x80
      assertBytes(await channel.dh(key, publicKey), shared, 'the top bit changes nothing')
    }),
    checkWith(options, 'dh refuses public keys with an all-zero result (RFC 7748 section 6.1)', async (vault) => {
      const channel = slotOf(vault, 'channel')
      const key = await channel.generateStaticKey()
      for (const publicKey of SMALL_ORDER)
        await assertFails(() => channel.dh(key, publicKey), 'vault/invalid-key', 'dh with a point of small order')
    }),
    checkWith(options, 'dh refuses public keys that are not 32 bytes', async (vault) => {
      const channel = slotOf(vault, 'channel')
      const key = await channel.generateEphemeralKey()
      for (const length of [0, 31, 33]) {
        await assertFails(() => channel.dh(key, new Uint8Array(length).fill(9)), 'vault/invalid-key', `dh with ${length} bytes`)
      }
    }),
    checkWith(options, 'dh gives each caller an array of its own, so that wiping it harms nobody', async (vault) => {
      const channel = slotOf(vault, 'channel')
      const [key, peer] = [await channel.generateStaticKey(), await channel.generateStaticKey()]
      const first = await channel.dh(key, peer.publicKey)
      const kept = first.slice()
      first.fill(0)
      assertBytes(await channel.dh(key, peer.publicKey), kept, 'the same dh after wiping its first result')
    }),
    checkWith(options, 'generating and dh reject with the reason of an aborted signal', async (vault) => {
      const channel = slotOf(vault, 'channel')
      const key = await channel.generateEphemeralKey()
      const reason = { why: 'called off' }
      const signal = AbortSignal.abort(reason)
      await assertRejectsWith(() => channel.generateStaticKey({ signal }), reason, 'generateStaticKey')
      await assertRejectsWith(() => channel.generateEphemeralKey({ signal }), reason, 'generateEphemeralKey')
      await assertRejectsWith(() => channel.dh(key, key.publicKey, { signal }), reason, 'dh')
    }),
  ]
}

function generate(channel: ChannelVault, kind: KeyKind): Promise<DhKey> {
  return kind === 'static' ? channel.generateStaticKey() : channel.generateEphemeralKey()
}

async function showsPublicKeys(vault: VaultUnderTest, kind: KeyKind): Promise<void> {
  const publicKeys = new Set<string>()
  for (let count = 0; count < 8; count++) {
    const key = await generate(slotOf(vault, 'channel'), kind)
    assert(key.kind === 'dh-key', 'the kind of a handle is "dh-key"')
    assertPlainBytes(key.publicKey, 32, 'the public key')
    publicKeys.add(key.publicKey.join())
  }
  assert(publicKeys.size === 8, 'eight new keys are eight different keys')
}

async function agreesWithReference(vault: VaultUnderTest, kind: KeyKind): Promise<void> {
  const channel = slotOf(vault, 'channel')
  for (let count = 1; count <= 3; count++) {
    const key = await generate(channel, kind)
    const secret = new Uint8Array(32).fill(count)
    const shared = await channel.dh(key, referenceX25519(secret))
    assertPlainBytes(shared, 32, 'a shared secret')
    assertBytes(shared, referenceX25519(secret, key.publicKey), 'dh equals X25519 computed from the other side')
  }
}

async function forgetsDeletedKeys(vault: VaultUnderTest, kind: KeyKind): Promise<void> {
  const channel = slotOf(vault, 'channel')
  const [key, other] = [await generate(channel, kind), await generate(channel, kind)]
  assert((await channel.deleteDhKey(key)) === true, 'deleting a key answers true')
  await assertFails(() => channel.dh(key, other.publicKey), 'vault/unknown-key', 'dh with a deleted key')
  assert((await channel.deleteDhKey(key)) === false, 'deleting it again answers false')
  await channel.dh(other, key.publicKey)
}

async function refusesForeignKeys(options: VaultConformanceOptions, vault: VaultUnderTest, kind: KeyKind): Promise<void> {
  const neighbour = await options.create()
  try {
    const foreign = await generate(slotOf(neighbour, 'channel'), kind)
    const own = await generate(slotOf(vault, 'channel'), kind)
    await assertFails(() => slotOf(vault, 'channel').dh(foreign, own.publicKey), 'vault/unknown-key', 'dh with a handle of another vault')
    assert((await slotOf(vault, 'channel').deleteDhKey(foreign)) === false, 'deleting a key of another vault answers false')
  } finally {
    await neighbour.close?.()
  }
}
