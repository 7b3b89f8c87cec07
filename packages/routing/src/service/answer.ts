/** Answers of the standard services. */

import type { Context, LocalMessage, Pressure } from '@ockam/core'

/** Sends `payload` along the return route, unless that leads nowhere or to a worker of the same name (which would answer in turn, for ever). */
export function answer(message: LocalMessage, payload: Uint8Array, context: Context): Pressure {
  const { returnRoute } = message
  if (returnRoute.isEmpty || returnRoute.recipient?.key === context.address.key) return undefined
  return context.send(returnRoute, payload)
}
