/**
 * Handshakes between two Rust nodes with known keys, as `npm run capture` records them: with the same keys we say the very same bytes in either role,
 * seal the same ciphertexts over new keys, and open all of theirs.
 */

import { readFileSync } from 'node:fs'
import { type Primitives, Route } from '@ockam/core'
import { createIdentities } from '@ockam/identity'
import { softwareVault } from '@ockam/vault-software'
import { describe, expect, test } from 'vitest'
import { type Finished, OCKAM_XX, startInitiator, startResponder } from '../src/index.ts'
import { ChannelMessageDecoder, encodeClose, encodeRefresh, payloadLength, writePayload } from '../src/protocol/channel-message.ts'
import { decodeIdentityPayload, encodeIdentityPayload } from '../src/protocol/identity-payload.ts'
import { readNonce } from '../src/protocol/nonce.ts'
import { ReceivingKey } from '../src/protocol/receiving-key.ts'
import { SendingKey } from '../src/protocol/sending-key.ts'
import { hex, KnownKeyVault, toHex } from './known-key-vault.ts'

interface Party {
  readonly identifier: string
  readonly changeHistory: string
  readonly attestation: string
  readonly staticSecret: string
  readonly ephemeralSecret: string
}

interface Handshake {
  readonly name: string
  readonly initiator: Party
  readonly responder: Party
  readonly messages: readonly [string, string, string]
  readonly isKeyExchangeOnly?: true
  readonly onward?: readonly string[]
  readonly back?: readonly string[]
  readonly lengths?: readonly number[]
  readonly sent: readonly string[]
  readonly answered: readonly string[]
  readonly refreshed?: string
  readonly closedBy?: 'initiator' | 'responder'
  readonly closed?: string
}

const file = new URL('vectors/rust/handshake.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Handshake[] }
const primitives: Primitives = softwareVault().primitives
const NOTHING = new Uint8Array(0)
/** After all attestations were made. */
const clock = { now: () => 1_800_000_000_000 }

/** The payload that a party shows, without credentials. */
const shownBy = ({ changeHistory, attestation }: Party): Uint8Array =>
  encodeIdentityPayload({ changeHistory: hex(changeHistory), attestation: hex(attestation), credentials: [] })

interface Sides {
  readonly initiator: Finished
  readonly responder: Finished
  /** What our sides said. */
  readonly messages: readonly string[]
  /** What the recorded messages 2 and 3 showed. */
  readonly payloads: readonly [Uint8Array, Uint8Array]
}

/** Our initiator and our responder, each with the recorded keys and in a conversation with the recorded messages of the other side. */
async function replay(known: Handshake): Promise<Sides> {
  const [m1, m2, m3] = known.messages.map(hex) as [Uint8Array, Uint8Array, Uint8Array]
  const [start, listen] = [sideOf(known.initiator), sideOf(known.responder)]
  const first = await startInitiator(start).write(NOTHING)
  const heard = await startResponder(listen).read(m1)
  expect(heard.payload).toHaveLength(0)
  const answer = await first.next.read(m2)
  const second = await heard.next.write(answer.payload)
  const proof = await second.next.read(m3)
  const third = await answer.next.write(proof.payload)
  return {
    initiator: third.next,
    responder: proof.next,
    messages: [first.message, second.message, third.message].map(toHex),
    payloads: [answer.payload, proof.payload],
  }
}

function sideOf({ staticSecret, ephemeralSecret }: Party) {
  const vault = new KnownKeyVault(ephemeralSecret)
  return { protocol: OCKAM_XX, primitives, vault, staticKey: vault.import(staticSecret) }
}

/** What message `number` of a side says. */
function plaintextOf({ onward = [], back = [], lengths = [] }: Handshake, number: number): Uint8Array {
  const [to, from] = [Route.of(...onward), Route.of(...back)]
  const content = new Uint8Array(lengths[number] ?? 1).fill(number)
  const out = new Uint8Array(payloadLength(to, from, content.length))
  writePayload(out, 0, to, from, content)
  return out
}

/** Seals with the keys of one side and opens with those of the other. */
class Line {
  readonly #sending: SendingKey
  readonly #receiving: Pick<ReceivingKey, 'keyOf' | 'accept'>
  #nonce = 0

  constructor(sendingKey: Uint8Array, receivingKey: Uint8Array, hasNewKeys = true) {
    this.#sending = new SendingKey(primitives.aeadKey(sendingKey), { hasNewKeys })
    const key = primitives.aeadKey(receivingKey)
    this.#receiving = hasNewKeys ? new ReceivingKey(key) : { keyOf: () => key, accept: () => undefined }
  }

  seal(plaintext: Uint8Array): string {
    const slab = new Uint8Array(plaintext.length + 24)
    slab.set(plaintext, 8)
    this.#sending.reserve(1)
    this.#sending.seal(slab, [{ start: 0, length: plaintext.length }], 1)
    return toHex(slab)
  }

  open(ciphertext: string): Uint8Array {
    const bytes = hex(ciphertext)
    const out = new Uint8Array(bytes.length - 24)
    const nonce = this.#nonce++
    const isOpened = readNonce(bytes, 0) === nonce && this.#receiving.keyOf(nonce)?.openInto(out, 0, bytes, 8, bytes.length - 8, nonce)
    if (isOpened !== true) throw new Error(`The ciphertext that should have nonce ${nonce} cannot be opened.`)
    this.#receiving.accept(nonce)
    return out
  }
}

/** What the initiator says, and what the responder says. */
function linesOf(initiator: Finished, responder: Finished, hasNewKeys = true): readonly [Line, Line] {
  const [first, second] = [initiator.split(), responder.split()]
  return [new Line(first.sendingKey, second.receivingKey, hasNewKeys), new Line(second.sendingKey, first.receivingKey, hasNewKeys)]
}

describe.each(cases)('a handshake of Rust nodes: $name', (known) => {
  const hasCredentials = known.refreshed !== undefined
  const isKeyExchangeOnly = known.isKeyExchangeOnly === true

  test('is the same, byte for byte, in both roles with the same keys', async () => {
    const { messages, payloads } = await replay(known)
    expect(messages).toEqual(known.messages)
    // Credentials are not made here: with them only the recorded payload can be said again.
    if (!hasCredentials) expect(payloads.map(toHex)).toEqual([known.responder, known.initiator].map((party) => toHex(shownBy(party))))
  })

  test('shows identities that hold, each with its own key', async () => {
    const { payloads, initiator, responder } = await replay(known)
    const statics = [initiator.remoteStaticKey, responder.remoteStaticKey] as const
    for (const [at, party] of [known.responder, known.initiator].entries()) {
      const payload = payloads[at] as Uint8Array
      const shown = decodeIdentityPayload(payload)
      expect(toHex(encodeIdentityPayload(shown))).toBe(toHex(payload))
      expect([toHex(shown.changeHistory), toHex(shown.attestation)]).toEqual([party.changeHistory, party.attestation])
      expect(shown.credentials).toHaveLength(hasCredentials ? 1 : 0)
      const identities = createIdentities({ vault: softwareVault(), clock })
      const { changeHistory, attestation } = shown
      const peer = await identities.verifyPeer({ changeHistory, attestation, noiseStaticKey: statics[at] as Uint8Array })
      expect(peer.identifier.toString()).toBe(party.identifier)
      const wrong = identities.verifyPeer({ changeHistory, attestation, noiseStaticKey: statics[1 - at] as Uint8Array })
      await expect(wrong).rejects.toMatchObject({ code: 'identity/invalid-attestation' })
    }
  })

  test('is followed by ciphertexts that we seal to the same bytes and open to the same contents', async () => {
    const { initiator, responder } = await replay(known)
    const lines = linesOf(initiator, responder, !isKeyExchangeOnly)
    for (const [at, ciphertexts] of [known.sent, known.answered].entries()) {
      expect(ciphertexts.length).toBeGreaterThan(1)
      for (const [number, ciphertext] of ciphertexts.entries()) {
        const plaintext = isKeyExchangeOnly ? Uint8Array.of(number) : plaintextOf(known, number)
        expect(lines[at]?.seal(plaintext)).toBe(ciphertext)
        expect(toHex(lines[at]?.open(ciphertext) ?? NOTHING)).toBe(toHex(plaintext))
      }
    }
  })

  if (hasCredentials)
    test('goes on with a new credential that we say in the same bytes', async () => {
      const line = await afterMessages(known, 'initiator')
      const plaintext = line.open(known.refreshed ?? '')
      const decoder = new ChannelMessageDecoder()
      decoder.decode(plaintext, 0, plaintext.length)
      expect(decoder.kind).toBe('refresh')
      const refresh = decoder.refresh as NonNullable<typeof decoder.refresh>
      expect(toHex(refresh.changeHistory)).toBe(known.initiator.changeHistory)
      expect(refresh.credentials).toHaveLength(1)
      expect(line.seal(encodeRefresh(refresh))).toBe(known.refreshed)
    })

  if (known.closed !== undefined)
    test('ends with a Close that we say in the same bytes', async () => {
      const line = await afterMessages(known, known.closedBy ?? 'initiator')
      if (hasCredentials) line.seal(line.open(known.refreshed ?? ''))
      const plaintext = line.open(known.closed ?? '')
      const decoder = new ChannelMessageDecoder()
      decoder.decode(plaintext, 0, plaintext.length)
      expect(decoder.kind).toBe('close')
      expect(line.seal(encodeClose())).toBe(known.closed)
    })
})

/** The line of one side once it has said its messages. */
async function afterMessages(known: Handshake, side: 'initiator' | 'responder'): Promise<Line> {
  const { initiator, responder } = await replay(known)
  const [line, ciphertexts] =
    side === 'initiator' ? [linesOf(initiator, responder)[0], known.sent] : [linesOf(initiator, responder)[1], known.answered]
  for (const ciphertext of ciphertexts) line.seal(line.open(ciphertext))
  return line
}
