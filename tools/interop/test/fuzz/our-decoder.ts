/** Our decoders and verifiers, each with its result written in the form the Rust peer answers in: by this folder's own encoder, not by ours. */

import { Identifier, MultiAddr, OckamError, type Route, RouteDecoder, TransportMessageDecoder } from '@ockam/core'
import { decodeBareString } from '@ockam/core/bare'
import { type CredentialData, createCredentials, decodeCredential } from '@ockam/credentials'
import {
  type Attestation,
  type ChangeHistory,
  createIdentities,
  decodeAttestation,
  decodeChangeHistory,
  decodeCredentialKeyAttestation,
} from '@ockam/identity'
import { decodePortalMessage, type PortalMessage } from '@ockam/portals/protocol'
import { decodeApiError, decodeApiRequest, decodeApiResponse } from '@ockam/routing'
import { ChannelMessageDecoder, decodeIdentityPayload } from '@ockam/secure-channel/protocol'
import { softwareVault } from '@ockam/vault-software'
import { array, bool, bytes, type Item, map, nothing, text, uint, variant } from './cbor-item.ts'
import { typed } from './signing-key.ts'

const vault = softwareVault()
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const

function routeItem(route: Route): Item {
  const addresses: Item[] = []
  for (let left = route; left.next !== undefined; left = left.step()) addresses.push(array(uint(left.next.type), bytes(left.next.value)))
  return array(...addresses)
}

/** Ours reads addresses in routes only. */
export function decodeAddress(input: Uint8Array): Item {
  const { next } = decodeRoute(Uint8Array.from([0x81, ...input]))
  if (next === undefined) throw new Error('a route of one address has none')
  return array(uint(next.type), bytes(next.value))
}

function decodeRoute(input: Uint8Array): Route {
  return new RouteDecoder().decode(input, 0, input.length)
}

export const decodeRouteItem = (input: Uint8Array): Item => routeItem(decodeRoute(input))

/** In the binary form. */
export const decodeMultiAddr = (input: Uint8Array): Item => bytes(MultiAddr.decode(input).encode())

/** In the binary form. */
export function parseMultiAddr(input: Uint8Array): Item {
  let written: string
  try {
    written = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)
  } catch (cause) {
    throw new OckamError('core/invalid-multiaddr', 'The address is not text in UTF-8.', { cause })
  }
  return bytes(MultiAddr.parse(written).encode())
}

export function decodeRoutingMessage(input: Uint8Array): Item {
  const { onwardRoute, returnRoute, payload } = new TransportMessageDecoder().decode(input, 0, input.length)
  return array(routeItem(onwardRoute), routeItem(returnRoute), bytes(payload))
}

/** A history in a refresh is decoded too, as its receiver does; of credentials the number, because they are handed on as they are. */
export function decodeChannelMessage(input: Uint8Array): Item {
  const decoder = new ChannelMessageDecoder()
  decoder.decode(input, 0, input.length)
  if (decoder.kind === 'close') return variant(2)
  if (decoder.kind === 'payload') {
    const payload = input.subarray(decoder.payloadStart, decoder.payloadEnd)
    return variant(0, array(routeItem(decoder.onwardRoute), routeItem(decoder.returnRoute), bytes(payload)))
  }
  const { changeHistory, credentials } = decoder.refresh as NonNullable<typeof decoder.refresh>
  return variant(1, array(decodeHistoryItem(changeHistory), uint(credentials.length)))
}

/** Likewise. */
export function decodeHandshakePayload(input: Uint8Array): Item {
  const { changeHistory, attestation, credentials } = decodeIdentityPayload(input)
  return array(decodeHistoryItem(changeHistory), decodeAttestationItem(attestation), uint(credentials.length))
}

export function decodeHistoryItem(input: Uint8Array): Item {
  return historyItem(decodeChangeHistory(input, vault.primitives))
}

function historyItem({ changes }: ChangeHistory): Item {
  return array(
    ...changes.map(({ signed, signature, previousSignature }) =>
      array(bytes(signed), signatureItem(signature), ...(previousSignature === undefined ? [] : [signatureItem(previousSignature)])),
    ),
  )
}

const signatureItem = ({ type, bytes: value }: { type: string; bytes: Uint8Array }): Item => typed(type === 'ed25519' ? 0 : 1, value)

export const decodeAttestationItem = (input: Uint8Array): Item => signedItem(decodeAttestation(input))

const signedItem = ({ signed, signature }: Pick<Attestation, 'signed' | 'signature'>): Item =>
  array(bytes(signed), signatureItem(signature))

/** With the attestation, which another package reads. */
export function decodeCredentialItem(input: Uint8Array): Item {
  const credential = decodeCredential(input)
  return array(signedItem(credential), signedItem(decodeCredentialKeyAttestation(credential.attestation)))
}

/** The identifier. */
export async function verifyHistory(input: Uint8Array): Promise<string> {
  return String(await createIdentities({ vault }).import(input))
}

/** @param histories of all subjects, by the hexadecimal form of their identifiers. */
export function attestationVerifier(histories: ReadonlyMap<string, Uint8Array>): (input: Uint8Array) => Promise<Item> {
  const identities = createIdentities({ vault })
  return async (input) => {
    const { subject, latestChangeHash, publicKey: channelKey, createdAt, expiresAt } = decodeAttestation(input).data
    const changeHistory = histories.get(Buffer.from(subject.toBytes()).toString('hex'))
    if (changeHistory === undefined) throw new Error('nothing is known of the subject')
    await identities.verifyPeer({ changeHistory, attestation: input, noiseStaticKey: channelKey })
    return array(bytes(subject.toBytes()), bytes(latestChangeHash), typed(0, channelKey), uint(createdAt), uint(expiresAt))
  }
}

/** @param histories of all issuers and subjects. @param subject, authorities as a Rust node is told them. */
export function credentialVerifier(
  histories: readonly Uint8Array[],
  subject: string,
  authorities: readonly string[],
): (input: Uint8Array) => Promise<Item> {
  const identities = createIdentities({ vault })
  const credentials = createCredentials({ vault, identities })
  const imported = Promise.all(histories.map((history) => identities.import(history)))
  return async (input) => {
    await imported
    const asked = { subject: Identifier.parse(subject), authorities: authorities.map((authority) => Identifier.parse(authority)) }
    await credentials.verify(input, asked)
    return credentialDataItem(decodeCredential(input).data)
  }
}

/** As a Rust node writes it: attributes in the order of their names. */
function credentialDataItem({ subject, subjectChangeHash, attributes, createdAt, expiresAt }: CredentialData): Item {
  const entries = attributes.entries.toSorted((left, right) => Buffer.compare(left.name, right.name))
  return array(
    subject === undefined ? nothing() : bytes(subject.toBytes()),
    subjectChangeHash === undefined ? nothing() : bytes(subjectChangeHash),
    array(uint(attributes.schema), map(...entries.flatMap(({ name, value }) => [bytes(name), bytes(value)]))),
    uint(createdAt),
    uint(expiresAt),
  )
}

export const decodeBareText = (input: Uint8Array): Item => text(decodeBareString(input))

const PORTAL_KINDS: readonly PortalMessage['kind'][] = ['ping', 'pong', 'disconnect', 'payload']

/** `[kind, data, counter]`. What only two ends of ours say ends a connection to an end of another make, so it counts as refused. */
export function decodePortal(input: Uint8Array): Item {
  const message = decodePortalMessage(input)
  const kind = message === undefined ? -1 : PORTAL_KINDS.indexOf(message.kind)
  if (message === undefined || kind < 0)
    throw new OckamError('core/invalid-argument', `no portal message: ${message?.kind ?? 'unreadable'}`)
  if (message.kind !== 'payload') return array(uint(kind))
  return array(uint(kind), bytes(message.data), ...(message.counter === undefined ? [] : [uint(message.counter)]))
}

export function decodeRequest(input: Uint8Array): Item {
  const { id, path, method, body } = decodeApiRequest(input)
  return array(uint(id), text(path), uint(METHODS.indexOf(method)), body === undefined ? bool(false) : bytes(body))
}

export function decodeResponse(input: Uint8Array): Item {
  const { id, re, status, body } = decodeApiResponse(input)
  const header = [uint(id), uint(re), uint(status)]
  if (status === 200) return array(...header, body === undefined ? bool(false) : bytes(body))
  const error = body === undefined ? {} : decodeApiError(body)
  const method = error.method === undefined ? nothing() : uint(METHODS.indexOf(error.method))
  return array(...header, array(optionalText(error.path), method, optionalText(error.message)))
}

const optionalText = (value: string | undefined): Item => (value === undefined ? nothing() : text(value))
