/** The Rust peer's answers, which are what it decoded encoded again, brought to the form of `our-decoder.ts`. */

import { array, bool, bytes, type Item, nothing, parse, parseFirst, raw, uint } from './cbor-item.ts'

function itemOf(answer: Uint8Array): Item {
  const item = parse(answer)
  if (item === undefined) throw new Error(`the Rust peer's answer is no single item: ${Buffer.from(answer).toString('hex')}`)
  return item
}

function itemsOf(item: Item | undefined): Item[] {
  if (item === undefined || !('items' in item)) throw new Error('the Rust peer answers in another structure')
  return item.items
}

export const asItIs = (answer: Uint8Array): Item => itemOf(answer)

/** No CBOR. */
export const asBytes = (answer: Uint8Array): Item => bytes(answer)

/** Text alone. */
export const asText = (answer: Uint8Array): Item => ({ kind: 'text', bytes: answer })

/** With one NaN: which of them it was means nothing. */
export const asExpression = (answer: Uint8Array): Item => withOneNan(itemOf(answer))

function withOneNan(item: Item): Item {
  if ('items' in item) return { ...item, items: item.items.map(withOneNan) }
  if (item.kind !== 'raw' || item.bytes[0] !== 0xfb) return item
  const value = new DataView(Uint8Array.from(item.bytes).buffer).getFloat64(1)
  return Number.isNaN(value) ? raw(0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0) : item
}

/** Without tracing. */
export const asRoutingMessage = (answer: Uint8Array): Item => array(...itemsOf(itemOf(answer)).slice(0, 3))

/** Without padding; of credentials only the number. */
export function asChannelMessage(answer: Uint8Array): Item {
  const message = itemsOf(itemOf(answer))[0] as Item
  const [index, fields] = itemsOf(message) as [Item, Item]
  if (index.kind !== 'uint' || index.value !== 1n) return message
  const [history, credentials] = itemsOf(itemsOf(fields)[0]) as [Item, Item]
  return array(index, array(array(history, uint(itemsOf(credentials).length))))
}

/** Of credentials only the number. */
export function asHandshakePayload(answer: Uint8Array): Item {
  const [history, attestation, credentials] = itemsOf(itemOf(answer)) as [Item, Item, Item]
  return array(history, attestation, uint(itemsOf(credentials).length))
}

/** A string behind its length. */
export const asBareText = (answer: Uint8Array): Item => ({ kind: 'text', bytes: unwrapped(answer) })

export function asRequest(answer: Uint8Array): Item {
  const { header, body } = apiMessage(answer)
  return array(header.get(1) ?? nothing(), header.get(2) ?? nothing(), header.get(3) ?? nothing(), bodyItem(body))
}

export function asResponse(answer: Uint8Array): Item {
  const { header, body } = apiMessage(answer)
  const status = header.get(3) ?? nothing()
  const fields = [header.get(1) ?? nothing(), header.get(2) ?? nothing(), status]
  if (status.kind === 'uint' && status.value === 200n) return array(...fields, bodyItem(body))
  const error = fieldsOf(itemOf(body))
  return array(...fields, array(error.get(1) ?? nothing(), error.get(2) ?? nothing(), error.get(3) ?? nothing()))
}

const bodyItem = (body: Uint8Array): Item => (body.length === 0 ? bool(false) : bytes(body))

function apiMessage(answer: Uint8Array): { header: ReadonlyMap<number, Item>; body: Uint8Array } {
  const first = parseFirst(unwrapped(answer))
  if (first === undefined) throw new Error('the Rust peer answers without a header')
  return { header: fieldsOf(first[0]), body: first[1] }
}

function fieldsOf(item: Item): ReadonlyMap<number, Item> {
  const items = itemsOf(item)
  const fields = new Map<number, Item>()
  for (let at = 0; at + 1 < items.length; at += 2) {
    const key = items[at] as Item
    if (key.kind === 'uint') fields.set(Number(key.value), items[at + 1] as Item)
  }
  return fields
}

/** What is behind a BARE length. */
function unwrapped(answer: Uint8Array): Uint8Array {
  return answer.subarray(answer.findIndex((byte) => byte < 0x80) + 1)
}
