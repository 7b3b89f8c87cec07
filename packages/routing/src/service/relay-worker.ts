/**
 * One relay: forwards everything to where its owner registered from, and nowhere else. Content and return route are passed on untouched; who sent
 * the message, as far as this node knows it, is not: it would be taken for the word of this node by whoever comes next.
 */

import { dropPressure, type LocalMessage, NO_LOCAL_INFO, type Producer, Route, type Router } from '@ockam/core'

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
  const base = registered.withoutRecipient()
  // A stream of messages repeats its route: what it becomes is remembered with it.
  let lastRest: Route = Route.empty
  let lastOnward: Route = base
  let isClosed = false

  const worker = router.startWorker(
    address,
    (message: LocalMessage, context) => {
      const rest = message.onwardRoute.step()
      if (rest !== lastRest) {
        lastOnward = base.concat(rest)
        lastRest = rest
      }
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
  const callOff = router.flowControls.onEnd(producer, () => void close())

  return {
    reply: (route, payload) =>
      dropPressure(router.context.dispatch({ onwardRoute: route, returnRoute: Route.of(worker.address), payload })),
    close,
  }
}
