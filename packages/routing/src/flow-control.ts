/**
 * The flow controls of one router: which addresses are consumers of which flow-control ids. Everything here is local to the node; nothing is ever
 * on the wire.
 *
 * A consumer's right ends with its address. The consumers of an id are forgotten when the last worker or listener that stands for that id stops;
 * with the last worker that stands for a producer, the producer has ended.
 */
import { type Address, type FlowControls, type LocalInfo, NO_LOCAL_INFO, type Producer, type Random, toHex, type Turns } from '@ockam/core'
import { routingError } from './error.ts'

export interface FlowControlServices {
  readonly random: Random
  readonly turns: Turns
  producerAt(address: Address): Producer | undefined
}

export class NodeFlowControls implements FlowControls {
  readonly #services: FlowControlServices
  /** Flow-control id to the keys of its consumers. */
  readonly #consumers = new Map<string, Set<string>>()
  /** Key of an address to the ids it is a consumer of. */
  readonly #idsOf = new Map<string, Set<string>>()
  /** How many workers stand for the producers of an id. */
  readonly #holders = new Map<string, number>()

  /** What is called when a producer ends. */
  readonly #endTasks = new Map<Producer, Set<() => void>>()
  readonly #ended = new WeakSet<Producer>()
  readonly #withheld = new WeakSet<Producer>()
  /** False as long as nothing is withheld, so that most messages need no look-up. */
  #withholds = false

  constructor(services: FlowControlServices) {
    this.#services = services
  }

  createId(): string {
    return toHex(this.#services.random.bytes(16))
  }

  createProducer(kind: Producer['kind'], spawnerId?: string, remoteNetwork?: string): Producer {
    return Object.freeze({ kind, flowControlId: this.createId(), spawnerId, remoteNetwork })
  }

  addConsumer(address: Address, flowControlId: string): void {
    if (typeof flowControlId !== 'string' || flowControlId === '') {
      throw routingError(
        'routing/invalid-argument',
        `A consumer is added to a flow-control id, which is text; got ${typeof flowControlId}.`,
      )
    }
    add(this.#consumers, flowControlId, address.key)
    add(this.#idsOf, address.key, flowControlId)
  }

  removeConsumer(address: Address, flowControlId: string): void {
    remove(this.#consumers, flowControlId, address.key)
    remove(this.#idsOf, address.key, flowControlId)
  }

  isConsumer(address: Address, producer: Producer): boolean {
    return this.hasConsumer(address.key, producer)
  }

  producerAt(address: Address): Producer | undefined {
    return this.#services.producerAt(address)
  }

  onEnd(producer: Producer, task: () => void): () => void {
    let isDue = true
    const once = (): void => {
      if (!isDue) return
      isDue = false
      task()
    }
    if (this.#ended.has(producer)) this.#services.turns.soon(once)
    else {
      const tasks = this.#endTasks.get(producer)
      if (tasks === undefined) this.#endTasks.set(producer, new Set([once]))
      else tasks.add(once)
    }
    return () => {
      isDue = false
      const tasks = this.#endTasks.get(producer)
      if (tasks?.delete(once) === true && tasks.size === 0) this.#endTasks.delete(producer)
    }
  }

  withholdIdentity(producer: Producer): void {
    this.#withheld.add(producer)
    this.#withholds = true
  }

  /** @internal The local info a message of that origin may carry. */
  infoFrom(origin: Producer | undefined, localInfo: readonly LocalInfo[]): readonly LocalInfo[] {
    if (!this.#withholds || origin === undefined || localInfo.length === 0 || !this.#withheld.has(origin)) return localInfo
    const kept = localInfo.filter(({ kind }) => kind !== 'channel-peer')
    return kept.length === 0 ? NO_LOCAL_INFO : kept
  }

  /** @internal {@link isConsumer} by the key of an address. */
  hasConsumer(key: string, producer: Producer): boolean {
    if (this.#consumers.size === 0) return false
    if (this.#consumers.get(producer.flowControlId)?.has(key) === true) return true
    return producer.spawnerId !== undefined && this.#consumers.get(producer.spawnerId)?.has(key) === true
  }

  /** @internal The address stopped: it is a consumer of nothing any more. */
  forgetAddress(address: Address): void {
    const ids = this.#idsOf.get(address.key)
    if (ids === undefined) return
    this.#idsOf.delete(address.key)
    for (const id of ids) remove(this.#consumers, id, address.key)
  }

  /** @internal A worker, or a listener, stands for that id from now on. */
  hold(flowControlId: string): void {
    this.#holders.set(flowControlId, (this.#holders.get(flowControlId) ?? 0) + 1)
  }

  /** @internal A worker or listener that stood for that id is gone; with the last one go the id's consumers. */
  release(flowControlId: string): void {
    const left = (this.#holders.get(flowControlId) ?? 1) - 1
    if (left > 0) {
      this.#holders.set(flowControlId, left)
      return
    }
    this.#holders.delete(flowControlId)
    const keys = this.#consumers.get(flowControlId)
    if (keys === undefined) return
    this.#consumers.delete(flowControlId)
    for (const key of keys) remove(this.#idsOf, key, flowControlId)
  }

  /** @internal One more worker stands for the producer. */
  holdProducer(producer: Producer): void {
    this.hold(producer.flowControlId)
  }

  /** @internal A worker that stood for the producer is gone; with the last one the producer has ended. */
  releaseProducer(producer: Producer): void {
    this.release(producer.flowControlId)
    if (this.#holders.has(producer.flowControlId)) return
    this.#ended.add(producer)
    const tasks = this.#endTasks.get(producer)
    this.#endTasks.delete(producer)
    for (const task of tasks ?? []) this.#services.turns.soon(task)
  }

  /** @internal How many rights there are: what tests of clean-up look at. */
  get consumerCount(): number {
    let count = 0
    for (const keys of this.#consumers.values()) count += keys.size
    return count
  }
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, new Set([value]))
  else values.add(value)
}

function remove(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key)
  if (values === undefined) return
  values.delete(value)
  if (values.size === 0) map.delete(key)
}
