/** What differential fuzzing against a Rust node has found about credentials, replayed without Rust, at their time. */

import { readFileSync } from 'node:fs'
import { OckamError, type Signature } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { decodeCredentialKeyAttestation } from '@ockam/identity'
import { describe, expect, test } from 'vitest'
import { encodeCredentialData } from '../src/credential.ts'
import { decodeCredential } from '../src/index.ts'
import { hex, toHex } from './hex.ts'
import { nodeParts, TestClock } from './node-parts.ts'

const lines = readFileSync(new URL('./rust-verdict.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.split(' '))
const casesOf = (kind: string): readonly string[][] => lines.filter(([name]) => name === kind)
const now = Number(casesOf('now')[0]?.[1])
const histories = casesOf('subject').map(([, digits = '']) => hex(digits))

/** So many of them, the first ones, were believed; the first one is who credentials had to be about. As in tools/interop/test/fuzz. */
const AUTHORITIES = 4

function writeSigned(writer: CborWriter, { signed, signature: { type, bytes } }: { signed: Uint8Array; signature: Signature }): void {
  writer
    .array(2)
    .bytes(signed)
    .enumeration(type === 'ed25519' ? 0 : 1, 1)
    .bytes(bytes)
}

async function credential(input: Uint8Array): Promise<string> {
  const decoded = decodeCredential(input)
  const writer = new CborWriter().array(2)
  writeSigned(writer, decoded)
  writeSigned(writer, decodeCredentialKeyAttestation(decoded.attestation))
  return toHex(writer.finish())
}

async function verifiedCredential(input: Uint8Array): Promise<string> {
  const { identities, credentials } = nodeParts({ clock: new TestClock(now) })
  const [subject, ...others] = await Promise.all(histories.map((history) => identities.import(history)))
  if (subject === undefined) throw new Error('the file names nobody')
  await credentials.verify(input, { subject, authorities: [subject, ...others].slice(0, AUTHORITIES) })
  // What is around the data: version, data type, and the head of a byte string.
  const encoded = encodeCredentialData(decodeCredential(input).data)
  return toHex(encoded.subarray(5))
}

describe('bytes that were given to a Rust node too', () => {
  test.each([
    ['credential', credential],
    ['verified-credential', verifiedCredential],
  ] as const)('%s: are refused, or taken, as written down', async (kind, judge) => {
    const own = casesOf(kind)
    expect(own.length).toBeGreaterThan(5)
    expect(own.filter(([, , ours]) => ours !== '-').length).toBeGreaterThan(1)
    for (const [, input = '', ours] of own) {
      const verdict = judge(hex(input))
      if (ours === '-') await expect(verdict, input).rejects.toThrow(OckamError)
      else expect(await verdict, input).toBe(ours === '=' ? input : ours)
    }
  })
})
