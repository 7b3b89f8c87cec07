/**
 * An attacker who owns the network between two nodes: sees everything that crosses, and drops, holds back, repeats, reorders, reflects, changes and
 * splices it. What it cannot do is break the cryptography, which is the real one.
 */

import { type Address, Route, type TransportMessage } from '@ockam/core'
import type { MemoryNetwork } from '@ockam/transport-memory'

interface Captured {
  readonly from: string
  readonly message: TransportMessage
  inject(message: TransportMessage, toward?: 'receiver' | 'sender'): void
}

/** What happens to the next messages of one sender. */
export type Plan = 'pass' | 'drop' | 'hold' | 'duplicate' | 'flip'

export class ManInTheMiddle {
  /** Copies of everything that was sent, in order. */
  readonly captured: Captured[] = []
  readonly #held: Captured[] = []
  readonly #untap: () => void
  #plan: Plan = 'pass'
  #victim: string | undefined
  #flipAt = 0

  constructor(network: MemoryNetwork) {
    this.#untap = network.tap(({ from, message, inject }) => {
      const copy = { from, message: copyOf(message), inject }
      this.captured.push(copy)
      if (this.#victim !== undefined && from !== this.#victim) return undefined
      return this.#treat(copy, message)
    })
  }

  /** @param victim whose messages; everybody's when left out. @param flipAt which byte `flip` changes, modulo the length. */
  plan(plan: Plan, victim?: string, flipAt = 0): void {
    this.#plan = plan
    this.#victim = victim
    this.#flipAt = flipAt
  }

  /** How many messages are held back. */
  get held(): number {
    return this.#held.length
  }

  /** Lets messages held back go, in an order of the attacker's choice. @param order numbers by which they are sorted. */
  release(order: readonly number[] = []): void {
    const waiting = this.#held.splice(0).map((captured, i) => ({ captured, at: order[i] ?? i }))
    for (const { captured } of waiting.sort((a, b) => a.at - b.at)) captured.inject(copyOf(captured.message))
  }

  /** Delivers a captured message, or another payload in its place. */
  deliver(index: number, payload?: Uint8Array<ArrayBuffer>): void {
    const captured = this.captured[index]
    captured?.inject(payload === undefined ? copyOf(captured.message) : { ...captured.message, payload })
  }

  /** Delivers a captured message again. */
  replay(index: number): void {
    const captured = this.captured[index % this.captured.length]
    captured?.inject(copyOf(captured.message))
  }

  /** Sends a captured message back to who sent it, addressed to `target`. */
  reflect(index: number, target: Address): void {
    const captured = this.captured[index % this.captured.length]
    captured?.inject({ ...copyOf(captured.message), onwardRoute: Route.of(target) }, 'sender')
  }

  /** Delivers the payload of a captured message, or what was made of it, to another address of the same receiver. */
  splice(index: number, target: Address, payload?: Uint8Array<ArrayBuffer>): void {
    const captured = this.captured[index % this.captured.length]
    const copy = captured && copyOf(captured.message)
    captured?.inject({
      ...(copy as TransportMessage),
      payload: payload ?? (copy as TransportMessage).payload,
      onwardRoute: Route.of(target),
    })
  }

  /** Delivers invented bytes where the last message of `victim` went. */
  invent(victim: string, payload: Uint8Array<ArrayBuffer>): void {
    const last = this.captured.findLast(({ from }) => from === victim)
    last?.inject({ ...copyOf(last.message), payload })
  }

  stop(): void {
    this.#untap()
  }

  #treat(copy: Captured, message: TransportMessage): readonly TransportMessage[] | undefined {
    if (this.#plan === 'drop') return []
    if (this.#plan === 'duplicate') return [message, copyOf(message)]
    if (this.#plan === 'flip') return [flipped(message, this.#flipAt)]
    if (this.#plan !== 'hold') return undefined
    this.#held.push(copy)
    return []
  }
}

function copyOf(message: TransportMessage): TransportMessage {
  return { ...message, payload: message.payload.slice() }
}

function flipped(message: TransportMessage, at: number): TransportMessage {
  const payload = message.payload.slice()
  if (payload.length > 0) payload[at % payload.length] = (payload[at % payload.length] as number) ^ (1 << (at & 7))
  return { ...message, payload }
}
