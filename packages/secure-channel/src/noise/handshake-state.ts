/**
 * HandshakeState: runs the tokens of a message pattern. Noise revision 34, section 5.3. It is used through the types of `handshake.ts`, which say
 * what may be done in which state; the checks here are for callers without types.
 *
 * Refused beyond what Noise asks for: a peer's key equal to our ephemeral one, which is our own message coming back. Equal static keys on both
 * sides are legal, because two nodes may share an identity.
 */

import { type Cancellable, type DhKey, OckamError } from '@ockam/core'
import { channelError } from '../error.ts'
import type { HandshakeOptions, Role, TransportKeys } from './handshake.ts'
import { KEY_LENGTH, MAX_NOISE_MESSAGE, type Pattern, TAG_LENGTH, type Token } from './protocol.ts'
import { SymmetricState } from './symmetric-state.ts'

/** The keys a side knows; each step adds to a copy. */
interface Keys {
  readonly ephemeral: DhKey | undefined
  readonly remoteEphemeral: Uint8Array | undefined
  readonly remoteStatic: Uint8Array | undefined
}

export class HandshakeState {
  readonly #role: Role
  readonly #options: HandshakeOptions<Pattern>
  readonly #symmetric: SymmetricState
  readonly #keys: Keys
  /** Index of the next message. */
  readonly #turn: number
  #isForgotten = false

  private constructor(role: Role, options: HandshakeOptions<Pattern>, symmetric: SymmetricState, keys: Keys, turn: number) {
    this.#role = role
    this.#options = options
    this.#symmetric = symmetric
    this.#keys = keys
    this.#turn = turn
  }

  static start(role: Role, options: HandshakeOptions<Pattern>): HandshakeState {
    checkedKey(options.staticKey)
    const { primitives, protocol, prologue = new Uint8Array(0) } = options
    if (!(prologue instanceof Uint8Array))
      throw channelError('secure-channel/invalid-argument', 'The prologue of a handshake is a Uint8Array.')
    const symmetric = SymmetricState.initialize(primitives, protocol.cipher, protocol.name, prologue)
    return new HandshakeState(role, options, symmetric, { ephemeral: undefined, remoteEphemeral: undefined, remoteStatic: undefined }, 0)
  }

  get remoteStaticKey(): Uint8Array<ArrayBuffer> | undefined {
    return this.#keys.remoteStatic === undefined ? undefined : new Uint8Array(this.#keys.remoteStatic)
  }

  get handshakeHash(): Uint8Array<ArrayBuffer> {
    return this.#symmetric.handshakeHash
  }

  async write(payload: Uint8Array, options: Cancellable = {}): Promise<{ message: Uint8Array<ArrayBuffer>; next: HandshakeState }> {
    const tokens = this.#tokens(true)
    const symmetric = this.#symmetric.clone()
    const parts: Uint8Array[] = []
    let keys = this.#keys
    try {
      for (const token of tokens) {
        if (token === 'e') {
          keys = { ...keys, ephemeral: checkedKey(await fromVault(this.#options.vault.generateEphemeralKey(options), options)) }
          parts.push((keys.ephemeral as DhKey).publicKey)
          symmetric.mixHash((keys.ephemeral as DhKey).publicKey)
        } else if (token === 's') parts.push(symmetric.encryptAndHash(this.#options.staticKey.publicKey))
        else await this.#mixDh(symmetric, token, keys, options)
      }
      parts.push(symmetric.encryptAndHash(payload))
      const message = join(parts)
      if (message.length > MAX_NOISE_MESSAGE) {
        throw channelError(
          'secure-channel/payload-too-large',
          `A handshake message would have ${message.length} bytes; ${MAX_NOISE_MESSAGE} are possible. Present fewer or smaller credentials.`,
        )
      }
      return { message, next: this.#next(symmetric, keys) }
    } catch (error) {
      symmetric.wipe()
      if (keys.ephemeral !== undefined && keys.ephemeral !== this.#keys.ephemeral) await this.#deleteKey(keys.ephemeral)
      throw error
    }
  }

  async read(message: Uint8Array, options: Cancellable = {}): Promise<{ payload: Uint8Array; next: HandshakeState }> {
    const tokens = this.#tokens(false)
    if (message.length > MAX_NOISE_MESSAGE) throw invalid(`it has ${message.length} bytes, more than a Noise message may have`)
    const symmetric = this.#symmetric.clone()
    let keys = this.#keys
    let at = 0
    const take = (length: number): Uint8Array => {
      if (message.length - at < length) throw invalid('it is too short')
      at += length
      return message.subarray(at - length, at)
    }
    try {
      for (const token of tokens) {
        if (token === 'e') {
          const remoteEphemeral = take(KEY_LENGTH).slice()
          this.#refuseReflection(remoteEphemeral)
          keys = { ...keys, remoteEphemeral }
          symmetric.mixHash(remoteEphemeral)
        } else if (token === 's') {
          const remoteStatic = symmetric.decryptAndHash(take(symmetric.hasKey ? KEY_LENGTH + TAG_LENGTH : KEY_LENGTH))
          this.#refuseReflection(remoteStatic)
          keys = { ...keys, remoteStatic }
        } else await this.#mixDh(symmetric, token, keys, options)
      }
      const payload = symmetric.decryptAndHash(message.subarray(at))
      return { payload, next: this.#next(symmetric, keys) }
    } catch (error) {
      symmetric.wipe()
      throw error
    }
  }

  split(): TransportKeys {
    if (this.#isForgotten || this.#turn !== this.#options.protocol.pattern.length) throw wrongStep()
    const output = this.#symmetric.split()
    const first = output.slice(0, KEY_LENGTH)
    const second = output.slice(KEY_LENGTH)
    output.fill(0)
    this.forget()
    const isFirst = (this.#role === 'initiator') === (this.#options.protocol.initiatorKey === 'first')
    return isFirst ? { sendingKey: first, receivingKey: second } : { sendingKey: second, receivingKey: first }
  }

  forget(): void {
    this.#isForgotten = true
    this.#symmetric.wipe()
  }

  async dispose(): Promise<void> {
    this.forget()
    if (this.#keys.ephemeral !== undefined) await this.#deleteKey(this.#keys.ephemeral)
  }

  #tokens(isWriting: boolean): readonly Token[] {
    const tokens = this.#options.protocol.pattern[this.#turn]
    const isOurs = (this.#turn % 2 === 0) === (this.#role === 'initiator')
    if (this.#isForgotten || tokens === undefined || isOurs !== isWriting) throw wrongStep()
    return tokens
  }

  #next(symmetric: SymmetricState, keys: Keys): HandshakeState {
    return new HandshakeState(this.#role, this.#options, symmetric, keys, this.#turn + 1)
  }

  /** The first letter of a token is the initiator's key, the second the responder's. */
  async #mixDh(symmetric: SymmetricState, token: Token, keys: Keys, options: Cancellable): Promise<void> {
    const isInitiator = this.#role === 'initiator'
    const own = token.charAt(isInitiator ? 0 : 1) === 'e' ? keys.ephemeral : this.#options.staticKey
    const remote = token.charAt(isInitiator ? 1 : 0) === 'e' ? keys.remoteEphemeral : keys.remoteStatic
    if (own === undefined || remote === undefined)
      throw channelError('secure-channel/invalid-argument', `The pattern uses "${token}" before its keys.`)
    const secret = await fromVault(this.#options.vault.dh(own, remote, options), options)
    if (!(secret instanceof Uint8Array) || secret.length !== KEY_LENGTH) {
      throw channelError(
        'secure-channel/vault-failed',
        'The vault was asked for an X25519 shared secret and gave something that has not 32 bytes.',
      )
    }
    symmetric.mixKey(secret)
    secret.fill(0)
  }

  #refuseReflection(key: Uint8Array): void {
    const own = this.#keys.ephemeral?.publicKey
    if (own !== undefined && this.#options.primitives.isEqual(own, key)) {
      throw channelError('secure-channel/reflected', 'A handshake message of our own came back; it was dropped.')
    }
  }

  async #deleteKey(key: DhKey): Promise<void> {
    try {
      await this.#options.vault.deleteDhKey(key)
    } catch {
      // The key is gone with its vault, or never was there: either way nothing can be done with it here.
    }
  }
}

/** A peer's key that X25519 refuses makes the message invalid; everything else that goes wrong is the vault's. */
async function fromVault<T>(answer: Promise<T>, { signal }: Cancellable): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    if (OckamError.is(error, 'vault/invalid-key')) throw invalid('a public key in it is not acceptable', error)
    throw channelError('secure-channel/vault-failed', 'The vault that holds the keys of a secure channel failed during a handshake.', error)
  }
}

function checkedKey(key: DhKey): DhKey {
  if (key?.publicKey instanceof Uint8Array && key.publicKey.length === KEY_LENGTH) return key
  throw channelError('secure-channel/vault-failed', 'The vault gave an X25519 key whose public key has not 32 bytes.')
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    message.set(part, at)
    at += part.length
  }
  return message
}

function invalid(problem: string, cause?: unknown): OckamError {
  return channelError('secure-channel/invalid-handshake', `A handshake message was dropped: ${problem}.`, cause)
}

function wrongStep(): OckamError {
  return channelError('secure-channel/wrong-step', 'This is not the next step of the handshake, or the handshake was given up.')
}
