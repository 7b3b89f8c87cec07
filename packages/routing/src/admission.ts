/**
 * What the rules of this node make of a message, without delivering it: the questions the switchboard asks, in its order, with the rule that says no in
 * words. For people who look for the reason of a silence; the switchboard itself never comes here.
 */
import type { AccessControl, Admission, LocalMessage } from '@ockam/core'
import type { NodeFlowControls } from './flow-control.ts'
import { RoutedMessage } from './routed-message.ts'
import type { RunningWorker } from './running-worker.ts'

/** @param worker who has the address the message is for; undefined when nobody has. */
export async function admissionTo(
  worker: RunningWorker | undefined,
  message: LocalMessage,
  flowControls: NodeFlowControls,
): Promise<Admission> {
  const destination = message.onwardRoute.next
  if (worker === undefined || destination === undefined) return refused('unknown-address', undefined)
  const asReceived = RoutedMessage.from(message, message.payload, message.source)
  asReceived.localInfo = flowControls.infoFrom(message.origin, message.localInfo)
  const { reachability, incoming } = worker
  if (!reachability.allows(asReceived, destination.key)) return refused('not-reachable', reachability.description)
  if (incoming === undefined || (await isAllowed(incoming, asReceived))) return { isAdmitted: true }
  return refused('denied-incoming', incoming.description)
}

/** A control that fails refuses, as it does for messages. */
async function isAllowed(control: AccessControl, message: LocalMessage): Promise<boolean> {
  try {
    return (await control.isAllowed(message)) === true
  } catch {
    return false
  }
}

const refused = (reason: Extract<Admission, { isAdmitted: false }>['reason'], rule: string | undefined): Admission => ({
  isAdmitted: false,
  reason,
  rule,
})
