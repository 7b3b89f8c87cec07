/**
 * The differences there are on purpose, each with the rule that recognises it. Whatever fits none is a defect of one side and fails the test. Rules are
 * narrow where they can be: a value in ordinary CBOR, without limits touched, has no excuse.
 */

import { isPlain, type Item, parse, parseFirst } from './cbor-item.ts'
import type { Difference, Direction } from './comparison.ts'
import { hexOf } from './kind.ts'
import { POLICIES, POLICY_DIFFERENCES } from './policy-difference.ts'
import { ODD_POINTS } from './signing-key.ts'
import { METHODS, STATUSES } from './wire-generator.ts'

export interface KnownDifference {
  /** Also the key of examples, and of the row in docs/compatibility.md. */
  readonly id: string
  readonly kinds: readonly string[]
  /** We are never looser. */
  readonly direction: Exclude<Direction, 'looser'>
  readonly matches: (difference: Difference) => boolean
}

const MESSAGES = ['address', 'route', 'routing-message', 'channel-message', 'handshake-payload']
const MULTIADDR = ['multiaddr', 'multiaddr-text']
const API = ['api-request', 'api-response']
const SIGNED = ['change-history', 'attestation', 'identity', 'verified-attestation', 'credential', 'verified-credential']

const refusal = ({ ours }: Difference): string => ('refusal' in ours ? ours.refusal : '')
const rustResult = ({ rust }: Difference): string => ('result' in rust ? rust.result : '')
const ourResult = ({ ours }: Difference): string => ('result' in ours ? ours.result : '')
const refusedFor =
  (reason: RegExp) =>
  (difference: Difference): boolean =>
    reason.test(refusal(difference))

/** What is behind the length of an API message. */
function withoutLength(input: Uint8Array): Uint8Array {
  const start = input.findIndex((byte) => byte < 0x80) + 1
  const length = input.subarray(0, start).reduceRight((sum, byte) => sum * 128 + (byte & 0x7f), 0)
  return input.subarray(start, start + length)
}

/** What is in front of trailing bytes; for API messages the header, with the body behind it. */
function header({ kind, input }: Difference): readonly [Item, Uint8Array] | undefined {
  return parseFirst(API.includes(kind) ? withoutLength(input) : input)
}

/** Ordinary CBOR, also in what is encoded in byte strings, as signed things are. */
const isOrdinaryWithin = (difference: Difference): boolean => {
  const first = header(difference)
  return first !== undefined && (SIGNED.includes(difference.kind) ? isPlainWithin(first[0]) : isPlain(first[0]))
}

function isPlainWithin(item: Item): boolean {
  if (item.kind === 'array') return item.items.every(isPlainWithin)
  if (item.kind !== 'bytes') return isPlain(item)
  // Hashes, keys and signatures have these lengths and nothing inside, unless the whole is one array: signed data can be as long.
  if ([0, 31, 32, 64, 65].includes(item.bytes.length) && parse(item.bytes)?.kind !== 'array') return isPlain(item)
  const inside = parseFirst(item.bytes)
  return inside !== undefined && isPlainWithin(inside[0])
}

/** The fields of a result in the common form. */
function fields(result: string): readonly Item[] {
  const item = parseFirst(Uint8Array.from(Buffer.from(result, 'hex')))?.[0]
  return item?.kind === 'array' ? item.items : []
}

/** The changes in what was given. */
function historyOf({ kind, input }: Difference): readonly Item[] {
  const [item] = parseFirst(input) ?? []
  if (kind === 'channel-message') return itemsAt(item, 1, 0, 0)
  return kind === 'handshake-payload' ? itemsAt(item, 0) : itemsAt(item)
}

function itemsAt(item: Item | undefined, ...path: readonly number[]): readonly Item[] {
  const items = item?.kind === 'array' ? item.items : []
  const [at, ...rest] = path
  return at === undefined ? items : itemsAt(items[at], ...rest)
}

function isOfUnknownPreviousType(change: Item): boolean {
  const [type] = itemsAt(change, 2)
  return type?.kind === 'uint' && type.value > 1n
}

const isNull = (item: Item | undefined): boolean => item?.kind === 'raw' && item.bytes[0] === 0xf6

/** Whether the header holds a method or status with a number nobody knows, as far as it can be read. */
function hasUnknownCode({ kind, input }: Difference): boolean {
  const known: readonly number[] = kind === 'api-request' ? METHODS : STATUSES
  const map = withoutLength(input)
  const headLength = ({ 0xb8: 2, 0xb9: 3, 0xba: 5, 0xbb: 9 } as Record<number, number>)[map[0] ?? 0] ?? 1
  let key: Item | undefined
  for (let next = parseFirst(map.subarray(headLength)); next !== undefined; next = parseFirst(next[1])) {
    const [item] = next
    if (key?.kind === 'uint' && key.value === 3n && item.kind === 'uint' && !known.includes(Number(item.value))) return true
    key = key === undefined ? item : undefined
  }
  return false
}

/** What ours makes of a header in which Rust reads on behind such a number, at another place. */
const UNREADABLE_HEADER =
  /Cannot read the API (request|response): (expected|the integer is over|the key \d+ is given twice|the map ends)|does not say which request it answers/

/** What an item is refused for, whatever stands in it. */
const UNREADABLE_ITEM =
  /Cannot read the API (request|response): (expected an item but|an indefinite length stands|the bytes end too early|the length of an item is malformed|the text is not UTF-8|the map ends after a key|it has a string over)/

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    id: 'skipped-items',
    kinds: [...MESSAGES, ...API, ...SIGNED, ...POLICIES],
    direction: 'stricter',
    matches: (difference) =>
      refusedFor(/expected an item but|the map ends after a key|an indefinite length stands|is malformed|is not UTF-8|nested deeper/)(
        difference,
      ) && !isOrdinaryWithin(difference),
  },
  {
    id: 'too-many-addresses',
    kinds: MESSAGES,
    direction: 'stricter',
    matches: refusedFor(/A received (route|message) has \d+ addresses|routes of more than \d+ addresses/),
  },
  {
    id: 'close-with-fields',
    kinds: ['channel-message'],
    direction: 'stricter',
    matches: (difference) => refusedFor(/expected an array but found/)(difference) && rustResult(difference) === '820280',
  },
  {
    id: 'ten-byte-length',
    kinds: ['bare-string', ...API],
    direction: 'stricter',
    matches: (difference) =>
      refusedFor(/the integer does not fit 64 bits/)(difference) &&
      difference.input.findIndex((byte) => byte < 0x80) === 9 &&
      difference.input[9] === 0,
  },
  {
    id: 'multiaddr-limits',
    kinds: MULTIADDR,
    direction: 'stricter',
    matches: refusedFor(/A MultiAddr (has at most \d+ (pieces|characters)|in binary is at most)/),
  },
  {
    id: 'multiaddr-without-transport',
    kinds: MULTIADDR,
    direction: 'stricter',
    matches: refusedFor(/it knows no "udp"|names the unknown protocol 273\./),
  },
  {
    id: 'multiaddr-wide-code',
    kinds: ['multiaddr'],
    direction: 'stricter',
    matches: (difference) => Number(/names the unknown protocol (\d+)\./.exec(refusal(difference))?.[1] ?? 0) > 0xffff_ffff,
  },
  {
    id: 'multiaddr-port',
    kinds: ['multiaddr-text'],
    direction: 'stricter',
    matches: refusedFor(/comes a port from 0 to 65535, not "\+?0*\d+"/),
  },
  {
    id: 'multiaddr-unwritable',
    kinds: MULTIADDR,
    direction: 'stricter',
    matches: refusedFor(/comes text without control characters, not|in a binary MultiAddr has no written form/),
  },
  {
    id: 'api-unknown-code',
    kinds: API,
    direction: 'stricter',
    matches: (difference) =>
      isNull(fields(rustResult(difference))[2]) &&
      (refusedFor(/has no known (method|status)/)(difference) || (hasUnknownCode(difference) && refusedFor(UNREADABLE_HEADER)(difference))),
  },
  {
    id: 'api-key-twice',
    kinds: API,
    direction: 'stricter',
    matches: refusedFor(/the key \d+ is given twice/),
  },
  {
    id: 'api-without-id',
    kinds: API,
    direction: 'stricter',
    matches: refusedFor(/has no id/),
  },
  {
    id: 'api-body-unreadable',
    kinds: API,
    direction: 'stricter',
    matches: (difference) => {
      const body = header(difference)?.[1]
      const first = body === undefined ? undefined : parseFirst(body)
      return refusedFor(UNREADABLE_ITEM)(difference) && body !== undefined && body.length > 0 && (first === undefined || !isPlain(first[0]))
    },
  },
  {
    id: 'api-error-unreadable',
    kinds: ['api-response'],
    direction: 'stricter',
    matches: refusedFor(/Cannot read the API error/),
  },
  {
    id: 'api-error-unreadable',
    kinds: ['api-response'],
    direction: 'other',
    matches: (difference) => {
      const message = parseFirst(header(difference)?.[1] ?? new Uint8Array(0))?.[0]
      const isBroken = message?.kind === 'bytes' && !isPlain({ ...message, kind: 'text' })
      return rustResult(difference).endsWith('83f6f6f6') || isBroken
    },
  },
  {
    id: 'api-error-not-announced',
    kinds: ['api-response'],
    direction: 'other',
    matches: (difference) => ourResult(difference).endsWith('83f6f6f6') && header(difference)?.[1].length !== 0,
  },
  {
    id: 'api-behind-body',
    kinds: API,
    direction: 'other',
    matches: (difference) => {
      const [ours, rust] = [fields(ourResult(difference)).at(-1), fields(rustResult(difference)).at(-1)]
      return ours?.kind === 'bytes' && rust?.kind === 'bytes' && hexOf(rust.bytes).startsWith(hexOf(ours.bytes))
    },
  },
  {
    id: 'unknown-previous-signature',
    kinds: ['change-history', 'identity', 'channel-message', 'handshake-payload'],
    direction: 'stricter',
    matches: (difference) =>
      refusedFor(/Key or signature type \d+ is unknown|Cannot read the change history: expected an array/)(difference) &&
      historyOf(difference).some(isOfUnknownPreviousType),
  },
  {
    id: 'signed-data-read-at-once',
    kinds: ['change-history', 'attestation', 'credential', 'channel-message', 'handshake-payload'],
    direction: 'stricter',
    matches: refusedFor(
      /Cannot read the (change|signed data): |Signed data (has version|is of type)|Key or signature type|for purpose \d|Cannot read the (attestation|credential): (?!\d+ bytes)/,
    ),
  },
  {
    id: 'empty-history',
    kinds: ['change-history', 'channel-message', 'handshake-payload'],
    direction: 'stricter',
    matches: refusedFor(/The change history has no change/),
  },
  {
    id: 'bytes-behind',
    kinds: SIGNED,
    direction: 'stricter',
    matches: refusedFor(/Cannot read the (change history|attestation|credential): \d+ bytes follow the end/),
  },
  {
    id: 'time-over-2-53',
    kinds: SIGNED,
    direction: 'stricter',
    matches: refusedFor(/the integer is over 9007199254740991/),
  },
  {
    id: 'ends-before-it-begins',
    kinds: ['identity'],
    direction: 'stricter',
    matches: refusedFor(/ends before it begins/),
  },
  {
    id: 'previous-signature-on-first',
    kinds: ['identity'],
    direction: 'stricter',
    matches: refusedFor(/The first change has a signature of a key before it/),
  },
  {
    id: 'other-purpose',
    kinds: ['verified-attestation'],
    direction: 'stricter',
    matches: refusedFor(/for purpose 1; a channel key is for purpose 0/),
  },
  {
    id: 'credential-subject-change',
    kinds: ['verified-credential'],
    direction: 'stricter',
    matches: refusedFor(/names a change of I[0-9a-f]{64} that is not among those known here/),
  },
  {
    id: 'ed25519-strict',
    kinds: ['identity', 'verified-attestation', 'verified-credential'],
    direction: 'stricter',
    matches: (difference) =>
      refusedFor(/is not signed by/)(difference) && ODD_POINTS.some((point) => hexOf(difference.input).includes(hexOf(point))),
  },
  ...POLICY_DIFFERENCES,
]

export function knownDifference(difference: Difference): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find(
    ({ kinds, direction, matches }) => direction === difference.direction && kinds.includes(difference.kind) && matches(difference),
  )
}
