/** A transport that shows what arrives before the node gets it: all that whoever runs a relay can know. */

import type { TransportFactory, TransportMessage } from '@ockam/core'

/** @param show gets the routes as text, the length of the payload, and its first bytes in hexadecimal. */
export function observed(
  factory: TransportFactory,
  show: (onward: string, back: string, bytes: number, start: string) => void,
): TransportFactory {
  return {
    ...factory,
    create: (services) =>
      factory.create({
        ...services,
        accepted: (listener, connection) => services.accepted(listener, connection),
        deliver(connection, message, isExclusive) {
          show(short(message.onwardRoute), short(message.returnRoute), message.payload.length, hex(message.payload.subarray(0, 16)))
          return services.deliver(connection, message, isExclusive)
        },
      }),
  }
}

/** Random addresses have 32 digits: eight tell them apart. */
function short(route: TransportMessage['onwardRoute']): string {
  const names = [...route].map(({ name }) => (/^[0-9a-f]{32}$/.test(name) ? `${name.slice(0, 8)}…` : name))
  return `[${names.join(', ')}]`
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
