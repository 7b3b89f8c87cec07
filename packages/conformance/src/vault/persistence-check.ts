/** Promises of `PersistentSigningVault` and `PersistentChannelVault`: found by public key, also after a restart; deleted means deleted. */

import type { PersistentChannelVault, PersistentSigningVault, SigningKeyType } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { assert, assertBytes } from './assertion.ts'
import { checkWith, slotOf, type VaultConformanceOptions, type VaultUnderTest } from './vault-under-test.ts'
import { referenceX25519 } from './x25519-reference.ts'

type Reopen = NonNullable<VaultConformanceOptions['reopen']>

export function persistenceChecks(options: VaultConformanceOptions): readonly ConformanceCheck[] {
  const reopen = options.reopen?.bind(options)
  if (reopen === undefined) return []
  const slots = options.slots ?? ['signing', 'channel']
  const checks: ConformanceCheck[] = []
  if (slots.includes('signing')) {
    for (const type of options.signingKeyTypes ?? (['ed25519', 'p256'] as const)) {
      checks.push(
        restartCheck(options, `${type}: a key is found by its public key after a restart and signs as before`, (vault) =>
          findsSigningKeys(vault, type, options, reopen),
        ),
        restartCheck(options, `${type}: a deleted key stays deleted after a restart`, (vault) =>
          keepsSigningKeysDeleted(vault, type, reopen),
        ),
      )
    }
  }
  if (slots.includes('channel')) {
    checks.push(
      restartCheck(options, 'static X25519: a key is found by its public key after a restart and agrees as before', (vault) =>
        findsStaticKeys(vault, reopen),
      ),
      restartCheck(options, 'ephemeral X25519: a key is not found after a restart, nor before', (vault) =>
        neverKeepsEphemeralKeys(vault, reopen),
      ),
      restartCheck(options, 'static X25519: a deleted key stays deleted after a restart', (vault) => keepsStaticKeysDeleted(vault, reopen)),
    )
  }
  return checks
}

/** The vault changes during the check; the last one is closed. */
function restartCheck(
  options: VaultConformanceOptions,
  name: string,
  run: (vault: VaultUnderTest) => Promise<VaultUnderTest>,
): ConformanceCheck {
  return checkWith(options, name, async (vault) => {
    await (await run(vault)).close?.()
  })
}

function persistentSigning(vault: VaultUnderTest): PersistentSigningVault & VaultSlot<'signing'> {
  const signing = slotOf(vault, 'signing')
  assert('findSigningKey' in signing, 'its signing slot has findSigningKey')
  return signing as PersistentSigningVault & VaultSlot<'signing'>
}

function persistentChannel(vault: VaultUnderTest): PersistentChannelVault & VaultSlot<'channel'> {
  const channel = slotOf(vault, 'channel')
  assert('findStaticKey' in channel, 'its channel slot has findStaticKey')
  return channel as PersistentChannelVault & VaultSlot<'channel'>
}

type VaultSlot<Slot extends keyof VaultUnderTest> = NonNullable<VaultUnderTest[Slot]>

async function findsSigningKeys(
  vault: VaultUnderTest,
  type: SigningKeyType,
  { verifier }: VaultConformanceOptions,
  reopen: Reopen,
): Promise<VaultUnderTest> {
  const made = await persistentSigning(vault).generateSigningKey(type)
  const present = await persistentSigning(vault).findSigningKey(made.verifyingKey)
  assertBytes(present?.verifyingKey.bytes ?? new Uint8Array(), made.verifyingKey.bytes, 'a new key is found at once')
  const later = await reopen(vault)
  const found = await persistentSigning(later).findSigningKey(made.verifyingKey)
  assert(found !== undefined, 'the key is found after a restart')
  const message = Uint8Array.of(1, 2, 3)
  const signature = await persistentSigning(later).sign(found, message)
  assert(
    await (verifier ?? slotOf(later, 'verifying')).verify(made.verifyingKey, message, signature),
    'what the found key signs verifies with the public key from before',
  )
  const unknown = { type, bytes: made.verifyingKey.bytes.map((byte, at) => (at === 5 ? byte ^ 1 : byte)) }
  assert((await persistentSigning(later).findSigningKey(unknown)) === undefined, 'a key that never was is not found')
  return later
}

async function keepsSigningKeysDeleted(vault: VaultUnderTest, type: SigningKeyType, reopen: Reopen): Promise<VaultUnderTest> {
  const made = await persistentSigning(vault).generateSigningKey(type)
  await persistentSigning(vault).deleteSigningKey(made)
  assert((await persistentSigning(vault).findSigningKey(made.verifyingKey)) === undefined, 'a deleted key is not found')
  const later = await reopen(vault)
  assert((await persistentSigning(later).findSigningKey(made.verifyingKey)) === undefined, 'a deleted key is not found after a restart')
  return later
}

async function findsStaticKeys(vault: VaultUnderTest, reopen: Reopen): Promise<VaultUnderTest> {
  const made = await persistentChannel(vault).generateStaticKey()
  const later = await reopen(vault)
  const found = await persistentChannel(later).findStaticKey(made.publicKey)
  assert(found !== undefined, 'the key is found after a restart')
  const secret = new Uint8Array(32).fill(5)
  const shared = await persistentChannel(later).dh(found, referenceX25519(secret))
  assertBytes(shared, referenceX25519(secret, made.publicKey), 'the found key agrees as the one from before')
  return later
}

async function neverKeepsEphemeralKeys(vault: VaultUnderTest, reopen: Reopen): Promise<VaultUnderTest> {
  const made = await persistentChannel(vault).generateEphemeralKey()
  assert((await persistentChannel(vault).findStaticKey(made.publicKey)) === undefined, 'an ephemeral key is no static key')
  const later = await reopen(vault)
  assert((await persistentChannel(later).findStaticKey(made.publicKey)) === undefined, 'an ephemeral key is never persisted')
  return later
}

async function keepsStaticKeysDeleted(vault: VaultUnderTest, reopen: Reopen): Promise<VaultUnderTest> {
  const made = await persistentChannel(vault).generateStaticKey()
  await persistentChannel(vault).deleteDhKey(made)
  const later = await reopen(vault)
  assert((await persistentChannel(later).findStaticKey(made.publicKey)) === undefined, 'a deleted key is not found after a restart')
  return later
}
