/** The vectors of the published formats that concern channels: `identity-channels.json` of the external vectors. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Address, Route } from '@ockam/core'
import { softwareVault } from '@ockam/vault-software'
import { beforeAll, describe, expect, test } from 'vitest'
import { OCKAM_XX } from '../../src/index.ts'
import { ChannelMessageDecoder, encodeRefresh, payloadLength, writePayload } from '../../src/protocol/channel-message.ts'
import { decodeIdentityPayload, encodeIdentityPayload } from '../../src/protocol/identity-payload.ts'
import { NonceWindow } from '../../src/protocol/nonce-window.ts'
import { ReceivingKey } from '../../src/protocol/receiving-key.ts'
import { SendingKey } from '../../src/protocol/sending-key.ts'
import { hex, toHex } from '../known-key-vault.ts'
import { runXx } from '../noise/transcript.ts'

const folder = process.env['OCKAM_EXTERNAL_VECTORS'] || undefined
if (folder === undefined) console.log('Channel external vectors: skipped, because OCKAM_EXTERNAL_VECTORS is not set')

interface WireAddress {
  readonly transport_type?: number
  readonly value?: string
}

interface Vectors {
  readonly repo_vectors: Record<
    'secure_channel_message_refresh_credentials' | 'secure_channel_message_close',
    { readonly padded_message: string }
  >
  readonly derived_vectors: {
    readonly handshake_full: Record<string, string>
    readonly transport_ciphertexts: { readonly key_k2: string; readonly plaintext_each: string; readonly messages: readonly unknown[] }
    readonly padded_payload: { readonly onward: readonly WireAddress[]; readonly encoded: string }
    readonly padded_refresh: { readonly encoded: string }
    readonly identity_and_credentials: { readonly none: string; readonly one: string }
  }
}

describe.skipIf(folder === undefined)('external vectors: channels as published', () => {
  let repo: Vectors['repo_vectors']
  let derived: Vectors['derived_vectors']
  const { primitives } = softwareVault()

  beforeAll(() => {
    const file = join(folder as string, 'identity-channels.json')
    ;({ repo_vectors: repo, derived_vectors: derived } = JSON.parse(readFileSync(file, 'utf8')) as Vectors)
    console.log(`Channel external vectors: ${derived.transport_ciphertexts.messages.length + 8} ran`)
  })

  test('a full handshake with identities: all three messages, final hash, both keys', async () => {
    const known = derived.handshake_full
    const get = (name: string): string => known[name] as string
    const keys = {
      initiatorStatic: get('initiator_static'),
      initiatorEphemeral: get('initiator_ephemeral'),
      responderStatic: get('responder_static'),
      responderEphemeral: get('responder_ephemeral'),
    }
    const payloads = [new Uint8Array(0), hex(get('message2_payload')), hex(get('message3_payload'))] as const
    const { messages, initiator } = await runXx(OCKAM_XX, keys, payloads)
    expect(messages.map(toHex)).toEqual([get('message1'), get('message2'), get('message3')])
    expect(toHex(initiator.handshakeHash)).toBe(get('final_h'))
    const split = initiator.split()
    expect(toHex(split.sendingKey)).toBe(get('k2_initiator_to_responder'))
    expect(toHex(split.receivingKey)).toBe(get('k1_responder_to_initiator'))
  })

  test('a hundred transport ciphertexts over three new keys are sealed to the same bytes, and opened', () => {
    const { key_k2: key, plaintext_each, messages } = derived.transport_ciphertexts
    const plaintext = hex(plaintext_each)
    const sender = new SendingKey(primitives.aeadKey(hex(key)))
    const receiver = new ReceivingKey(primitives.aeadKey(hex(key)))
    const window = new NonceWindow()
    expect(messages).toHaveLength(100)
    for (const [nonce, message] of messages.entries()) {
      const known =
        typeof message === 'string' ? message : Object.values(message as Record<string, string>).find((value) => String(value).length > 40)
      const slab = new Uint8Array(plaintext.length + 24)
      slab.set(plaintext, 8)
      sender.reserve(1)
      sender.seal(slab, [{ start: 0, length: plaintext.length }], 1)
      expect(toHex(slab)).toBe(known)
      expect(window.judge(nonce)).toBe('fresh')
      const out = new Uint8Array(plaintext.length)
      expect(receiver.keyOf(nonce)?.openInto(out, 0, slab, 8, slab.length - 8, nonce)).toBe(true)
      expect(toHex(out)).toBe(plaintext_each)
      window.accept(nonce)
      receiver.accept(nonce)
    }
  })

  test('the padded Payload is encoded and decoded to the same', () => {
    const encoded = hex(derived.padded_payload.encoded)
    const decoder = new ChannelMessageDecoder()
    decoder.decode(encoded, 0, encoded.length)
    const { onwardRoute, returnRoute, payloadStart, payloadEnd } = decoder
    expect(onwardRoute.equals(Route.of(Address.local('echo')))).toBe(true)
    const payload = encoded.subarray(payloadStart, payloadEnd)
    const out = new Uint8Array(payloadLength(onwardRoute, returnRoute, payload.length))
    writePayload(out, 0, onwardRoute, returnRoute, payload)
    expect(toHex(out)).toBe(derived.padded_payload.encoded)
  })

  test.each(['repo', 'derived'] as const)('RefreshCredentials (%s) is decoded and encoded to the same', (source) => {
    const text = source === 'repo' ? repo.secure_channel_message_refresh_credentials.padded_message : derived.padded_refresh.encoded
    const decoder = new ChannelMessageDecoder()
    decoder.decode(hex(text), 0, text.length / 2)
    expect(decoder.kind).toBe('refresh')
    expect(toHex(encodeRefresh(decoder.refresh as NonNullable<typeof decoder.refresh>))).toBe(text)
  })

  test('Close of the Rust nodes is understood', () => {
    const text = repo.secure_channel_message_close.padded_message
    const decoder = new ChannelMessageDecoder()
    decoder.decode(hex(text), 0, text.length / 2)
    expect(decoder.kind).toBe('close')
  })

  test.each(['none', 'one'] as const)('identity and credentials (%s) are cut apart and put together to the same', (name) => {
    const text = derived.identity_and_credentials[name]
    const payload = decodeIdentityPayload(hex(text))
    expect(payload.credentials).toHaveLength(name === 'one' ? 1 : 0)
    expect(toHex(encodeIdentityPayload(payload))).toBe(text)
  })
})
