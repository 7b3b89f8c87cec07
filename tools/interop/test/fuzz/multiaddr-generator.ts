/** Addresses as people write them, in text and in binary: of the names that Rust nodes know and of others, with values that fit, or nearly. */

import { mutateBytes } from './mutation.ts'
import type { SeededRandom } from './random.ts'

/** `udp` is known to Rust nodes alone; the last two to nobody. */
const NAMES: readonly (readonly [name: string, code: number])[] = [
  ['ip4', 4],
  ['tcp', 6],
  ['ip6', 41],
  ['dnsaddr', 56],
  ['service', 62_526],
  ['node', 72_526],
  ['project', 82_526],
  ['space', 92_526],
  ['secure', 99_526],
  ['worker', 102_526],
  ['udp', 273],
  ['nope', 7],
  ['', 0],
]
const KNOWN = NAMES.length - 3
const VALUES: Readonly<Record<string, readonly string[]>> = {
  ip4: ['127.0.0.1', '0.0.0.0', '255.255.255.255', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.0.0.1', '1.2.3.4 ', '0x1.2.3.4', ''],
  ip6: [
    '::1',
    '::',
    '2001:DB8::1',
    '1:2:3:4:5:6:7:8',
    '::ffff:1.2.3.4',
    '1::2::3',
    '1:2:3:4:5:6:7::',
    'fe80::1%eth0',
    '[::1]',
    '12345::',
    '::01',
  ],
  port: ['0', '4000', '65535', '65536', '05', '+5', '-1', '', ' 5', '5a', '99999999999'],
  text: ['api', 'h', 'forward_to_x', '', 'ä b', 'a%2Fb', '0#x', '\u0000', 'x\n', '\u0085', '😀', '..', 'x'.repeat(200)],
}
const LEB128_MOST = [0x7f, 0x80, 0xff] as const

const valuesOf = (name: string): readonly string[] =>
  (name === 'tcp' || name === 'udp' ? VALUES['port'] : (VALUES[name] ?? VALUES['text'])) as readonly string[]

/** Now and then more than an address may have. */
const pieces = (random: SeededRandom): readonly (readonly [string, number])[] =>
  Array.from({ length: random.chance(40) ? 28 + random.below(10) : random.below(6) }, () =>
    random.pick(random.chance(8) ? NAMES : NAMES.slice(0, KNOWN)),
  )

export function multiaddrText(random: SeededRandom): Uint8Array {
  // The first values of each kind are right.
  const value = (name: string): string => (random.chance(5) ? random.pick(valuesOf(name)) : random.pick(valuesOf(name).slice(0, 3)))
  const parts = pieces(random).flatMap(([name]) => [name, value(name)])
  if (random.chance(12) && parts.length > 0)
    parts.splice(random.below(parts.length), random.below(2), random.pick(['', 'IP4', 'self', 'service', '/']))
  const text = random.chance(20) ? 'self' : parts.map((part) => `/${part}`).join('')
  return new TextEncoder().encode(random.chance(8) ? text.slice(1) : random.chance(30) ? `${text}/` : text)
}

export function multiaddr(random: SeededRandom): Uint8Array {
  const whole = Uint8Array.from(pieces(random).flatMap(([name, code]) => [...uvarint(random, code), ...valueBytes(random, name)]))
  return random.chance(4) ? mutateBytes(random, whole) : whole
}

function valueBytes(random: SeededRandom, name: string): readonly number[] {
  if (name === 'ip4' || name === 'ip6' || name === 'tcp' || name === 'udp') {
    const length = { ip4: 4, ip6: 16, tcp: 2, udp: 2 }[name]
    return [...random.bytes(random.chance(20) ? random.below(length) : length)]
  }
  const text = new TextEncoder().encode(random.pick([...valuesOf(name), 'a/b']))
  return [
    ...uvarint(random, random.chance(20) ? random.below(300) : text.length),
    ...(random.chance(20) ? random.bytes(text.length) : text),
  ]
}

/** Now and then in more bytes than it needs, or in more than there may be. */
function uvarint(random: SeededRandom, value: number): readonly number[] {
  const out: number[] = []
  for (let left = value; out.length === 0 || left > 0; left = Math.floor(left / 128)) out.push((left % 128) | 0x80)
  if (random.chance(60)) out.push(...Array(random.below(11)).fill(random.pick(LEB128_MOST) | 0x80), 0)
  out[out.length - 1] = (out.at(-1) as number) & 0x7f
  return out
}
