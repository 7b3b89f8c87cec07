/** What differential fuzzing against a Rust node has found about messages inside channels, replayed without Rust. */

import { readFileSync } from 'node:fs'
import { OckamError } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { decodeChangeHistory } from '@ockam/identity'
import { softwareVault } from '@ockam/vault-software'
import { expect, test } from 'vitest'
import { ChannelMessageDecoder } from '../../src/protocol/channel-message.ts'

const { primitives } = softwareVault()
const bytesOf = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
const cases = readFileSync(new URL('./rust-verdict.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('channel-message '))
  .map((line) => line.split(' ') as [kind: string, input: string, ours: string])

/** Of a refresh the history, as its receiver reads it, and how many credentials there are. */
function decode(input: Uint8Array): Uint8Array {
  const decoder = new ChannelMessageDecoder()
  decoder.decode(input, 0, input.length)
  const writer = new CborWriter().array(2)
  if (decoder.kind === 'close') return writer.uint(2).array(0).finish()
  if (decoder.kind === 'payload') {
    writer.uint(0).array(1).array(3).raw(decoder.onwardRoute.encode()).raw(decoder.returnRoute.encode())
    return writer.bytes(input.subarray(decoder.payloadStart, decoder.payloadEnd)).finish()
  }
  const { changeHistory, credentials } = decoder.refresh as NonNullable<typeof decoder.refresh>
  const { changes } = decodeChangeHistory(changeHistory, primitives)
  writer.uint(1).array(1).array(2).array(changes.length)
  for (const { signed, signature, previousSignature } of changes) {
    const signatures = previousSignature === undefined ? [signature] : [signature, previousSignature]
    writer.array(1 + signatures.length).bytes(signed)
    for (const { type, bytes } of signatures) writer.enumeration(type === 'ed25519' ? 0 : 1, 1).bytes(bytes)
  }
  return writer.uint(credentials.length).finish()
}

test('bytes that were given to a Rust node too are refused, or read, as written down', () => {
  expect(cases.length).toBeGreaterThan(20)
  for (const [, input, ours] of cases) {
    const run = (): string => Buffer.from(decode(bytesOf(input))).toString('hex')
    if (ours === '-') expect(run, input).toThrow(OckamError)
    else expect(run(), input).toBe(ours === '=' ? input : ours)
  }
})
