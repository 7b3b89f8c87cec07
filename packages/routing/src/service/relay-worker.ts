/**
 * One relay: forwards everything to where its owner registered from, and nowhere else. Content and return route are passed on untouched; who sent
 * the message, as far as this node knows it, is not: it would be taken for the word of this node by whoever comes next.
 */

import { type Address, dropPressure, type LocalMessage, NO_LOCAL_INFO, type Producer, Route, type Router } from '@ockam/core'

export interface RunningRelay {
  /** Sends a message to the owner from the relay's own address. */
  reply(route: Route, payload: Uint8Array): void
  close(): Promise<void>
}

/**
 * @param registered the return route of the registration. Its last hop, the client's own relay worker, is left out when messages are forwarded, as
 * Rust nodes do. @param onClosed called once.
 */
export function startRelay(router: Router, address: string, registered: Route, producer: Producer, onClosed: () => void): RunningRelay {
  const { flowControls } = router
  const base = registered.withoutRecipient()
  // A stream of messages repeats its route: what it becomes is remembered with it.
  let lastRest: Route = Route.empty
  let lastOnward: Route = base
  let lastSender: Address | undefined
  let isClosed = false

  // From then on both sides write to each other without naming the relay: the owner to the connection the message came through, the sender to the
  // owner's. These rights end with either connection.
  const introduce = ({ origin, returnRoute }: LocalMessage): void => {
    const sender = returnRoute.next
    const owner = base.next
    if (sender === lastSender || origin === undefined || sender === undefined || owner === undefined) return
    lastSender = sender
    if (flowControls.producerAt(sender) !== origin) return
    flowControls.addConsumer(sender, producer.flowControlId)
    flowControls.addConsumer(owner, origin.flowControlId)
  }

  const worker = router.startWorker(
    address,
    (message: LocalMessage, context) => {
      const rest = message.onwardRoute.step()
      if (rest !== lastRest) {
        lastOnward = base.concat(rest)
        lastRest = rest
      }
      introduce(message)
      return context.dispatch({
        onwardRoute: lastOnward,
        returnRoute: message.returnRoute,
        payload: message.payload,
        localInfo: NO_LOCAL_INFO,
        forwards: message.forwards + 1,
        isExclusive: message.isExclusive,
      })
    },
    { from: 'anyone', isTransit: true },
  )

  const close = async (): Promise<void> => {
    if (isClosed) return
    isClosed = true
    callOff()
    onClosed()
    await worker.close()
  }
  const callOff = flowControls.onEnd(producer, () => void close())

  return {
    reply: (route, payload) =>
      dropPressure(router.context.dispatch({ onwardRoute: route, returnRoute: Route.of(worker.address), payload })),
    close,
  }
}
