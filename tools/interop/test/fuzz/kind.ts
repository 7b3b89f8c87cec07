/** What is compared: per kind of the Rust peer's `decode`, how values are made and what both sides' results become. */

import type { Json, RustPeer } from '../fixture/rust-peer.ts'
import { array, encode, type Item, parse } from './cbor-item.ts'
import { AUTHORITIES, someCredential } from './credential-generator.ts'
import { attestation, credential, type FuzzIdentity, history } from './identity-generator.ts'
import * as ours from './our-decoder.ts'
import { multiaddr, multiaddrText } from './multiaddr-generator.ts'
import { policyKinds } from './policy-kind.ts'
import type { SeededRandom } from './random.ts'
import * as rust from './rust-answer.ts'
import { address, apiMessage, bareString, channelMessage, portalMessage, route, routingMessage, spoiled } from './wire-generator.ts'

export interface Kind {
  /** As the Rust peer calls it. */
  readonly name: string
  /** Values per round: signatures take time. */
  readonly perRound: number
  readonly generate: (random: SeededRandom) => Uint8Array
  readonly decode: (input: Uint8Array) => Item | string | Promise<Item | string>
  /** What the Rust peer is told besides. */
  readonly details?: Json
  /** Left out: the answer is text. */
  readonly answer?: (answer: Uint8Array) => Item
}

/** Why other formats are not compared; the names of the Rust peer's own kinds are as it calls them. */
export const NOT_COMPARED: Readonly<Record<string, string>> = {
  datagram: 'no package sends datagrams yet',
  'rendezvous and puncture messages': 'no package sends datagrams yet',
  'requests to and answers of encryption and decryption services': 'they never leave a node: only its own workers reach these services',
}

/** How often a rule of signed things is broken: about once per history. */
const RATE = 20

/** Identities that attestations are about. */
export const fuzzSubjects = (random: SeededRandom): readonly FuzzIdentity[] => [1, 1, 1, 2, 3].map((length) => history(random, 0, length))

/** The Rust peer is told of the subjects. */
export async function kinds(peer: RustPeer, subjects: readonly FuzzIdentity[]): Promise<readonly Kind[]> {
  for (const subject of subjects) await peer.ask('identity.import', { history: hexOf(subject.history) })
  const histories = new Map(subjects.map((subject) => [hexOf(subject.identifier), subject.history]))
  const verifyAttestation = ours.attestationVerifier(histories)
  const [subject = '', ...others] = subjects.map(({ identifier }) => `I${hexOf(identifier)}`)
  const authorities = [subject, ...others].slice(0, AUTHORITIES)
  const verifyCredential = ours.credentialVerifier([...histories.values()], subject, authorities)
  const someAttestation = (random: SeededRandom, rate: number): Uint8Array => attestation(random, rate, random.pick(subjects))
  return [
    {
      name: 'address',
      perRound: 2000,
      generate: (random) => spoiled(random, address(random)),
      decode: ours.decodeAddress,
      answer: rust.asItIs,
    },
    {
      name: 'route',
      perRound: 3000,
      generate: (random) => spoiled(random, route(random)),
      decode: ours.decodeRouteItem,
      answer: rust.asItIs,
    },
    {
      name: 'routing-message',
      perRound: 4000,
      generate: (random) => spoiled(random, routingMessage(random)),
      decode: ours.decodeRoutingMessage,
      answer: rust.asRoutingMessage,
    },
    {
      name: 'channel-message',
      perRound: 4000,
      generate: (random) =>
        spoiled(
          random,
          channelMessage(random, () => refreshFields(random, subjects)),
        ),
      decode: ours.decodeChannelMessage,
      answer: rust.asChannelMessage,
    },
    {
      name: 'handshake-payload',
      perRound: 1000,
      generate: (random) => handshakePayload(random, subjects),
      decode: ours.decodeHandshakePayload,
      answer: rust.asHandshakePayload,
    },
    { name: 'bare-string', perRound: 2000, generate: bareString, decode: ours.decodeBareText, answer: rust.asBareText },
    { name: 'multiaddr', perRound: 2000, generate: multiaddr, decode: ours.decodeMultiAddr, answer: rust.asBytes },
    { name: 'multiaddr-text', perRound: 2000, generate: multiaddrText, decode: ours.parseMultiAddr, answer: rust.asBytes },
    { name: 'portal-message', perRound: 3000, generate: portalMessage, decode: ours.decodePortal, answer: rust.asItIs },
    {
      name: 'api-request',
      perRound: 2000,
      generate: (random) => apiMessage(random, 'request'),
      decode: ours.decodeRequest,
      answer: rust.asRequest,
    },
    {
      name: 'api-response',
      perRound: 2000,
      generate: (random) => apiMessage(random, 'response'),
      decode: ours.decodeResponse,
      answer: rust.asResponse,
    },
    {
      name: 'change-history',
      perRound: 800,
      generate: (random) => history(random, RATE).history,
      decode: ours.decodeHistoryItem,
      answer: rust.asItIs,
    },
    {
      name: 'attestation',
      perRound: 800,
      generate: (random) => someAttestation(random, RATE / 2),
      decode: ours.decodeAttestationItem,
      answer: rust.asItIs,
    },
    { name: 'identity', perRound: 800, generate: (random) => history(random, 3 * RATE).history, decode: ours.verifyHistory },
    {
      name: 'verified-attestation',
      perRound: 800,
      generate: (random) => someAttestation(random, RATE),
      decode: verifyAttestation,
      answer: rust.asItIs,
    },
    {
      name: 'credential',
      perRound: 800,
      generate: (random) => someCredential(random, RATE, subjects),
      decode: ours.decodeCredentialItem,
      answer: rust.asItIs,
    },
    {
      name: 'verified-credential',
      perRound: 800,
      generate: (random) => someCredential(random, 2 * RATE, subjects),
      decode: verifyCredential,
      details: { subject, authorities },
      answer: rust.asItIs,
    },
    ...policyKinds,
  ]
}

/** What a side shows in a handshake, with its parts right or wrong. */
function handshakePayload(random: SeededRandom, subjects: readonly FuzzIdentity[]): Uint8Array {
  const subject = random.pick(subjects)
  const rate = random.pick([0, 0, 3 * RATE])
  const shown = rate === 0 ? subject.history : history(random, rate).history
  const parts = [shown, attestation(random, rate, subject)].map((bytes): Item => parse(bytes) ?? { kind: 'raw', bytes })
  return spoiled(random, array(...parts, credentials(random, rate)))
}

/** A valid history and credentials. */
function refreshFields(random: SeededRandom, subjects: readonly FuzzIdentity[]): readonly Item[] {
  return [{ kind: 'raw', bytes: random.pick(subjects).history }, credentials(random, random.pick([0, RATE]))]
}

/** None, one or two. What is inside of them is compared as kinds of their own. */
const credentials = (random: SeededRandom, rate: number): Item =>
  array(...Array.from({ length: random.below(3) }, () => credential(random, rate)))

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Results of both sides in one form that can be compared. */
export const resultText = (result: Item | string): string => (typeof result === 'string' ? result : hexOf(encode(result)))
