/**
 * The probes that a node's `echo` service has received lately. A trace sends messages to `echo` that nobody else sends; the node they reached then
 * knows from where it was reached, and as whom, and can say what its rules would make of other messages that come the same way.
 *
 * Bounded: whoever reaches the service can send such messages too, which pushes out those of others and does nothing else.
 */

import { randomBytes } from 'node:crypto'
import type { AccessControl, LocalMessage } from '@ockam/core'

const MARK = Buffer.from('ockam')
const ID_BYTES = 16
const MAX_PROBES = 256
const NOTHING = new Uint8Array(0)

/** What a trace sends: a mark, and an id of this probe alone, in hexadecimal digits. */
export interface Probe {
  readonly id: string
  readonly payload: Uint8Array
}

export function newProbe(): Probe {
  const id = randomBytes(ID_BYTES)
  return { id: id.toString('hex'), payload: new Uint8Array(Buffer.concat([MARK, id])) }
}

/** Stands in front of `echo` as its access control, and lets everyone in. */
export class ProbeLog implements AccessControl {
  readonly description = 'anyone'
  readonly #received = new Map<string, LocalMessage>()

  isAllowed(message: LocalMessage): boolean {
    const { payload } = message
    if (payload.length === MARK.length + ID_BYTES && MARK.every((byte, at) => payload[at] === byte)) this.#remember(message)
    return true
  }

  /** The probe as it arrived, without its payload; undefined when it did not come here, or so many came since. */
  find(id: string): LocalMessage | undefined {
    return this.#received.get(id)
  }

  #remember({ payload, onwardRoute, returnRoute, localInfo, source, origin, forwards }: LocalMessage): void {
    const id = Buffer.from(payload.subarray(MARK.length)).toString('hex')
    if (this.#received.has(id)) return
    const [oldest] = this.#received.keys()
    if (this.#received.size === MAX_PROBES && oldest !== undefined) this.#received.delete(oldest)
    this.#received.set(id, { payload: NOTHING, onwardRoute, returnRoute, localInfo, source, origin, forwards, isExclusive: false })
  }
}
