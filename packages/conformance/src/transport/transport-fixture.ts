/**
 * What the checks of transports start from: two nodes that only record, the transport under test on each, and messages to send.
 */

import {
  type Connection,
  MultiAddr,
  mergeMultiAddrProtocols,
  multiAddrProtocols,
  Route,
  systemClock,
  type Transport,
  type TransportFactory,
  type TransportListener,
  type TransportMessage,
} from '@ockam/core'
import { expectThat } from './assertion.ts'
import { RecordingServices } from './recording-services.ts'

/** Not the usual number, so that a limit a transport has of its own shows. */
export const MAX_ADDRESSES: number = 60

export interface TransportConformanceOptions {
  /** The plug-in; a function when every check needs a fresh one. */
  readonly factory: TransportFactory | (() => TransportFactory)
  /** Where checks listen. Must be free every time: `/ip4/127.0.0.1/tcp/0`, or a function that makes up a new address for each call. */
  readonly listenAt: string | (() => string)
  /** The largest payload that must arrive. Default 1 MiB. */
  readonly maxPayloadBytes?: number
  /** A payload of this size must be refused. Default 16 MiB + 1. */
  readonly tooLargeBytes?: number
  /** An address where nobody answers, neither yes nor no. Given: the check of connect's timeout runs too. */
  readonly silentAddress?: () => string | Promise<string>
  /** How long a check waits for what must happen. Default 10 000. */
  readonly timeoutMs?: number
  /** How long a check watches for what must not happen. Default 50. */
  readonly quietMs?: number
}

/** One node with the transport under test. */
export interface Side {
  readonly services: RecordingServices
  readonly transport: Transport
}

/** Two nodes and a connection between them. */
export interface Pair {
  readonly server: Side
  readonly client: Side
  readonly listener: TransportListener
  /** The connection as the client has it. */
  readonly dialled: Connection
  /** The same connection as the server has it. */
  readonly accepted: Connection
}

export class TransportFixture {
  readonly options: TransportConformanceOptions
  readonly timeoutMs: number
  readonly quietMs: number
  readonly maxPayloadBytes: number

  constructor(options: TransportConformanceOptions) {
    this.options = options
    this.timeoutMs = options.timeoutMs ?? 10_000
    this.quietMs = options.quietMs ?? 50
    this.maxPayloadBytes = options.maxPayloadBytes ?? 1024 * 1024
  }

  /** Runs `check` with two nodes, and closes their transports whatever happens. */
  async withSides(check: (server: Side, client: Side) => Promise<void>): Promise<void> {
    const { factory } = this.options
    const plugIn = typeof factory === 'function' ? factory() : factory
    const sides = [0, 1].map(() => {
      const services = new RecordingServices(systemClock, MAX_ADDRESSES)
      return { services, transport: plugIn.create(services) }
    }) as [Side, Side]
    const close = (): Promise<unknown> => this.within(Promise.all(sides.map((side) => side.transport.close())), 'closing the transports')
    try {
      await check(...sides)
    } catch (error) {
      // What the check found matters more than what closing may find.
      await close().catch(() => undefined)
      throw error
    }
    await close()
  }

  /** Runs `check` with two connected nodes. `prepare` may change what they answer before they connect. */
  async withPair(check: (pair: Pair) => Promise<void>, prepare?: (server: Side, client: Side) => void): Promise<void> {
    await this.withSides(async (server, client) => {
      prepare?.(server, client)
      const listener = await this.listen(server)
      await check(await this.connect(server, client, listener))
    })
  }

  async listen(side: Side): Promise<TransportListener> {
    const { listenAt } = this.options
    const address = this.address(typeof listenAt === 'function' ? listenAt() : listenAt)
    return this.within(side.transport.listen(address), `listening on ${address}`)
  }

  async connect(server: Side, client: Side, listener: TransportListener): Promise<Pair> {
    const before = server.services.acceptances.length
    const dialled = await this.within(client.transport.connect(listener.address), `connecting to ${listener.address}`)
    await this.until(() => server.services.acceptances.length > before, 'the listener accepts the connection')
    const { connection: accepted } = server.services.acceptances[before] as { connection: Connection }
    return { server, client, listener, dialled, accepted }
  }

  address(text: string): MultiAddr {
    const { factory } = this.options
    const { protocols } = typeof factory === 'function' ? factory() : factory
    return MultiAddr.parse(text, mergeMultiAddrProtocols(multiAddrProtocols, protocols))
  }

  /** Waits until `condition` holds. @throws {Error} saying `what` did not happen. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + this.timeoutMs
    while (!condition()) {
      expectThat(performance.now() < deadline, `Within ${this.timeoutMs} ms this did not happen: ${what}.`)
      await pause(1)
    }
  }

  /** Waits for a promise. @throws {Error} when it takes too long, and what it rejects with. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    // Both are raced, so that a rejection is seen here and nowhere else.
    return Promise.race([settled, this.until(() => isSettled, `${what} comes to an end`).then(() => settled)])
  }

  /** Gives what must not happen the time to happen. */
  async quiet(): Promise<void> {
    await pause(this.quietMs)
  }
}

/** A message number `index` whose payload has `length` bytes that no other message of the check has at the same place. */
export function numberedMessage(index: number, length: number): TransportMessage {
  return { onwardRoute: ONWARD, returnRoute: RETURN, payload: numberedPayload(index, length) }
}

/** Sends messages 0, 1, 2, … as a node does: waits when told to. */
export async function sendNumbered(connection: Connection, count: number, lengthOf: (index: number) => number): Promise<void> {
  for (let index = 0; index < count; index++) await connection.send(numberedMessage(index, lengthOf(index)))
}

/** Four bytes of number, as far as they fit, then a pattern that depends on it. */
export function numberedPayload(index: number, length: number): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(length)
  for (let at = 0; at < length; at++) payload[at] = at < 4 ? index >>> (8 * at) : Math.imul(index + 1, 31) + at * 7
  return payload
}

/** @throws {Error} unless the deliveries are messages `first`, `first + 1`, … of the lengths that `lengthOf` says. */
export function expectNumbered(messages: readonly TransportMessage[], count: number, lengthOf: (index: number) => number, first = 0): void {
  for (const [at, message] of messages.entries()) {
    const index = first + at
    const expected = numberedPayload(index, lengthOf(index))
    expectThat(isEqual(message.payload, expected), `Message ${index} did not arrive as it was sent, or not in its place.`)
  }
  expectThat(messages.length === count, `${count} messages were sent, ${messages.length} arrived.`)
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A promise with its resolve beside it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })
}

const ONWARD = Route.of('receiver', 'inner')
const RETURN = Route.of('sender')
