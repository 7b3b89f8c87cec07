/**
 * The listeners of a node as spawners: each has a flow-control id, under which the connections it accepts are known. The id lives as long as the
 * listener or any connection it accepted.
 */
import type { ListenerHandle, TransportListener } from '@ockam/core'
import type { NodeFlowControls } from './flow-control.ts'

export class ListenerSet {
  readonly #flowControls: NodeFlowControls
  readonly #ids = new Map<TransportListener, string>()

  constructor(flowControls: NodeFlowControls) {
    this.#flowControls = flowControls
  }

  /** The id of a listener, which may accept a connection before its `listen` has resolved. */
  idOf(listener: TransportListener): string {
    const known = this.#ids.get(listener)
    if (known !== undefined) return known
    const id = this.#flowControls.createId()
    this.#ids.set(listener, id)
    this.#flowControls.hold(id)
    const end = (): void => {
      if (this.#ids.delete(listener)) this.#flowControls.release(id)
    }
    listener.closed.then(end, end)
    return id
  }

  handle(listener: TransportListener): ListenerHandle {
    const flowControlId = this.idOf(listener)
    const close = (): Promise<void> => listener.close()
    return { address: listener.address, flowControlId, close, [Symbol.asyncDispose]: close }
  }

  /** Stops listening everywhere. Connections live on. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#ids.keys()].map((listener) => listener.close()))
  }
}
