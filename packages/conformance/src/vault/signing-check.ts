/** Promises of `SigningVault`. Secrets cannot be chosen here, so known answers are on the verifying side; what is signed must verify there. */

import type { SigningKey, SigningKeyType, SigningVault, VerifyingVault } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { assert, assertBytes, assertFails, assertPlainBytes, assertRejectsWith } from './assertion.ts'
import { fromHex } from './hexadecimal.ts'
import { checkWith, slotOf, type VaultConformanceOptions, type VaultUnderTest } from './vault-under-test.ts'

const LENGTH: Record<SigningKeyType, number> = { ed25519: 32, p256: 65 }
const ALL_TYPES: readonly SigningKeyType[] = ['ed25519', 'p256']
/** n / 2 of P-256, rounded down. */
const HALF_ORDER = fromHex('7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8')
const MESSAGE_LENGTHS = [0, 7, 70_000]

export function signingChecks(options: VaultConformanceOptions): readonly ConformanceCheck[] {
  const types = options.signingKeyTypes ?? ALL_TYPES
  const unsupported = [...ALL_TYPES.filter((type) => !types.includes(type)), 'rsa' as SigningKeyType]
  const perType = types.flatMap((type) => [
    checkWith(options, `${type}: a new key shows its type and a public key of ${LENGTH[type]} bytes`, async (vault) => {
      showsPublicKey(type, await slotOf(vault, 'signing').generateSigningKey(type))
    }),
    checkWith(options, `${type}: signatures are 64 bytes in a plain Uint8Array and verify`, (vault) =>
      signsWhatVerifies(options, vault, type),
    ),
    checkWith(options, `${type}: every key is another`, (vault) => everyKeyIsAnother(vault, type)),
    checkWith(options, `${type}: thirty signatures at once are all right`, (vault) => signsConcurrently(options, vault, type)),
    checkWith(options, `${type}: a deleted key is gone for good`, (vault) => forgetsDeletedKeys(vault, type)),
    checkWith(options, `${type}: a key of another vault is unknown`, (vault) => refusesForeignKeys(options, vault, type)),
    checkWith(options, `${type}: sign leaves the message as it was`, (vault) => leavesMessageAlone(vault, type)),
  ])
  return [
    ...perType,
    ...(types.includes('p256')
      ? [checkWith(options, 'p256: twenty signatures all have a low s', (vault) => producesLowS(slotOf(vault, 'signing')))]
      : []),
    ...(types.includes('ed25519')
      ? [
          checkWith(options, 'ed25519: signing the same twice gives the same signature (RFC 8032)', (vault) =>
            isDeterministic(slotOf(vault, 'signing')),
          ),
        ]
      : []),
    checkWith(options, 'key types the vault cannot hold fail with vault/unsupported', async (vault) => {
      const signing = slotOf(vault, 'signing')
      for (const type of unsupported) {
        await assertFails(() => signing.generateSigningKey(type), 'vault/unsupported', `a key of type ${type}`)
      }
    }),
    checkWith(options, 'signing and generating reject with the reason of an aborted signal', async (vault) => {
      const signing = slotOf(vault, 'signing')
      const type = types[0] as SigningKeyType
      const key = await signing.generateSigningKey(type)
      const reason = { why: 'called off' }
      const signal = AbortSignal.abort(reason)
      await assertRejectsWith(() => signing.generateSigningKey(type, { signal }), reason, 'generateSigningKey')
      await assertRejectsWith(() => signing.sign(key, new Uint8Array(1), { signal }), reason, 'sign')
    }),
  ]
}

function showsPublicKey(type: SigningKeyType, { kind, verifyingKey }: SigningKey): void {
  assert(kind === 'signing-key', 'the kind of a handle is "signing-key"')
  assert(verifyingKey.type === type, `the public key is of type ${type}`)
  assertPlainBytes(verifyingKey.bytes, LENGTH[type], 'the public key')
  assert(type !== 'p256' || verifyingKey.bytes[0] === 4, 'a P-256 public key is uncompressed: first byte 0x04')
}

async function signsWhatVerifies(options: VaultConformanceOptions, vault: VaultUnderTest, type: SigningKeyType): Promise<void> {
  const signing = slotOf(vault, 'signing')
  const verifier = verifierOf(options, vault)
  const key = await signing.generateSigningKey(type)
  for (const length of MESSAGE_LENGTHS) {
    const message = new Uint8Array(length).fill(0x5a)
    const signature = await signing.sign(key, message)
    assert(signature.type === type, `a signature by a ${type} key is of that type`)
    assertPlainBytes(signature.bytes, 64, 'a signature')
    assert(await verifier.verify(key.verifyingKey, message, signature), `a ${type} signature over ${message.length} bytes verifies`)
    assert(
      !(await verifier.verify(key.verifyingKey, Uint8Array.of(...message.subarray(0, 8), 1), signature)),
      'it verifies for no other message',
    )
  }
}

async function everyKeyIsAnother(vault: VaultUnderTest, type: SigningKeyType): Promise<void> {
  const signing = slotOf(vault, 'signing')
  const publicKeys = new Set<string>()
  for (let count = 0; count < 8; count++) publicKeys.add((await signing.generateSigningKey(type)).verifyingKey.bytes.join())
  assert(publicKeys.size === 8, 'eight new keys are eight different keys')
}

async function signsConcurrently(options: VaultConformanceOptions, vault: VaultUnderTest, type: SigningKeyType): Promise<void> {
  const signing = slotOf(vault, 'signing')
  const verifier = verifierOf(options, vault)
  const keys = await Promise.all([1, 2, 3].map(() => signing.generateSigningKey(type)))
  await Promise.all(
    Array.from({ length: 30 }, async (_, at) => {
      const key = keys[at % 3] as SigningKey
      const message = Uint8Array.of(at)
      const signature = await signing.sign(key, message)
      assert(await verifier.verify(key.verifyingKey, message, signature), 'signatures made at the same time do not mix keys or messages')
    }),
  )
}

async function forgetsDeletedKeys(vault: VaultUnderTest, type: SigningKeyType): Promise<void> {
  const signing = slotOf(vault, 'signing')
  const [key, other] = [await signing.generateSigningKey(type), await signing.generateSigningKey(type)]
  assert((await signing.deleteSigningKey(key)) === true, 'deleting a key answers true')
  await assertFails(() => signing.sign(key, new Uint8Array(1)), 'vault/unknown-key', 'signing with a deleted key')
  assert((await signing.deleteSigningKey(key)) === false, 'deleting it again answers false')
  await signing.sign(other, new Uint8Array(1))
}

async function refusesForeignKeys(options: VaultConformanceOptions, vault: VaultUnderTest, type: SigningKeyType): Promise<void> {
  const neighbour = await options.create()
  try {
    const foreign = await slotOf(neighbour, 'signing').generateSigningKey(type)
    await assertFails(
      () => slotOf(vault, 'signing').sign(foreign, new Uint8Array(1)),
      'vault/unknown-key',
      'signing with a handle of another vault',
    )
    assert((await slotOf(vault, 'signing').deleteSigningKey(foreign)) === false, 'deleting a key of another vault answers false')
  } finally {
    await neighbour.close?.()
  }
}

async function leavesMessageAlone(vault: VaultUnderTest, type: SigningKeyType): Promise<void> {
  const signing = slotOf(vault, 'signing')
  const message = Uint8Array.from({ length: 64 }, (_, at) => at)
  const before = message.slice()
  await signing.sign(await signing.generateSigningKey(type), message)
  assertBytes(message, before, 'sign does not write to the message')
}

async function producesLowS(signing: SigningVault): Promise<void> {
  const key = await signing.generateSigningKey('p256')
  for (let count = 0; count < 20; count++) {
    const { bytes } = await signing.sign(key, Uint8Array.of(count))
    assert(isAtMost(bytes.subarray(32), HALF_ORDER), 's of a P-256 signature is at most n / 2')
  }
}

async function isDeterministic(signing: SigningVault): Promise<void> {
  const key = await signing.generateSigningKey('ed25519')
  const message = Uint8Array.of(1, 2, 3)
  const [first, second] = [await signing.sign(key, message), await signing.sign(key, message)]
  assertBytes(first.bytes, second.bytes, 'an Ed25519 signature depends on key and message alone')
}

function isAtMost(bytes: Uint8Array, bound: Uint8Array): boolean {
  const at = bytes.findIndex((byte, index) => byte !== bound[index])
  return at === -1 || (bytes[at] ?? 0) < (bound[at] ?? 0)
}

function verifierOf({ verifier }: VaultConformanceOptions, vault: VaultUnderTest): VerifyingVault {
  return verifier ?? slotOf(vault, 'verifying')
}
