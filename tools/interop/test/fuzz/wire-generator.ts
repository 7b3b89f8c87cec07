/** Valid values of the formats that carry no signature, and what they become: unusual, wrong, or untouched. */

import { array, bytes, encode, type Item, map, nothing, bool, text, uint, variant } from './cbor-item.ts'
import { anyItem, mutateBytes, mutateItem } from './mutation.ts'
import type { SeededRandom } from './random.ts'

const LENGTHS = [0, 1, 4, 23, 24, 25, 255, 256, 257] as const
const PATHS = ['', '/', '/node', 'a/b', `/${'x'.repeat(300)}`] as const
/** Methods and statuses of the API that both know. */
export const METHODS = [0, 1, 2, 3, 4] as const
export const STATUSES = [200, 400, 401, 403, 404, 405, 408, 409, 500, 501] as const

/** One in six as it is; the others changed in structure, in bytes, or in both. */
export function spoiled(random: SeededRandom, item: Item): Uint8Array {
  const choice = random.below(6)
  if (choice === 0) return encode(item)
  if (choice === 1) return mutateBytes(random, encode(item))
  const changed = encode(mutateItem(random, item))
  return choice === 2 ? mutateBytes(random, changed) : changed
}

export const address = (random: SeededRandom): Item =>
  array(uint(random.pick([0, 0, 0, 1, 2, 5, 23, 24, 255])), bytes(random.bytes(random.chance(4) ? random.pick(LENGTHS) : random.below(9))))

export const route = (random: SeededRandom, most = 5): Item =>
  array(...Array.from({ length: random.chance(50) ? 20 + random.below(16) : random.below(most) }, () => address(random)))

export function routingMessage(random: SeededRandom): Item {
  const fields = [route(random), route(random), bytes(random.bytes(random.pick(LENGTHS)))]
  const tracing = random.pick([undefined, nothing(), text('{}'), text('{"traceparent":"00-0102-03-01"}')])
  return array(...fields, ...(tracing === undefined ? [] : [tracing]))
}

/** @param refresh makes the fields of a RefreshCredentials message. */
export function channelMessage(random: SeededRandom, refresh: () => readonly Item[]): Item {
  const choice = random.below(8)
  const message =
    choice === 0
      ? variant(2)
      : choice === 1
        ? variant(1, array(...refresh()))
        : variant(0, array(route(random), route(random), bytes(random.bytes(random.pick(LENGTHS)))))
  return array(message, bytes(random.bytes(random.chance(3) ? random.below(30) : 0)))
}

export function apiMessage(random: SeededRandom, kind: 'request' | 'response'): Uint8Array {
  const id = uint(1 + random.below(0xffff_fffe))
  const second = kind === 'request' ? text(random.pick(PATHS)) : uint(random.below(3))
  const code = kind === 'request' ? random.pick(METHODS) : random.pick(STATUSES)
  const isFailure = kind === 'response' && code !== 200
  const hasBody = random.chance(2)
  const header = map(uint(1), id, uint(2), second, uint(3), uint(code), uint(4), bool(hasBody))
  const body = !hasBody ? new Uint8Array(0) : isFailure && !random.chance(4) ? failure(random) : encode(anyItem(random))
  const spoiledHeader = random.chance(4) ? encode(header) : spoiled(random, header)
  return bareData(random, Uint8Array.from([...spoiledHeader, ...body]))
}

/** The body of a failure: an error with any of its fields, or text, which some services write, also as bytes. */
function failure(random: SeededRandom): Uint8Array {
  const message = random.pick(PATHS)
  const cause = map(uint(3), text('cause'))
  const fields = [text(message), uint(random.pick([...METHODS, 5, 255])), text(random.pick(PATHS)), cause].flatMap((field, at) =>
    random.chance(3) ? [] : [uint(at + 1), random.chance(6) ? nothing() : field],
  )
  const item = random.chance(4) ? random.pick([text(message), bytes(Buffer.from(message))]) : map(...fields)
  return random.chance(3) ? spoiled(random, item) : encode(item)
}

export function bareString(random: SeededRandom): Uint8Array {
  const characters = ['a', 'ä', '\u0000', '\ufeff', '😀', 'ÿ']
  const value = Buffer.from(Array.from({ length: random.pick([0, 1, 5, 40, 127, 128, 300]) }, () => random.pick(characters)).join(''))
  return bareData(random, random.chance(2) ? value : mutateBytes(random, value))
}

/** What may stand behind the data of a Payload: nothing, a counter or that there is none, or less than one of those. */
const BEHIND_PAYLOAD = [[], [0], [1], [0, 1], [1, 2], [0, 1, 2], [1, 0xff, 0xfe], [2, 0, 0], [1, 0, 1, 5]] as const

/** Every kind of portal message, those of ours alone and unknown ones too. */
export function portalMessage(random: SeededRandom): Uint8Array {
  const kind = random.chance(2) ? 3 : random.below(9)
  const content = kind === 3 ? bareData(random, random.bytes(random.pick(LENGTHS))) : random.bytes(random.below(4))
  const whole = Uint8Array.from([kind, ...content, ...random.pick(BEHIND_PAYLOAD)])
  return random.chance(4) ? mutateBytes(random, whole) : whole
}

/** The bytes with their length in front: mostly right, sometimes longer than needed, wrong, cut, or followed by more. */
function bareData(random: SeededRandom, content: Uint8Array): Uint8Array {
  const choice = random.below(12)
  const length = BigInt(content.length)
  if (choice === 0) return Uint8Array.from([...uvarint(length, 1 + random.below(10)), ...content])
  if (choice === 1)
    return Uint8Array.from([...uvarint(random.pick([2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])), ...content])
  if (choice === 2) return Uint8Array.from([...uvarint(length + BigInt(random.below(5)) - 2n), ...content])
  if (choice === 3) return Uint8Array.from([...Array(9 + random.below(3)).fill(random.pick([0x80, 0xff])), random.below(4), ...content])
  const whole = Uint8Array.from([...uvarint(length), ...content])
  return choice === 4 ? mutateBytes(random, whole) : whole
}

/** @param least bytes it takes at least. */
function uvarint(value: bigint, least = 1): number[] {
  const out: number[] = []
  let left = BigInt.asUintN(64, value)
  do {
    out.push(Number(left & 0x7fn) | 0x80)
    left >>= 7n
  } while (left > 0n || out.length < least)
  out[out.length - 1] = (out.at(-1) as number) & 0x7f
  return out
}
