/** Nothing that prints shows key bytes: not a vault, not a handle, not an AEAD key, not an error. */

import { inspect } from 'node:util'
import { memoryStore } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { assembleVault } from '../src/vault-assembly.ts'
import { backends } from './back-end.ts'

const PASSPHRASE = 'correct horse battery staple'

/** Every form in which bytes end up in a log. */
function forms(secret: Uint8Array): string[] {
  const buffer = Buffer.from(secret)
  const hex = buffer.toString('hex')
  return [
    hex,
    hex.toUpperCase(),
    (hex.match(/../g) ?? []).join(' '),
    (hex.match(/../g) ?? []).join(':'),
    buffer.toString('base64').replace(/=+$/, ''),
    buffer.toString('base64url'),
    [...secret].join(','),
    [...secret].join(', '),
    JSON.stringify([...secret]).slice(1, -1),
    JSON.stringify(Object.fromEntries([...secret].entries())).slice(1, -1),
    // Part of it would be too much already.
    hex.slice(0, 16),
    [...secret.subarray(0, 8)].join(', '),
  ]
}

function printed(value: unknown): string {
  const shown = [
    inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null, getters: true }),
    String(value),
  ]
  shown.push(JSON.stringify(value) ?? '')
  if (value instanceof Error) shown.push(value.message, value.stack ?? '', inspect(value.cause, { depth: Infinity }))
  return shown.join('\n')
}

async function failure(operation: () => unknown): Promise<unknown> {
  try {
    await operation()
  } catch (error) {
    return error
  }
  throw new Error('The operation was to fail.')
}

describe.each(backends)('printing what a vault on %s hands out', (_name, createBackend) => {
  test('shows no secret in any form, whatever prints it', async () => {
    const secrets: Uint8Array[] = []
    const random = {
      bytes(length: number) {
        const bytes = crypto.getRandomValues(new Uint8Array(length))
        if (length === 32) secrets.push(bytes.slice())
        return bytes
      },
    }
    const store = memoryStore()
    const vault = assembleVault(createBackend(), { store, protection: { passphrase: PASSPHRASE, costLog2: 14 }, random })
    const unopened = printed(vault)
    const signing = await vault.signing.generateSigningKey('ed25519')
    const p256 = await vault.signing.generateSigningKey('p256')
    const fixed = await vault.channel.generateStaticKey()
    const ephemeral = await vault.channel.generateEphemeralKey()
    const aeadBytes = random.bytes(32)
    const aead = vault.primitives.aeadKey(aeadBytes)
    const wrappingKey = random.bytes(32)
    const wrapped = assembleVault(createBackend(), { store: memoryStore(), protection: { wrappingKey } })
    const shared = await vault.channel.dh(fixed, ephemeral.publicKey)
    secrets.push(shared)

    const foreign = { ...signing }
    const errors = await Promise.all(
      [
        () => vault.signing.sign(foreign, new Uint8Array(1)),
        () => vault.channel.dh(fixed, new Uint8Array(32)),
        () => vault.channel.dh(fixed, new Uint8Array(31)),
        () => vault.channel.dh({ ...fixed }, fixed.publicKey),
        () => vault.primitives.aeadKey(aeadBytes.subarray(1)),
        () => vault.primitives.aeadKey(aeadBytes, 'none' as 'aes-256-gcm'),
        () => aead.sealInto(aeadBytes, 0, aeadBytes, 0, 32, 0),
        () => aead.openInto(new Uint8Array(1), 0, aeadBytes, 0, 32, 0),
        () => assembleVault(createBackend(), { store, protection: { passphrase: `${PASSPHRASE}!`, costLog2: 14 } }).open(),
        () => assembleVault(createBackend(), { store, protection: { wrappingKey } }).open(),
        () => assembleVault(createBackend(), { store, protection: { wrappingKey: wrappingKey.subarray(1) } }),
        () => assembleVault(createBackend(), { store, protection: { passphrase: PASSPHRASE, costLog2: 99 } }),
        () => assembleVault(createBackend(), { protection: { passphrase: PASSPHRASE } }),
      ].map(failure),
    )
    expect(secrets.length).toBeGreaterThanOrEqual(8)
    const everything = [unopened, ...[vault, wrapped, signing, p256, fixed, ephemeral, aead, aead.rekey(), ...errors].map(printed)].join(
      '\n',
    )
    for (const secret of secrets) for (const form of forms(secret)) expect(everything.includes(form), 'a secret is printed').toBe(false)
    expect(everything).not.toContain(PASSPHRASE)
    // The search would find what is there: public keys are.
    expect(forms(signing.verifyingKey.bytes).some((form) => everything.includes(form))).toBe(true)
  })

  test('shows the type and public key of a handle', async () => {
    const vault = assembleVault(createBackend(), {})
    const key = await vault.signing.generateSigningKey('p256')
    expect(inspect(key)).toContain('p256')
    expect(Object.keys(key)).toEqual(['kind', 'verifyingKey'])
    expect(Object.keys(await vault.channel.generateStaticKey())).toEqual(['kind', 'publicKey'])
  })
})
