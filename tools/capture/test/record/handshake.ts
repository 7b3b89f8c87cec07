/** Secure channels between two Rust nodes whose static and ephemeral keys are known: everything one says to the other, in both directions. */

import { TransportMessageDecoder } from '@ockam/core'
import type { Direction, FrameProxy } from '../../../interop/test/fixture/frame-proxy.ts'
import type { Json, RustPeer } from '../../../interop/test/fixture/rust-peer.ts'
import { hex, type RustNode, rust } from '../../../interop/test/fixture/world.ts'
import { proxyTo } from './proxy.ts'
import { FROM, type Recording, secret, UNTIL, until } from './recording.ts'

interface Party {
  readonly identifier: string
  readonly changeHistory: string
  readonly attestation: string
  readonly staticSecret: string
  readonly ephemeralSecret: string
}

interface Options {
  readonly name: string
  readonly keys?: readonly ['ed25519' | 'p256', 'ed25519' | 'p256']
  readonly isRotated?: boolean
  readonly isKeyExchangeOnly?: boolean
  readonly hasCredentials?: boolean
  /** How many messages the initiator sends, and how many the responder. */
  readonly counts?: readonly [number, number]
  readonly closedBy?: 'initiator' | 'responder'
}

/** A responder that listens at `api`, an initiator, and a wire in between. */
interface Sides {
  readonly initiator: RustPeer
  readonly responder: RustNode
  readonly proxy: FrameProxy
  readonly parties: readonly [Party, Party]
  readonly channel: { readonly encryptor: string; readonly encryptorApi: string }
  readonly accepted: { readonly encryptor: string; readonly encryptorApi: string }
}

/** Of the first contents; all others have one byte. */
const LENGTHS = [0, 1, 23, 24, 256]

export async function recordHandshakes(): Promise<Recording> {
  const cases = [
    await record({ name: 'Ed25519, two new keys', counts: [67, 34] }),
    await record({ name: 'P-256, closed by the responder', keys: ['p256', 'p256'], closedBy: 'responder' }),
    await record({ name: 'rotated identities', keys: ['ed25519', 'p256'], isRotated: true }),
    await record({ name: 'credentials of both sides, and a new one', hasCredentials: true }),
    await record({ name: 'key exchange only', isKeyExchangeOnly: true, counts: [34, 34] }),
  ]
  return {
    file: 'packages/secure-channel/test/vectors/rust/handshake.json',
    content: 'Handshakes and what follows them, both sides Rust nodes with known keys.',
    notes: [
      'messages: the three of the handshake. sent, answered: ciphertexts of the initiator and of the responder, the first with nonce 0.',
      'Ciphertexts hold the numbered contents sent along onward with the return route back. refreshed, closed: ciphertexts with the next nonce.',
      'Credentials are signed with a key that the issuer makes up, at the time of the recording.',
      'The hash of the transcript cannot be asked for; message 3 and the keys depend on it.',
    ],
    cases,
  }
}

async function record(options: Options): Promise<object> {
  const { counts = [2, 2], closedBy = 'initiator', hasCredentials = false } = options
  const sides = await open(options)
  const { initiator, responder, proxy, parties, channel, accepted } = sides
  const sealed = proxy.frames.length
  const head = {
    name: options.name,
    ...(hasCredentials ? { changes: true } : {}),
    initiator: parties[0],
    responder: parties[1],
    messages: proxy.frames.slice(0, 3).map(({ bytes }) => payloadOf(bytes)),
  }
  if (sealed !== 3) throw new Error(`A handshake has three messages, not ${sealed}.`)
  if (options.isKeyExchangeOnly === true)
    return {
      ...head,
      isKeyExchangeOnly: true,
      sent: await seal(initiator, channel, counts[0]),
      answered: await seal(responder.peer, accepted, counts[1]),
    }

  await send(initiator, channel.encryptor, responder.peer, counts[0])
  await send(responder.peer, accepted.encryptor, initiator, counts[1])
  const ciphertexts = (direction: Direction): string[] =>
    proxy.frames
      .slice(sealed)
      .filter((frame) => frame.direction === direction)
      .map(({ bytes }) => payloadOf(bytes))
  const [sent, answered] = [ciphertexts('sent'), ciphertexts('answered')]
  const after = hasCredentials ? { refreshed: await refresh(sides) } : {}
  const before = proxy.frames.length
  const [closing, other] = closedBy === 'initiator' ? ([initiator, responder.peer] as const) : ([responder.peer, initiator] as const)
  await closing.ask('channel.close', { encryptor: closedBy === 'initiator' ? channel.encryptor : accepted.encryptor })
  await other.event('channel-closed')
  const last = proxy.frames.slice(before).filter(({ direction }) => direction === (closedBy === 'initiator' ? 'sent' : 'answered'))
  if (last.length !== 1) throw new Error(`A close is one message, not ${last.length}.`)
  return {
    ...head,
    onward: ['inbox'],
    back: ['client'],
    lengths: LENGTHS,
    sent,
    answered,
    ...after,
    closedBy,
    closed: payloadOf(last[0]?.bytes ?? new Uint8Array()),
  }
}

async function open({
  keys = ['ed25519', 'ed25519'],
  isRotated = false,
  isKeyExchangeOnly = false,
  hasCredentials = false,
}: Options): Promise<Sides> {
  const [client, responder] = [await rust(), await rust()]
  const initiator = client.peer
  const parties = [await party(initiator, keys[0], isRotated, 0x10), await party(responder.peer, keys[1], isRotated, 0x80)] as const
  const [own, others] = hasCredentials ? await credentials(client.peer, responder.peer, parties) : [{}, {}]
  const common = { keyExchangeOnly: isKeyExchangeOnly }
  const { flowControlId } = await responder.peer.ask('channel.listen', {
    identifier: parties[1].identifier,
    consumerOf: [responder.flow],
    ...common,
    ...others,
  })
  await responder.peer.ask('worker.start', { address: 'inbox', kind: 'inbox', consumerOf: [flowControlId] })
  const proxy = await proxyTo(responder.socket)
  const { worker } = await initiator.ask('tcp.connect', { to: proxy.socket })
  const channel = await initiator.ask('channel.create', { identifier: parties[0].identifier, route: [worker, 'api'], ...common, ...own })
  await initiator.ask('worker.start', { address: 'inbox', kind: 'inbox', consumerOf: [channel.flowControlId] })
  const accepted = await responder.peer.event('channel-opened')
  return { initiator, responder, proxy, parties, channel, accepted }
}

/** An identity with its key for channels; the secrets count up from `first`. */
async function party(peer: RustPeer, key: string, isRotated: boolean, first: number): Promise<Party> {
  const times = { validFrom: FROM, validUntil: UNTIL }
  let identity = await peer.ask('identity.create', { key, secret: secret(first), ...times })
  const { identifier } = identity
  if (isRotated) identity = await peer.ask('identity.rotate', { identifier, key, secret: secret(first + 1), revoke: true, ...times })
  const staticSecret = secret(first + 2)
  const ephemeralSecret = secret(first + 3)
  const { attestation } = await peer.ask('attestation.create', { identifier, secret: staticSecret, createdAt: FROM, expiresAt: UNTIL })
  await peer.ask('identity.next_ephemeral', { secret: ephemeralSecret })
  return { identifier, changeHistory: identity.history, attestation, staticSecret, ephemeralSecret }
}

/** Each side issues itself what it shows: whether it is believed is no matter here. */
async function credentials(
  initiator: RustPeer,
  responder: RustPeer,
  [first, second]: readonly [Party, Party],
): Promise<readonly [Json, Json]> {
  return [await shown(initiator, first.identifier), await shown(responder, second.identifier)]
}

async function shown(peer: RustPeer, identifier: string, role = 'sensor'): Promise<Json> {
  const { credential } = await peer.ask('credential.issue', { issuer: identifier, subject: identifier, attributes: { role } })
  return { credential }
}

/** The initiator shows another credential. @returns the ciphertext. */
async function refresh({ initiator, proxy, parties }: Sides): Promise<string> {
  const before = proxy.frames.length
  const { credential } = await shown(initiator, parties[0].identifier, 'gauges')
  await initiator.ask('channel.present', { credential })
  await until(() => proxy.frames.length > before, 'the new credential is shown')
  return payloadOf(proxy.frames[before]?.bytes ?? new Uint8Array())
}

/** Sends numbered contents of different lengths from one to the other's inbox, one after the other. */
async function send(from: RustPeer, encryptor: string, to: RustPeer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const payload = hex(new Uint8Array(LENGTHS[i] ?? 1).fill(i))
    await from.ask('message.send', { route: [encryptor, 'inbox'], return: ['client'], payload })
    const arrived = await to.event('message')
    if (arrived.payload !== payload) throw new Error(`Message ${i} arrived as ${arrived.payload}.`)
  }
}

async function seal(peer: RustPeer, { encryptorApi }: { readonly encryptorApi: string }, count: number): Promise<string[]> {
  const sealed: string[] = []
  for (let i = 0; i < count; i++)
    sealed.push((await peer.ask('channel.encrypt', { encryptorApi, plaintext: hex(Uint8Array.of(i)) })).ciphertext)
  return sealed
}

const decoder = new TransportMessageDecoder()
function payloadOf(frame: Uint8Array): string {
  return hex(decoder.decode(frame, 0, frame.length).payload)
}
