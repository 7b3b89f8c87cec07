/** What differential fuzzing against a Rust node has found about handshake payloads and messages inside channels, replayed without Rust. */

import { readFileSync } from 'node:fs'
import { OckamError, type Signature } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { decodeAttestation, decodeChangeHistory } from '@ockam/identity'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { ChannelMessageDecoder, decodeIdentityPayload } from '../../src/protocol/index.ts'

const { primitives } = softwareVault()
const bytesOf = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
const cases = readFileSync(new URL('./rust-verdict.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' ') as [kind: string, input: string, ours: string])

function writeSigned(writer: CborWriter, signed: Uint8Array, ...signatures: readonly Signature[]): void {
  writer.array(1 + signatures.length).bytes(signed)
  for (const { type, bytes } of signatures) writer.enumeration(type === 'ed25519' ? 0 : 1, 1).bytes(bytes)
}

/** As its receiver reads it. */
function writeHistory(writer: CborWriter, history: Uint8Array): void {
  const { changes } = decodeChangeHistory(history, primitives)
  writer.array(changes.length)
  for (const { signed, signature, previousSignature } of changes)
    writeSigned(writer, signed, signature, ...(previousSignature === undefined ? [] : [previousSignature]))
}

function channelMessage(input: Uint8Array): Uint8Array {
  const decoder = new ChannelMessageDecoder()
  decoder.decode(input, 0, input.length)
  const writer = new CborWriter().array(2)
  if (decoder.kind === 'close') return writer.uint(2).array(0).finish()
  if (decoder.kind === 'payload') {
    writer.uint(0).array(1).array(3).raw(decoder.onwardRoute.encode()).raw(decoder.returnRoute.encode())
    return writer.bytes(input.subarray(decoder.payloadStart, decoder.payloadEnd)).finish()
  }
  const { changeHistory, credentials } = decoder.refresh as NonNullable<typeof decoder.refresh>
  writeHistory(writer.uint(1).array(1).array(2), changeHistory)
  return writer.uint(credentials.length).finish()
}

function handshakePayload(input: Uint8Array): Uint8Array {
  const { changeHistory, attestation, credentials } = decodeIdentityPayload(input)
  const writer = new CborWriter().array(3)
  writeHistory(writer, changeHistory)
  const { signed, signature } = decodeAttestation(attestation)
  writeSigned(writer, signed, signature)
  return writer.uint(credentials.length).finish()
}

describe('bytes that were given to a Rust node too', () => {
  test.each([
    ['channel-message', channelMessage],
    ['handshake-payload', handshakePayload],
  ] as const)('%s: are refused, or read, as written down', (kind, decode) => {
    const own = cases.filter(([name]) => name === kind)
    expect(own.length).toBeGreaterThan(5)
    for (const [, input, ours] of own) {
      const run = (): string => Buffer.from(decode(bytesOf(input))).toString('hex')
      if (ours === '-') expect(run, input).toThrow(OckamError)
      else expect(run(), input).toBe(ours === '=' ? input : ours)
    }
  })
})
