/**
 * A network address translator for one UDP socket behind it, which keeps what passes. Who asks at `inner` asks the rendezvous, and is known to the world as
 * `outer`; what comes to `outer` from elsewhere reaches the socket behind. Two addresses, because a Rust node expects the messages of one address in order.
 */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { hex } from '../../../interop/test/fixture/world.ts'

export class Nat {
  /** Datagrams in hexadecimal: to the rendezvous, from it, and from others to the socket behind. */
  readonly asked: string[] = []
  readonly told: string[] = []
  readonly received: string[] = []
  /** Where what the socket sends back to {@link outer} goes: to the other socket's. */
  other: Nat | undefined
  readonly #inner: Socket
  readonly #outer: Socket
  #inside = 0

  private constructor(inner: Socket, outer: Socket, rendezvous: number) {
    this.#inner = inner
    this.#outer = outer
    inner.on('message', (bytes, { port }) => {
      this.#inside = port
      this.asked.push(hex(bytes))
      outer.send(bytes, rendezvous, '127.0.0.1')
    })
    outer.on('message', (bytes, { port }) => {
      if (port === rendezvous) {
        this.told.push(hex(bytes))
        inner.send(bytes, this.#inside, '127.0.0.1')
      } else if (port === this.#inside) {
        if (this.other !== undefined) outer.send(bytes, this.other.outer, '127.0.0.1')
      } else {
        this.received.push(hex(bytes))
        outer.send(bytes, this.#inside, '127.0.0.1')
      }
    })
  }

  /** @param rendezvous a port. */
  static async of(rendezvous: number): Promise<Nat> {
    const nat = new Nat(await bound(), await bound(), rendezvous)
    open.push(nat)
    return nat
  }

  get inner(): number {
    return this.#inner.address().port
  }

  get outer(): number {
    return this.#outer.address().port
  }

  close(): void {
    this.#inner.close()
    this.#outer.close()
  }
}

const open: Nat[] = []

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  await once(socket.bind(0, '127.0.0.1'), 'listening')
  return socket
}

export function closeNats(): void {
  for (const nat of open.splice(0)) nat.close()
}
