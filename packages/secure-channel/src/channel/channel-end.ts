/**
 * How a channel ends, once, whoever ends it: the encryptor sends what waits and says goodbye, stragglers are still taken after the peer's goodbye,
 * then the workers stop and the keys are destroyed.
 *
 * Each step may wait for somebody: the encryptor for a peer that reads, the decryptor for workers of this node. {@link force} ends all of that.
 * A channel ended by force says no goodbye unless all it accepted was sent: the peer must not take a part for the whole.
 */

import { type Clock, type CloseOptions, dropPressure, type Diagnostics, type OckamError, type WorkerHandle } from '@ockam/core'
import { closeWithin } from '../close-within.ts'
import type { SecureChannelErrorCode } from '../error.ts'
import type { Gate } from '../handshake/gate.ts'
import type { CiphertextReceiver } from './ciphertext-receiver.ts'
import type { Encryptor } from './encryptor.ts'
import type { ChannelClosed, ChannelClosedReason } from './secure-channel.ts'

/** How long messages sent before the peer's Close that have not come, because another way delays them, are still taken. */
const LINGER_MS = 1_000
/** How long the encryptor of a channel that nobody closes here, but that ends, may wait for its route. */
const DRAIN_MS = 5_000
/** How long workers that nothing holds any more may take to stop. */
const STOP_MS = 100

export interface ChannelEndOptions {
  readonly clock: Clock
  readonly diagnostics: Diagnostics
  /** For diagnostics. */
  readonly peer: string
  /** False for a channel that only exchanged keys: it has no Close. */
  readonly hasClose: boolean
  readonly encryptor: Encryptor
  readonly encryptorHandle: WorkerHandle
  readonly apiHandles: readonly WorkerHandle[]
  readonly receiver: CiphertextReceiver
  readonly gate: Gate
  /** Called once, when the end begins. */
  onEnding(): void
  /** Called once, when all workers are gone. */
  onEnded(): void
}

export class ChannelEnd {
  readonly closed: Promise<ChannelClosed>
  readonly #options: ChannelEndOptions
  #resolveClosed: (closed: ChannelClosed) => void = () => undefined
  #ending: Promise<void> | undefined
  #outcome: ChannelClosed = { reason: 'local' }
  #lingers = false
  #isForced = false
  #stopLingering: () => void = () => undefined

  constructor(options: ChannelEndOptions) {
    this.#options = options
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    // Whoever stops the worker, the router on shutdown for one, ends the channel.
    dropPressure(options.encryptorHandle.stopped.then(() => this.begin('local')))
  }

  get hasBegun(): boolean {
    return this.#ending !== undefined
  }

  /**
   * Ends the channel; only the first reason counts. Never rejects.
   * @param isAnyMissing whether messages that were sent before the peer's Close may still come.
   */
  begin(reason: ChannelClosedReason, error?: OckamError<SecureChannelErrorCode>, isAnyMissing = false): Promise<void> {
    if (this.#ending === undefined) {
      this.#lingers = isAnyMissing
      this.#outcome = error === undefined ? { reason } : { reason, error }
      this.#ending = this.#shutDown(this.#outcome)
    }
    return this.#ending
  }

  /** Ends the channel from here, by force when it takes too long. */
  async close(options: CloseOptions): Promise<void> {
    const close = (): Promise<void> => {
      this.#lingers = false
      this.#stopLingering()
      return this.begin('local')
    }
    await closeWithin(this.#options.clock, options, close, () => this.#force())
  }

  async #shutDown({ reason, error }: ChannelClosed): Promise<void> {
    const { diagnostics, encryptor, encryptorHandle, receiver, gate, apiHandles, peer, hasClose } = this.#options
    this.#options.onEnding()
    if (reason === 'peer' || reason === 'cut' || !hasClose) encryptor.endSilently()
    dropPressure(encryptorHandle.close({ timeoutMs: reason === 'local' ? Number.POSITIVE_INFINITY : DRAIN_MS }))
    // Who was told goodbye, or notices that nobody will say it, does not wait for the worker.
    if (reason !== 'local') this.#resolveClosed(this.#outcome)
    // Not what closing returns: that does not wait within the worker's own handler.
    await encryptorHandle.stopped
    this.#resolveClosed(this.#outcome)
    if (this.#lingers) await this.#linger()
    // However long it takes, unless somebody closes the channel: workers of this node get what had come in by then.
    const timeoutMs = Number.POSITIVE_INFINITY
    for (const handle of apiHandles) dropPressure(handle.close({ timeoutMs }))
    await Promise.all([gate.close({ timeoutMs }), ...apiHandles.map((handle) => handle.stopped)])
    encryptor.destroy()
    receiver.destroy()
    diagnostics.event('secure-channel/closed', { peer, reason, code: error?.code, isForced: this.#isForced })
    this.#options.onEnded()
  }

  /** Destroys the keys and ends everything that is waited for; the workers have nothing left but to stop. */
  #force(): void {
    const { encryptor, encryptorHandle, receiver, gate, apiHandles } = this.#options
    this.#isForced = true
    encryptor.destroy()
    receiver.destroy()
    gate.shut()
    for (const worker of [encryptorHandle, gate, ...apiHandles]) dropPressure(worker.close({ timeoutMs: STOP_MS }))
  }

  #linger(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.schedule(LINGER_MS, resolve)
      // By way of a variable: docs/decisions/0025.
      const stop = (): void => {
        timer.cancel()
        resolve()
      }
      this.#stopLingering = stop
    })
  }
}
