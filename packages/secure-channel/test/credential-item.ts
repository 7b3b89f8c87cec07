/** Items in the form of a presented credential, with text in the place of its data: the channel looks at no more than the form. */

import { CborReader, CborWriter } from '@ockam/core/cbor'

export function item(text: string): Uint8Array<ArrayBuffer> {
  const writer = new CborWriter().array(2)
  for (const data of [text, '']) writer.array(2).bytes(new TextEncoder().encode(data)).enumeration(0, 1).bytes(new Uint8Array(64))
  return writer.finish()
}

export function textOf(credential: Uint8Array): string {
  const reader = new CborReader(credential)
  reader.beginArray(2)
  reader.beginArray(2)
  return new TextDecoder().decode(reader.bytes())
}
