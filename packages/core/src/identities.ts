/**
 * What a secure channel needs to know about identities: its own proof for the handshake, and the verification of a peer's. Change histories
 * and attestations travel as encoded bytes, so that channels know nothing of their insides.
 */

import type { Identifier } from './identifier.ts'
import type { DhKey, SigningKey, VerifyingKey } from './vault.ts'

/** What one side shows in a handshake: its history, and the attestation that ties a Noise static key to it. */
export interface ChannelProof {
  readonly identifier: Identifier
  /** CBOR `ChangeHistory`. */
  readonly changeHistory: Uint8Array
  /** CBOR `PurposeKeyAttestation` of a secure-channel key. */
  readonly attestation: Uint8Array
  /** The attested X25519 static key, held by the channel vault. */
  readonly staticKey: DhKey
}

/** Own secure-channel keys. */
export interface PurposeKeys {
  /**
   * The present proof of an own identity: key and attestation are made on first use, re-verified, and renewed in time.
   * @throws {OckamError} `identity/unknown-identity` when this node does not own the identity.
   */
  channelProof(identifier: Identifier): Promise<ChannelProof>
}

/** The key an own identity signs credentials with. Times are whole seconds since 1970. */
export interface CredentialKey {
  readonly identifier: Identifier
  /** CBOR `PurposeKeyAttestation` of a credential signing key: what travels with every credential. */
  readonly attestation: Uint8Array
  /** Held by the signing vault. */
  readonly signingKey: SigningKey
  /** A credential must begin no earlier. */
  readonly createdAt: number
  /** A credential must end no later. */
  readonly expiresAt: number
}

/** Optional capability beside {@link PurposeKeys}: own keys that sign credentials. */
export interface CredentialKeys {
  /**
   * The present credential key of an own identity: made on first use, re-verified, and renewed in time.
   * @throws {OckamError} `identity/unknown-identity` when this node does not own the identity.
   */
  credentialKey(identifier: Identifier): Promise<CredentialKey>
}

/** What an attestation says of a key for credentials. Times are whole seconds since 1970. */
export interface AttestedCredentialKey {
  readonly issuer: Identifier
  readonly verifyingKey: VerifyingKey
  readonly createdAt: number
  readonly expiresAt: number
}

/** Optional capability beside {@link Identities}: what the verification of a credential needs to know of its issuer and of its subject. */
export interface CredentialIssuers {
  /**
   * Reads an attestation and proves nothing: for refusing cheaply what would be refused in any case.
   * @param attestation CBOR `PurposeKeyAttestation`, copied.
   * @throws {OckamError} `identity/invalid-attestation`, also for a key of another purpose.
   */
  readCredentialKey(attestation: Uint8Array): AttestedCredentialKey
  /**
   * Verifies that the issuer, whose history must be known here, attests the key now, with its latest primary key.
   * @throws {OckamError} `identity/invalid-attestation`, `identity/attestation-expired`, `identity/unknown-identity`, `identity/invalid-signature`, and
   * what the store throws.
   */
  verifyCredentialKey(attestation: Uint8Array): Promise<AttestedCredentialKey>
  /** The hashes of all changes of an own or known identity, 32 bytes each, the latest last. Undefined when nothing is known of it. */
  changeHashes(identifier: Identifier): Promise<readonly [Uint8Array, ...Uint8Array[]] | undefined>
}

/** What a peer presented, as received. The arrays may be views; implementations copy what they keep. */
export interface PresentedIdentity {
  readonly changeHistory: Uint8Array
  readonly attestation: Uint8Array
  /** The 32-byte Noise static key the attestation must name. */
  readonly noiseStaticKey: Uint8Array
  /** When given, any other identifier is refused. */
  readonly expected?: Identifier
  /**
   * Asked about the identifier that is claimed, at most once and before signatures are verified that cost much; false refuses. Nothing is proved by
   * then, so it must have no effects, and a yes means nothing.
   */
  readonly couldBe?: (claimed: Identifier) => boolean
}

/**
 * A peer whose history and attestation hold at this moment and do not contradict what is stored. Nothing has been stored yet: `accept` does that,
 * after the trust policy has agreed (security: a stranger must not fill the store).
 */
export interface VerifiedPeer {
  readonly identifier: Identifier
  /** 32 bytes: hash of the latest change presented. */
  readonly latestChangeHash: Uint8Array
  /** Milliseconds since 1970: when the attestation ends. */
  readonly expiresAtMs: number
  /**
   * Stores the history if it is new or newer. Compared again with what is stored by now, so that two handshakes cannot race.
   * @throws {OckamError} `identity/conflicting-history`, `identity/older-history`.
   */
  accept(): Promise<void>
}

/** Verification of peers. */
export interface Identities {
  /**
   * Verifies history and attestation as a secure channel must: signatures, order, validity in time, equality with the Noise static key, and no
   * conflict with the stored history.
   * @throws {OckamError} with an `identity/…` code that says precisely what is wrong. For local eyes only.
   */
  verifyPeer(presented: PresentedIdentity): Promise<VerifiedPeer>
  /**
   * Verifies a history alone (credential refresh): it must be of `expected`, valid, and equal to or newer than what is stored; a newer one is stored.
   */
  updatePeer(changeHistory: Uint8Array, expected: Identifier): Promise<void>
}

/** What a trust policy may look at. */
export interface PeerIdentity {
  readonly identifier: Identifier
}

/** Decides whether a channel with a peer may exist. Called after the peer has proved its identity and before anything about it is stored. */
export interface TrustPolicy {
  /** For people: shown in diagnostics and printed forms, such as `identifier I3f…`. */
  readonly description: string
  isTrusted(peer: PeerIdentity): boolean | Promise<boolean>
}

/**
 * Optional capability of a {@link TrustPolicy} that can refuse by the identifier alone. Peers choose how long the history is that proves who they are,
 * and how many signatures it takes; strangers are refused before that.
 */
export interface ClaimTrustPolicy {
  /**
   * False when a peer of that identifier would not be trusted in any case. Asked about identifiers that are merely claimed: it has no effects, and a
   * yes means nothing. `isTrusted` is asked when the peer has proved its identity.
   */
  couldTrust(claimed: Identifier): boolean
}

/** Checks credentials a peer presents, in a handshake or later, and remembers what they say. */
export interface CredentialVerifier {
  /**
   * @param credentials raw CBOR items, `CredentialAndPurposeKey` in the handshake format.
   * A credential that does not hold is reported through diagnostics and ignored; throwing refuses the handshake. Later, on a live channel, what the
   * peer sends behind it waits for the answer, for 30 seconds at most.
   */
  present(peer: PeerIdentity, credentials: readonly Uint8Array[]): Promise<void>
}

/** Provides the credentials this side shows. */
export interface CredentialSource {
  /** Encoded CBOR items, in order; empty when there is none to show. */
  credentials(of: Identifier): Promise<readonly Uint8Array[]>
}
