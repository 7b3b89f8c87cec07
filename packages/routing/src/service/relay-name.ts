/**
 * The name of a relay, as clients ask for it: 1 to 64 of `A-Z a-z 0-9 _ . -`. The body of a registration is that name as a BARE string, or (Elixir
 * clients) a CBOR map with the name at key 1.
 */

import { decodeBareString } from '@ockam/core/bare'
import { CborReader } from '@ockam/core/cbor'

/** What a client sends to be given a random name. */
export const ANY_NAME: 'register' = 'register'

const NAME = /^[A-Za-z0-9_.-]{1,64}$/
const MAX_BODY = 4096
const WHAT = 'relay registration'

export function isRelayName(name: string): boolean {
  return NAME.test(name)
}

/** The name asked for; undefined when the body is malformed or the name is not allowed. */
export function requestedName(body: Uint8Array): string | undefined {
  if (body.length === 0 || body.length > MAX_BODY) return undefined
  try {
    // A BARE string that begins like a CBOR map has at least 128 bytes: too long for a name.
    const name = (body[0] as number) >> 5 === 5 ? nameInMap(body) : decodeBareString(body, { what: WHAT })
    return name !== undefined && isRelayName(name) ? name : undefined
  } catch {
    return undefined
  }
}

/** Keys may come in any order; the tags behind key 2 are skipped. */
function nameInMap(body: Uint8Array): string | undefined {
  const reader = new CborReader(body, { what: WHAT })
  let name: string | undefined
  reader.beginMap()
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    if (key === 1) name = reader.text()
    else reader.skip()
  }
  reader.end()
  return name
}
