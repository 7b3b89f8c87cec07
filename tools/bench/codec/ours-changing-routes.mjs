/**
 * Our codec without its luck: no message has routes like one of the last few, so that nothing a connection remembers helps and every address is
 * validated anew. One address of each route changes from message to message; that costs two bytes written, which is timed too.
 */
import { Address, Route } from '@ockam/core'
import { create as createOurs } from './ours.mjs'

/** More than any codec remembers. */
const VARIANTS = 64
const FIRST_LETTER = 0x40

/** Where the first character of an address stands, in a message with three addresses of twelve characters in each route. */
const ONWARD_AT = 20
const RETURN_AT = 51

export function create(relayAddress) {
  const ours = createOurs(relayAddress)
  let count = 0
  return {
    ...ours,
    prepare(message) {
      const first = ours.prepare(message)
      const variant = (_, number) =>
        number === 0
          ? first
          : { ...first, onwardRoute: renamed(first.onwardRoute, number), returnRoute: renamed(first.returnRoute, number) }
      return Array.from({ length: VARIANTS }, variant)
    },
    encode: (messages) => ours.encode(messages[count++ % VARIANTS]),
    vary(bytes) {
      const letter = FIRST_LETTER + (count++ % VARIANTS)
      bytes[ONWARD_AT] = letter
      bytes[RETURN_AT] = letter
    },
  }
}

const renamed = (route, number) => Route.of(Address.local(`variant-${String(number).padStart(4, '0')}`), ...[...route].slice(1))
