/**
 * The worker at the one address the peer knows: handshake messages first, ciphertexts once the handshake has ended. Handshake messages are taken one
 * at a time; what arrives behind the last of them in one batch is already a ciphertext.
 */

import {
  type BatchWorker,
  type CloseOptions,
  type Context,
  dropPressure,
  type LocalMessage,
  type Pressure,
  type Reachability,
  type Router,
  type WorkerHandle,
} from '@ockam/core'
import type { CiphertextReceiver } from '../channel/ciphertext-receiver.ts'
import { PressureWait } from '../channel/pressure-wait.ts'
import type { ChannelAddresses } from '../channel/services.ts'

/** A handshake under way. `undefined`: go on waiting. Never rejects. */
export type HandshakeReceiver = (message: LocalMessage, context: Context) => Promise<CiphertextReceiver | undefined>

export interface GateOptions {
  readonly router: Router
  readonly addresses: ChannelAddresses
  /** Who may reach the decryptor. */
  readonly from: Reachability
  readonly handshake: HandshakeReceiver
  /** The worker has stopped. */
  onStopped(): void
}

export class Gate implements BatchWorker {
  /** Let go when the handshake has ended: a channel lives long, and what it was opened with should not. */
  #handshake: Pick<GateOptions, 'handshake' | 'onStopped'> | undefined
  readonly #handle: WorkerHandle
  readonly #wait = new PressureWait()
  #receiver: CiphertextReceiver | undefined

  constructor(options: GateOptions) {
    const { router, from, addresses } = options
    this.#handshake = options
    const { decryptorInternal, decryptorRemote } = addresses
    this.#handle = router.startWorker(decryptorInternal, this, { aliases: [decryptorRemote], from, isTransit: true })
  }

  handleBatch(messages: readonly LocalMessage[], context: Context): Pressure {
    if (this.#wait.hasEnded) return undefined
    if (this.#receiver !== undefined) return this.#receiver.open(messages, 0, context)
    return this.#wait.until(this.#shakeHands(messages, context))
  }

  /** Takes nothing more, and waits for no handshake that is still at work. */
  shut(): void {
    this.#wait.end()
  }

  /** Stops the worker when what came before is dealt with, as its handle does; resolves when it has stopped. */
  close(options: CloseOptions): Promise<void> {
    dropPressure(this.#handle.close(options))
    return this.#handle.stopped
  }

  /** Drops what waits and stops the worker. */
  abandon(): void {
    this.shut()
    dropPressure(this.#handle.close())
  }

  stop(): void {
    this.shut()
    this.#handshake?.onStopped()
  }

  async #shakeHands(messages: readonly LocalMessage[], context: Context): Promise<void> {
    for (let at = 0; at < messages.length && !this.#wait.hasEnded; at++) {
      if (this.#receiver !== undefined) return this.#receiver.open(messages, at, context)
      this.#receiver = await this.#handshake?.handshake(messages[at] as LocalMessage, context)
      if (this.#receiver !== undefined) this.#handshake = undefined
    }
  }
}
