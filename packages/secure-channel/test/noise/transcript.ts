/** Runs a whole handshake between two sides with known keys, and keeps everything that was said. */

import type { AeadAlgorithm, Primitives } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { type Finished, type NoiseProtocol, startInitiator, startResponder, XX } from '../../src/index.ts'
import { KnownKeyVault } from '../known-key-vault.ts'

export const primitives: Primitives = softwareVault().primitives

export interface KnownKeys {
  readonly initiatorStatic: string
  readonly initiatorEphemeral: string
  readonly responderStatic: string
  readonly responderEphemeral: string
}

/** The keys of the transcripts of the Rust nodes (build-trust/ockam fb8fb64cd, handshake.rs): 32 consecutive byte values each. */
export const RUST_KEYS: KnownKeys = {
  initiatorStatic: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  initiatorEphemeral: '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
  responderStatic: '0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20',
  responderEphemeral: '4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60',
}

export function noiseXx(cipher: AeadAlgorithm, initiatorKey: 'first' | 'second' = 'first'): NoiseProtocol<typeof XX> {
  const name = `Noise_XX_25519_${cipher === 'aes-256-gcm' ? 'AESGCM' : 'ChaChaPoly'}_SHA256`
  return { name, pattern: XX, cipher, initiatorKey }
}

export interface Transcript {
  readonly messages: readonly Uint8Array[]
  readonly payloads: readonly Uint8Array[]
  readonly initiator: Finished
  readonly responder: Finished
}

export async function runXx(
  protocol: NoiseProtocol<typeof XX>,
  keys: KnownKeys,
  payloads: readonly [Uint8Array, Uint8Array, Uint8Array],
  prologue: Uint8Array = new Uint8Array(0),
): Promise<Transcript> {
  const initiatorVault = new KnownKeyVault(keys.initiatorEphemeral)
  const responderVault = new KnownKeyVault(keys.responderEphemeral)
  const staticKeys = [initiatorVault.import(keys.initiatorStatic), responderVault.import(keys.responderStatic)] as const
  const i0 = startInitiator({ protocol, primitives, prologue, vault: initiatorVault, staticKey: staticKeys[0] })
  const r0 = startResponder({ protocol, primitives, prologue, vault: responderVault, staticKey: staticKeys[1] })
  const m1 = await i0.write(payloads[0])
  const r1 = await r0.read(m1.message)
  const m2 = await r1.next.write(payloads[1])
  const i1 = await m1.next.read(m2.message)
  const m3 = await i1.next.write(payloads[2])
  const r2 = await m2.next.read(m3.message)
  return {
    messages: [m1.message, m2.message, m3.message],
    payloads: [r1.payload, i1.payload, r2.payload],
    initiator: m3.next,
    responder: r2.next,
  }
}
