/**
 * The relay client: registers with a relay service (ours, Rust's or Elixir's) over an open route and keeps the worker that messages may come
 * through. Rust's and our relays strip that worker's address, so that messages arrive at this node's other workers directly; Elixir's relays leave
 * it in, and it forwards.
 *
 * What comes through a relay is not the relay's word: over a secure channel to the relay's node, messages lose the relay's identity here.
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
  type Worker,
} from '@ockam/core'
import { decodeBareString, encodeBareString } from '@ockam/core/bare'
import { Deadline } from '../deadline.ts'
import { routingError } from '../error.ts'

export interface RelayClientOptions extends RequestOptions {
  /** The alias: the relay is then at `forward_to_<name>` on a Rust node or ours. A random one when left out. */
  readonly name?: string
  /** Address of the relay service. Default `static_forwarding_service` with a name, `forwarding_service` without. */
  readonly service?: string
}

export interface RelayHandle {
  /** Address of the relay on the relay's node: `0#forward_to_service`. */
  readonly address: Address
  /** Resolves when the route to the relay's node is gone, or the relay was closed here. */
  readonly closed: Promise<void>
  /** Stops forwarding. The relay's node frees the name when the connection ends. */
  close(): Promise<void>
}

const ANY_NAME = 'register'
const DEFAULT_TIMEOUT_MS = 30_000

/**
 * @param to an open route to the relay's node; it stays the caller's to close.
 * @throws {OckamError} `routing/timeout` when nothing answers: the name is taken, the registration is not allowed, or there is no relay service.
 */
export async function createRelayClient(router: Router, to: ResolvedRoute, options: RelayClientOptions = {}): Promise<RelayHandle> {
  const { name } = options
  const service = options.service ?? (name === undefined ? 'forwarding_service' : 'static_forwarding_service')
  const registration = new Registration(name)
  const worker = router.startWorker(undefined, registration, { from: 'local', isTransit: true })
  if (to.producer !== undefined) {
    router.flowControls.addConsumer(worker.address, to.producer.flowControlId)
    if (to.producer.kind === 'channel') router.flowControls.withholdIdentity(to.producer)
  }
  try {
    const message = {
      onwardRoute: to.route.concat(Route.of(Address.local(service))),
      returnRoute: Route.of(worker.address),
      payload: encodeBareString(name ?? ANY_NAME),
    }
    dropPressure(router.context.dispatch(message))
    const address = await registration.answered(router.services.clock, options)
    return { address, closed: Promise.race([to.closed, worker.stopped]), close: () => worker.close() }
  } catch (error) {
    await worker.close()
    throw error
  }
}

/** The worker a registration names as its last hop: takes the service's answer, then forwards for relays that leave it in the route. */
class Registration implements Worker {
  readonly #name: string | undefined
  #relay: Address | undefined
  #onAnswer: ((relay: Address) => void) | undefined

  constructor(name: string | undefined) {
    this.#name = name
  }

  handleMessage(message: LocalMessage, context: Context): Pressure {
    const onwardRoute = message.onwardRoute.step()
    if (onwardRoute.isEmpty) {
      this.#takeAnswer(message)
      return undefined
    }
    // Forwarding to itself would go round until the loop counter ends it.
    if (onwardRoute.next?.key === context.address.key) return undefined
    return context.dispatch({ ...message, onwardRoute, localInfo: NO_LOCAL_INFO, forwards: message.forwards + 1 })
  }

  answered(clock: Clock, options: RelayClientOptions): Promise<Address> {
    return new Promise((resolve, reject) => {
      if (this.#relay !== undefined) return resolve(this.#relay)
      const deadline = new Deadline(clock, options, DEFAULT_TIMEOUT_MS, () => reject(noAnswer(this.#name)), reject)
      this.#onAnswer = (relay) => {
        deadline.cancel()
        resolve(relay)
      }
    })
  }

  #takeAnswer(message: LocalMessage): void {
    const relay = message.returnRoute.recipient
    if (this.#relay !== undefined || relay?.type !== LOCAL || !isAnswerFor(this.#name, message.payload)) return
    this.#relay = relay
    this.#onAnswer?.(relay)
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

function noAnswer(name: string | undefined): Error {
  return routingError(
    'routing/timeout',
    `The relay service did not answer the registration${name === undefined ? '' : ` of "${name}"`}. It never says why: is the name taken, is registering allowed, is there a relay service at that address?`,
  )
}
