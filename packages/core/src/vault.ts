/**
 * Vaults: where keys live. Four small interfaces, so that a token which can only sign is a complete choice for its slot, and optional
 * capabilities beside them; a published interface never grows a method.
 *
 * Keys are opaque handles. Secret bytes never leave a vault, with one exception: `dh` returns the 32-byte shared secret, because Noise's HKDF
 * cannot run in a token; the caller wipes it. Signing and DH are asynchronous because hardware is slow; hashing, HKDF and AEAD are not.
 *
 * Source: the split of the published Rust nodes (signing, verifying, secure channel), with the symmetric part as synchronous primitives.
 */

/** `ed25519`: RFC 8032, pure Ed25519. `p256`: ECDSA over NIST P-256 with SHA-256 of the message, FIPS 186-5. */
export type SigningKeyType = 'ed25519' | 'p256'

/** A public key that verifies signatures. `ed25519`: 32 bytes. `p256`: 65 bytes, SEC 1 uncompressed, first byte 0x04. */
export interface VerifyingKey {
  readonly type: SigningKeyType
  readonly bytes: Uint8Array
}

/** `ed25519`: 64 bytes. `p256`: r then s, each 32 bytes big-endian (not DER); low s is produced, high s is accepted. */
export interface Signature {
  readonly type: SigningKeyType
  readonly bytes: Uint8Array
}

/** Handle of a signing key. Holds no secret; printing it shows its type and public key only. */
export interface SigningKey {
  readonly kind: 'signing-key'
  readonly verifyingKey: VerifyingKey
}

/** Handle of an X25519 key (RFC 7748). Holds no secret. */
export interface DhKey {
  readonly kind: 'dh-key'
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

/** Something that can be called off. When the signal aborts, the promise rejects with `signal.reason`. */
export interface Cancellable {
  readonly signal?: AbortSignal
}

/** Makes and uses signing keys. Safe for concurrent calls. */
export interface SigningVault {
  /** @throws {OckamError} `vault/unsupported` when this vault cannot hold keys of that type. */
  generateSigningKey(type: SigningKeyType, options?: Cancellable): Promise<SigningKey>
  /**
   * Signs `message` as it is (the vault hashes where its scheme does).
   * @throws {OckamError} `vault/unknown-key` when the handle is not from this vault or was deleted.
   */
  sign(key: SigningKey, message: Uint8Array, options?: Cancellable): Promise<Signature>
  /** Forgets the secret for good. False when there was none. */
  deleteSigningKey(key: SigningKey): Promise<boolean>
}

/** Optional capability of a {@link SigningVault}: keys survive a restart and are found by their public key. */
export interface PersistentSigningVault {
  findSigningKey(of: VerifyingKey): Promise<SigningKey | undefined>
}

/** Verifies signatures; holds no secrets. */
export interface VerifyingVault {
  /**
   * True when the signature is valid under the fixed profile: Ed25519 strict, P-256 with any s. Malformed keys and signatures are false.
   * @throws {OckamError} `vault/type-mismatch` when key and signature are of different types.
   */
  verify(key: VerifyingKey, message: Uint8Array, signature: Signature): Promise<boolean>
}

/** X25519 keys of secure channels. Safe for concurrent calls. */
export interface ChannelVault {
  /** A key meant to last (persisted where the vault persists). */
  generateStaticKey(options?: Cancellable): Promise<DhKey>
  /** A key for one handshake; never persisted. */
  generateEphemeralKey(options?: Cancellable): Promise<DhKey>
  /**
   * The 32-byte X25519 shared secret in memory the caller owns and wipes.
   * @param publicKey the peer's 32-byte public key, copied if kept.
   * @throws {OckamError} `vault/unknown-key`; `vault/invalid-key` for a wrong length or an all-zero result (RFC 7748 section 6.1).
   */
  dh(key: DhKey, publicKey: Uint8Array, options?: Cancellable): Promise<Uint8Array>
  /** Forgets the secret for good. False when there was none. */
  deleteDhKey(key: DhKey): Promise<boolean>
}

/** Optional capability of a {@link ChannelVault}. */
export interface PersistentChannelVault {
  /** @param publicKey 32 bytes. */
  findStaticKey(publicKey: Uint8Array): Promise<DhKey | undefined>
}

/**
 * One AEAD key: 32 bytes, tag of 16 bytes behind the ciphertext. The nonce is four zero bytes and the counter as 64 bits: big-endian for AES-GCM,
 * little-endian for ChaCha20-Poly1305 (Noise sections 12.3 and 12.4).
 * Ranges are given by offset so that a hot path makes no views. Calls are synchronous and keep no reference to the arrays.
 */
export interface AeadKey {
  /**
   * Writes `length + 16` bytes to `out` at `outAt`. `out` may be `input` when `outAt === inAt`.
   * @param nonce a safe integer >= 0; reserving it, and never using one twice, is the caller's duty.
   * @throws {OckamError} `vault/invalid-argument` for ranges outside the arrays or a nonce that is not a safe integer.
   */
  sealInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): void
  /**
   * Opens `length` bytes of ciphertext and tag, writes `length - 16` bytes of plaintext. False when the tag does not verify (or `length` < 16);
   * the output range is then zero. `out` may be `input` when `outAt === inAt`.
   */
  openInto(out: Uint8Array, outAt: number, input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): boolean
  /**
   * Noise REKEY (section 4.2): the key made of the first 32 bytes of sealing 32 zero bytes with nonce 2^64-1 and no AAD. The receiver stays usable.
   */
  rekey(): AeadKey
  /** Drops and, where the platform lets it, wipes the key. Using it afterwards throws `vault/unknown-key`. */
  destroy(): void
}

/** One message of a batch: the offsets of {@link AeadKey.sealInto} within one slab. */
export interface AeadJob {
  readonly outAt: number
  readonly inAt: number
  readonly length: number
}

/** Optional capability of an {@link AeadKey}: a run of messages of one slab with consecutive nonces at once. */
export interface BatchAeadKey {
  /** Longest plaintext in bytes that gains from a batch; longer ones are as well done one by one. Absent: all gain. */
  readonly longestInBatch?: number
  sealMany(slab: Uint8Array, jobs: readonly AeadJob[], firstNonce: number): void
  /** A verdict per message; ranges of refused ones are zero. */
  openMany(slab: Uint8Array, jobs: readonly AeadJob[], firstNonce: number): readonly boolean[]
}

/** Optional capability of an {@link AeadKey}: for back ends whose plaintext is memory of its own in any case, so that it need not be copied. */
export interface FreshAeadKey {
  /**
   * Opens as {@link AeadKey.openInto} does, into a fresh array that is no part of larger memory and the caller's alone. Undefined when the tag does
   * not verify, or `length` < 16.
   */
  openFresh(input: Uint8Array, inAt: number, length: number, nonce: number, aad?: Uint8Array): Uint8Array<ArrayBuffer> | undefined
}

export type AeadAlgorithm = 'aes-256-gcm' | 'chacha20-poly1305'

/** Synchronous symmetric primitives. All results are fresh arrays the caller owns. */
export interface Primitives {
  /** 32 bytes. */
  sha256(data: Uint8Array): Uint8Array<ArrayBuffer>
  /** HKDF-SHA256, RFC 5869, extract and expand. @param length bytes wanted, at most 8160. */
  hkdfSha256(salt: Uint8Array, inputKey: Uint8Array, info: Uint8Array, length: number): Uint8Array<ArrayBuffer>
  /** @param key 32 bytes, copied: the caller wipes its own array. */
  aeadKey(key: Uint8Array, algorithm?: AeadAlgorithm): AeadKey
  /** Constant-time comparison of two arrays; arrays of different lengths are unequal. */
  isEqual(a: Uint8Array, b: Uint8Array): boolean
  /**
   * A slab that this back end reaches without copying.
   * @param isOverwritten true promises that every byte is written before any is read or handed on. The slab may then hold anything at first, which saves
   * zeroing a large one; without, it is zeroed.
   */
  allocate(length: number, isOverwritten?: boolean): Uint8Array<ArrayBuffer>
}

/** The four slots of a node. */
export interface Vault {
  readonly signing: SigningVault
  readonly verifying: VerifyingVault
  readonly channel: ChannelVault
  readonly primitives: Primitives
}
