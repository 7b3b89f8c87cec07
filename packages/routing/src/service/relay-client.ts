/**
 * The relay client: registers with a relay service (ours, Rust's or Elixir's) over an open route and keeps the worker that messages may come
 * through. Rust's and our relays strip that worker's address, so that messages arrive at this node's other workers directly; Elixir's relays leave
 * it in, and it forwards.
 *
 * What comes through a relay is not the relay's word: over a secure channel to the relay's node, messages lose the relay's identity here, for as
 * long as the channel lives.
 */

import {
  Address,
  type Clock,
  type Context,
  dropPressure,
  LOCAL,
  type LocalMessage,
  NO_LOCAL_INFO,
  type Pressure,
  type RequestOptions,
  type ResolvedRoute,
  Route,
  type Router,
  type Timer,
  type Worker,
} from '@ockam/core'
import { decodeBareString, encodeBareString } from '@ockam/core/bare'
import { checkedTimeout, Deadline } from '../deadline.ts'
import { routingError } from '../error.ts'
import { ANY_NAME, isRelayName } from './relay-name.ts'

export interface RelayClientOptions extends RequestOptions {
  /** The relay is then at `forward_to_<name>` on a Rust node or ours: 1 to 64 of `A-Z a-z 0-9 _ . -`. A random one when left out. */
  readonly name?: string
  /** Address of the relay service. Default `static_forwarding_service` with a name, `forwarding_service` without. */
  readonly service?: string
  /**
   * The registration is sent again so often until it is answered: the name may still belong to a connection that has died, which the relay's node
   * notices later than this one. Default: it is sent once.
   */
  readonly resendMs?: number
}

export interface RelayHandle extends AsyncDisposable {
  /** Address of the relay on the relay's node: `0#forward_to_service`. */
  readonly address: Address
  /** Resolves when the route to the relay's node is gone, or the relay was closed here. */
  readonly closed: Promise<void>
  /** Stops forwarding. The relay's node frees the name when the connection ends. */
  close(): Promise<void>
}

const DEFAULT_TIMEOUT_MS = 30_000

/**
 * @param to an open route to the relay's node; it stays the caller's to close.
 * @throws {OckamError} `routing/timeout` when nothing answers: the name is taken, the registration is not allowed, or there is no relay service;
 * `routing/stopped` when the route ends first; `routing/invalid-argument`. Rejects with `signal.reason` when aborted.
 */
export async function createRelayClient(router: Router, to: ResolvedRoute, options: RelayClientOptions = {}): Promise<RelayHandle> {
  const { name, resendMs } = options
  checkName(name)
  if (resendMs !== undefined) checkedTimeout(resendMs, resendMs)
  checkedTimeout(options.timeoutMs, DEFAULT_TIMEOUT_MS)
  options.signal?.throwIfAborted()
  const service = options.service ?? (name === undefined ? 'forwarding_service' : 'static_forwarding_service')
  const registration = new Registration(name)
  const worker = router.startWorker(undefined, registration, { from: 'local', isTransit: true })
  // Nothing comes through any more once the route is gone: the worker goes with it.
  dropPressure(to.closed.then(() => worker.close()))
  if (to.producer !== undefined) {
    router.flowControls.addConsumer(worker.address, to.producer.flowControlId)
    if (to.producer.kind === 'channel') router.flowControls.withholdIdentity(to.producer)
  }
  let again: Timer | undefined
  const send = (): void => {
    try {
      const message = {
        onwardRoute: to.route.concat(Route.of(Address.local(service))),
        returnRoute: Route.of(worker.address),
        payload: encodeBareString(name ?? ANY_NAME),
      }
      dropPressure(router.context.dispatch(message))
      if (resendMs !== undefined) again = router.services.clock.schedule(resendMs, send)
    } catch (error) {
      registration.fail(error)
    }
  }
  try {
    const answered = registration.answered(router.services.clock, options)
    send()
    const address = await answered
    const close = (): Promise<void> => worker.close()
    return { address, closed: Promise.race([to.closed, worker.stopped]), close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await worker.close()
    throw error
  } finally {
    again?.cancel()
  }
}

/** The worker a registration names as its last hop: takes the service's answer, then forwards for relays that leave it in the route. */
class Registration implements Worker {
  readonly #name: string | undefined
  #settle: { resolve(relay: Address): void; reject(reason: unknown): void } | undefined

  constructor(name: string | undefined) {
    this.#name = name
  }

  /** The first right answer. Called once, before anything is sent. */
  answered(clock: Clock, options: RequestOptions): Promise<Address> {
    return new Promise((resolve, reject) => {
      const deadline = new Deadline(
        clock,
        options,
        DEFAULT_TIMEOUT_MS,
        () => this.fail(noAnswer(this.#name)),
        (reason) => this.fail(reason),
      )
      this.#settle = {
        resolve: (relay) => {
          deadline.cancel()
          resolve(relay)
        },
        reject: (reason) => {
          deadline.cancel()
          reject(reason)
        },
      }
    })
  }

  /** There will be no answer. */
  fail(reason: unknown): void {
    this.#settle?.reject(reason)
    this.#settle = undefined
  }

  handleMessage(message: LocalMessage, context: Context): Pressure {
    const onwardRoute = message.onwardRoute.step()
    if (onwardRoute.isEmpty) {
      this.#takeAnswer(message)
      return undefined
    }
    if (onwardRoute.next?.key === context.address.key) return undefined
    const { returnRoute, payload, origin, forwards, isExclusive } = message
    return context.dispatch({ onwardRoute, returnRoute, payload, localInfo: NO_LOCAL_INFO, origin, forwards: forwards + 1, isExclusive })
  }

  stop(): void {
    this.fail(routingError('routing/stopped', 'The way to the relay was closed before the relay service answered.'))
  }

  /** The relay is where the answer came from: the last hop of its return route, behind the connection it came through. */
  #takeAnswer({ returnRoute, payload }: LocalMessage): void {
    const relay = returnRoute.recipient
    if (relay?.type !== LOCAL || returnRoute.length < 2 || !isAnswerFor(this.#name, payload)) return
    this.#settle?.resolve(relay)
    this.#settle = undefined
  }
}

/** Services answer with the relay's address, with the alias alone, or (Elixir, random names) with what was sent. */
function isAnswerFor(name: string | undefined, payload: Uint8Array): boolean {
  if (name === undefined) return true
  try {
    return decodeBareString(payload).endsWith(name)
  } catch {
    return false
  }
}

function checkName(name: string | undefined): void {
  if (name === undefined || (isRelayName(name) && name !== ANY_NAME)) return
  throw routingError(
    'routing/invalid-argument',
    `"${name}" cannot be the name of a relay: use 1 to 64 letters, digits, or any of _ . - (and not "${ANY_NAME}", which asks for a random name).`,
  )
}

function noAnswer(name: string | undefined): Error {
  return routingError(
    'routing/timeout',
    `The relay service did not answer the registration${name === undefined ? '' : ` of "${name}"`}. It never says why: is the name taken, is registering allowed, is there a relay service at that address?`,
  )
}
