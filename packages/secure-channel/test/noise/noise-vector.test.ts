import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { OCKAM_XX } from '../../src/index.ts'
import { SymmetricState } from '../../src/noise/symmetric-state.ts'
import { SendingKey } from '../../src/protocol/sending-key.ts'
import { hex, toHex } from '../known-key-vault.ts'
import { noiseXx, primitives, RUST_KEYS, runXx } from './transcript.ts'

const EMPTY = new Uint8Array(0)
const NONE = [EMPTY, EMPTY, EMPTY] as const

describe('Noise XX with the transcripts of the Rust nodes (build-trust/ockam fb8fb64cd, handshake.rs)', () => {
  test('test_initialization: the padded name is the first chaining key and its hash the first hash', () => {
    const state = SymmetricState.initialize(primitives, 'aes-256-gcm', 'Noise_XX_25519_AESGCM_SHA256', EMPTY)
    expect(toHex(state.handshakeHash)).toBe('5df72b67b965add1168f0a6c756df21c204f7e64fc682be6a3ab4b682c8db64b')
  })

  test('test_full_handshake1: three messages without payloads', async () => {
    const { messages, initiator, responder } = await runXx(noiseXx('aes-256-gcm'), RUST_KEYS, NONE)
    expect(messages.map(toHex)).toEqual([
      '358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254',
      '64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484665393019dbd6f438795da206db0886610b26108e424142c2e9b5fd1f7ea70cde8767ce62d7e3c0e9bcefe4ab872c0505b9e824df091b74ffe10a2b32809cab21f',
      'e610eadc4b00c17708bf223f29a66f02342fbedf6c0044736544b9271821ae40e70144cecd9d265dffdc5bb8e051c3f83db32a425e04d8f510c58a43325fbc56',
    ])
    expect(toHex(initiator.handshakeHash)).toBe('4b71f7deb470328565d99b15162eb0c4c14d6b1c85aad6fab54354d5afc72469')
    expect(toHex(responder.split().sendingKey)).toBe('109c4b99ea3a4784ff55af5eed86c99e853f5a76d83ce437a9e3e27ede242a6a')
  })

  test('test_full_handshake2: three messages with payloads', async () => {
    const payloads = ['test_msg_0', 'test_msg_1', 'test_msg_2'].map((text) => new TextEncoder().encode(text))
    const { messages, initiator, payloads: received } = await runXx(noiseXx('aes-256-gcm'), RUST_KEYS, payloads as never)
    expect(messages.map(toHex)).toEqual([
      '358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254746573745f6d73675f30',
      '64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484665393019dbd6f438795da206db0886610b26108e424142c2e9b5fd1f7ea70cde8c9f29dcec8d3ab554f4a5330657867fe4917917195c8cf360e08d6dc5f71baf875ec6e3bfc7afda4c9c2',
      'e610eadc4b00c17708bf223f29a66f02342fbedf6c0044736544b9271821ae40232c55cd96d1350af861f6a04978f7d5e070c07602c6b84d25a331242a71c50ae31dd4c164267fd48bd2',
    ])
    expect(received.map(toHex)).toEqual(payloads.map(toHex))
    expect(toHex(initiator.handshakeHash)).toBe('5b971fb32340e0b5208bc57354c2545c27eaa1ccb54b8bdfd174eda0de94d62d')
  })
})

describe('OCKAM_XX_25519_AES256_GCM_SHA256 with the same keys (also computed by the Elixir nodes of build-trust/ockam fb8fb64cd)', () => {
  test('the name is 32 bytes and is not padded', () => {
    const state = SymmetricState.initialize(primitives, 'aes-256-gcm', OCKAM_XX.name, EMPTY)
    expect(toHex(state.handshakeHash)).toBe('c6096331ab8d033b2ab45efed418e9511b63d51e0b5a9a584086ea8b5905e752')
  })

  test('the initiator encrypts with the second key of Split', async () => {
    const { messages, initiator, responder } = await runXx(OCKAM_XX, RUST_KEYS, NONE)
    expect(messages.slice(1).map(toHex)).toEqual([
      '64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d484666496c3648a1e088504a02025498d1045ae1e30f803f5bda8daac842e4291fe003ec09712baa61f30e8b9b83d55f6456069d3db88b1ce720567a55b9b64d5a214',
      '8f021075c218d4ca06d334b5af04de7ce3d19e12adb47dbf749f595010f6fd3751be433a8bbf114b3047c45111a7612115ef8ed8bb09bc750e3be514a6855430',
    ])
    expect(toHex(initiator.handshakeHash)).toBe('5ac0747f8682be66af8e7072d69af81b8eb441bf6542a3c2b42cd91c051eb229')
    expect(toHex(responder.handshakeHash)).toBe(toHex(initiator.handshakeHash))
    const keys = initiator.split()
    expect(toHex(keys.sendingKey)).toBe('831124fa3e1606b97f5cda4d81c3aa04c7c0151666f05f49a09cd0faf63a05d8')
    expect(toHex(keys.receivingKey)).toBe('4349aa5f460aca550b37ce55d3f7ad8f2d4747084b6c62e15c523568ebafe860')
    const theirs = responder.split()
    expect(toHex(theirs.sendingKey)).toBe(toHex(keys.receivingKey))
    expect(toHex(theirs.receivingKey)).toBe(toHex(keys.sendingKey))
  })

  test('transport ciphertexts: explicit nonce, empty AAD, a new key every 32 messages', () => {
    const close = hex('8282028040')
    const ciphertexts = sealedBy('831124fa3e1606b97f5cda4d81c3aa04c7c0151666f05f49a09cd0faf63a05d8', close, 65)
    expect(ciphertexts[0]).toBe('0000000000000000730a7db78918da6f632767306fdfd7b9abac253c30')
    expect(ciphertexts[31]).toBe('000000000000001ff2680d5a8185118fb5c871db0a3597a8c8763acec9')
    expect(ciphertexts[32]).toBe('00000000000000202dcf70b199aa5df8145dadbf7287dc84ace9b38d33')
    expect(ciphertexts[64]).toBe('00000000000000402c9978868bfc911aed19b88a4efc28094ec3ec29f3')
    expect(sealedBy('4349aa5f460aca550b37ce55d3f7ad8f2d4747084b6c62e15c523568ebafe860', close, 1)[0]).toBe(
      '00000000000000005defa70f48846dd0fa7ef76fb13613ebb55db9a496',
    )
  })

  test('REKEY of the key of zeros is the known one (Noise, section 4.2)', () => {
    // What seals like that key is that key.
    const sealed = (key: ReturnType<typeof primitives.aeadKey>): string => {
      const out = new Uint8Array(17)
      key.sealInto(out, 0, new Uint8Array(1), 0, 1, 0)
      return toHex(out)
    }
    const expected = primitives.aeadKey(hex('f1573ed7ea59562387a25c24fabe25a3155fecd880e181089fe581c148cc6ba9'))
    expect(sealed(primitives.aeadKey(new Uint8Array(32)).rekey())).toBe(sealed(expected))
  })
})

const folder = process.env['OCKAM_EXTERNAL_VECTORS'] || undefined
const fileNames = ['cacophony-xx-25519.json', 'snow-xx-25519.json']
if (folder === undefined) console.log('Noise external vectors: skipped, because OCKAM_EXTERNAL_VECTORS is not set')

interface NoiseVector {
  readonly protocol_name: string
  readonly init_prologue: string
  readonly init_static: string
  readonly init_ephemeral: string
  readonly resp_static: string
  readonly resp_ephemeral: string
  readonly handshake_hash?: string
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[]
}

describe.skipIf(folder === undefined)('external vectors: XX of cacophony and snow', () => {
  const suites = { AESGCM: 'aes-256-gcm', ChaChaPoly: 'chacha20-poly1305' } as const
  const paths = folder === undefined ? [] : fileNames.map((name) => join(folder, 'noise', name))
  const vectors = paths.filter(existsSync).flatMap((path) => {
    const { vectors: all } = JSON.parse(readFileSync(path, 'utf8')) as { vectors: NoiseVector[] }
    return all
      .filter(({ protocol_name }) => /^Noise_XX_25519_(AESGCM|ChaChaPoly)_SHA256$/.test(protocol_name))
      .map((vector) => ({ file: basename(path), vector }))
  })
  if (folder !== undefined) console.log(`Noise external vectors: ${vectors.length} ran`)

  test('both files are there, each with both ciphers', () => {
    expect(paths.filter((path) => !existsSync(path))).toEqual([])
    expect(vectors).toHaveLength(4)
  })

  test.each(vectors)('$file $vector.protocol_name', async ({ vector }) => {
    const [, cipher] = /_(AESGCM|ChaChaPoly)_/.exec(vector.protocol_name) as unknown as [string, keyof typeof suites]
    const keys = {
      initiatorStatic: vector.init_static,
      initiatorEphemeral: vector.init_ephemeral,
      responderStatic: vector.resp_static,
      responderEphemeral: vector.resp_ephemeral,
    }
    const payloads = vector.messages.slice(0, 3).map(({ payload }) => hex(payload))
    const run = await runXx(noiseXx(suites[cipher]), keys, payloads as never, hex(vector.init_prologue))
    expect(run.messages.map(toHex)).toEqual(vector.messages.slice(0, 3).map(({ ciphertext }) => ciphertext))
    if (vector.handshake_hash !== undefined) expect(toHex(run.initiator.handshakeHash)).toBe(vector.handshake_hash)
    const initiator = run.initiator.split()
    const responder = run.responder.split()
    const senders = [primitives.aeadKey(responder.sendingKey, suites[cipher]), primitives.aeadKey(initiator.sendingKey, suites[cipher])]
    for (const [i, { payload, ciphertext }] of vector.messages.slice(3).entries()) {
      const plaintext = hex(payload)
      const out = new Uint8Array(plaintext.length + 16)
      // After three handshake messages it is the responder's turn; each side has sent every second message.
      senders[i % 2]?.sealInto(out, 0, plaintext, 0, plaintext.length, Math.floor(i / 2))
      expect(toHex(out)).toBe(ciphertext)
    }
  })
})

function sealedBy(key: string, content: Uint8Array, count: number): string[] {
  const sender = new SendingKey(primitives.aeadKey(hex(key)))
  const length = content.length
  return Array.from({ length: count }, () => {
    const slab = new Uint8Array(length + 24)
    slab.set(content, 8)
    expect(sender.reserve(1)).toBe(1)
    sender.seal(slab, [{ start: 0, length }], 1)
    return toHex(slab)
  })
}
