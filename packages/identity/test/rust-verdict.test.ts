/** What differential fuzzing against a Rust node has found about histories and attestations, replayed without Rust, attestations at their time. */

import { readFileSync } from 'node:fs'
import { OckamError, type Signature } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { decodeAttestation, decodeChangeHistory } from '../src/index.ts'
import { hex, toHex } from './hex.ts'
import { nodeParts, TestClock } from './node-parts.ts'

const vault = softwareVault()
const lines = readFileSync(new URL('./rust-verdict.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.split(' '))
const casesOf = (kind: string): readonly string[][] => lines.filter(([name]) => name === kind)
const now = Number(casesOf('now')[0]?.[1])
const subjects = new Map(
  casesOf('subject').map(([, digits = '']) => [toHex(vault.primitives.sha256(firstChange(hex(digits)))), hex(digits)]),
)

function firstChange(history: Uint8Array): Uint8Array {
  return decodeChangeHistory(history, vault.primitives).changes[0].signed
}

function writeSignature(writer: CborWriter, { type, bytes }: Signature): void {
  writer.enumeration(type === 'ed25519' ? 0 : 1, 1).bytes(bytes)
}

function history(input: Uint8Array): string {
  const { changes } = decodeChangeHistory(input, vault.primitives)
  const writer = new CborWriter().array(changes.length)
  for (const { signed, signature, previousSignature } of changes) {
    writer.array(previousSignature === undefined ? 2 : 3).bytes(signed)
    writeSignature(writer, signature)
    if (previousSignature !== undefined) writeSignature(writer, previousSignature)
  }
  return toHex(writer.finish())
}

function attestation(input: Uint8Array): string {
  const { signed, signature } = decodeAttestation(input)
  const writer = new CborWriter().array(2).bytes(signed)
  writeSignature(writer, signature)
  return toHex(writer.finish())
}

const identity = async (input: Uint8Array): Promise<string> => String(await nodeParts({ vault }).identities.import(input))

async function verifiedAttestation(input: Uint8Array): Promise<string> {
  const { subject, latestChangeHash, publicKey: channelKey, createdAt, expiresAt } = decodeAttestation(input).data
  const changeHistory = subjects.get(toHex(subject.toBytes()))
  if (changeHistory === undefined) throw new OckamError('core/invalid-argument', 'Nothing is known of the subject.')
  const { identities } = nodeParts({ vault, clock: new TestClock(now) })
  await identities.verifyPeer({ changeHistory, attestation: input, noiseStaticKey: channelKey })
  const writer = new CborWriter().array(5).bytes(subject.toBytes()).bytes(latestChangeHash)
  writer.enumeration(0, 1).bytes(channelKey)
  return toHex(writer.uint(createdAt).uint(expiresAt).finish())
}

describe('bytes that were given to a Rust node too', () => {
  test.each([
    ['change-history', history],
    ['attestation', attestation],
    ['identity', identity],
    ['verified-attestation', verifiedAttestation],
  ] as const)('%s: are refused, or taken, as written down', async (kind, judge) => {
    const own = casesOf(kind)
    expect(own.length).toBeGreaterThan(5)
    for (const [, input = '', ours] of own) {
      const verdict = (async () => judge(hex(input)))()
      if (ours === '-') await expect(verdict, input).rejects.toThrow(OckamError)
      else expect(await verdict, input).toBe(ours === '=' ? input : ours)
    }
  })
})
