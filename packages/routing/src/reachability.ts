/**
 * Who may reach a worker: the rules of `WorkerOptions.from`, as one question per message.
 *
 * | `from` | the node's own workers | any producer | explicit consumer of the producer |
 * |---|---|---|---|
 * | `channels` (default) | no: they have no channel identity | channels that a listener accepted, with the peer's identity | with the peer's identity |
 * | `local` | yes | no | yes |
 * | `anyone` | yes | yes | yes |
 * | a list of listeners | yes | what those listeners accepted | yes |
 */
import { type LocalMessage, peerOf, type Reachability as ReachabilityOption } from '@ockam/core'
import { routingError } from './error.ts'
import type { NodeFlowControls } from './flow-control.ts'

const CHANNELS = 0
const LOCAL_ONLY = 1
const ANYONE = 2
const SPAWNERS = 3

/** For people, by kind. */
const DESCRIPTIONS = [
  'only what comes through secure channels, from a peer with an identity',
  'only workers of its own node',
  'anyone',
  'only what comes through certain listeners',
] as const

export class Reachability {
  /** Whether it lets everything in. Whoever routes looks here first: a call for each message costs more than all else that is checked. */
  readonly isForAnyone: boolean
  readonly #flowControls: NodeFlowControls
  readonly #kind: number
  readonly #spawnerIds: ReadonlySet<string>

  /** @throws {OckamError} `routing/invalid-argument` */
  constructor(from: ReachabilityOption, flowControls: NodeFlowControls) {
    this.isForAnyone = from === 'anyone'
    this.#flowControls = flowControls
    this.#spawnerIds = new Set(Array.isArray(from) ? from.map((spawner: { flowControlId: string }) => spawner.flowControlId) : [])
    if (from === 'channels') this.#kind = CHANNELS
    else if (from === 'local') this.#kind = LOCAL_ONLY
    else if (from === 'anyone') this.#kind = ANYONE
    else if (Array.isArray(from)) this.#kind = SPAWNERS
    else {
      throw routingError(
        'routing/invalid-argument',
        `"from" says who may reach a worker: 'channels', 'local', 'anyone' or a list of listeners; got ${typeof from}.`,
      )
    }
  }

  /** For people: whom it lets in. */
  get description(): string {
    return DESCRIPTIONS[this.#kind] ?? ''
  }

  /** Whether the message may reach the address it is sent to. */
  allows(message: LocalMessage, key: string): boolean {
    const origin = message.origin
    if (this.#kind === CHANNELS) {
      if (origin === undefined || peerOf(message) === undefined) return false
      return (origin.kind === 'channel' && origin.spawnerId !== undefined) || this.#flowControls.hasConsumer(key, origin)
    }
    if (origin === undefined || this.isForAnyone) return true
    if (this.#kind === SPAWNERS && origin.spawnerId !== undefined && this.#spawnerIds.has(origin.spawnerId)) return true
    return this.#flowControls.hasConsumer(key, origin)
  }
}
