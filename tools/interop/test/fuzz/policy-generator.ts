/** Policies in text and in CBOR, in both forms, right, unusual or nearly right; and expressions with names to evaluate them with. */

import { array, bool, encode, type Item, map, raw, text, uint, variant } from './cbor-item.ts'
import type { SeededRandom } from './random.ts'
import { spoiled } from './wire-generator.ts'

/** An expression, apart from the structure of ours. */
type Part =
  | { readonly kind: 'string' | 'name'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'list' | 'sequence'; readonly parts: readonly Part[] }

const OPERATORS = ['and', 'or', 'not', 'if', '<', '>', '=', '!=', 'member?', 'exists?'] as const
/** Bound in {@link NAMES} or not; operators, and what is nearly a number or nearly a word. */
const NAME_TEXTS = [
  'subject.a',
  'subject.b',
  'n',
  'f',
  'yes',
  'list',
  'missing',
  'and',
  'resource.id',
  'A-b:c@d',
  'x/y',
  '!x',
  'nan:x',
  'inf2',
] as const
const STRINGS = [
  '',
  'a',
  'true',
  'a b',
  'ä',
  '\u{10ffff}',
  '\ue000',
  '\ud83d\ude00',
  '\t\n"\\',
  '\u0000',
  '\u007f',
  '\u0301',
  '\u200b',
  'e\u0301',
  '\u0085',
  '\u00a0',
] as const
const INTEGERS = [0n, 1n, -1n, 2n, 255n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)] as const
const FLOATS = [
  0,
  -0,
  1,
  -1.5,
  1e15,
  1e16,
  1e-4,
  9e-5,
  5e-324,
  1.7976931348623157e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0.1,
  123456789.125,
] as const

const NAMES: readonly (readonly [string, Part])[] = [
  ['subject.a', { kind: 'string', text: 'a' }],
  ['subject.b', { kind: 'string', text: 'true' }],
  ['n', { kind: 'integer', value: 1n }],
  ['f', { kind: 'float', value: 1 }],
  ['yes', { kind: 'boolean', value: true }],
  ['list', { kind: 'sequence', parts: ['a', 'b'].map((one) => ({ kind: 'string', text: one })) }],
  ['resource.id', { kind: 'string', text: 'ä' }],
]

function atom(random: SeededRandom, kind = random.below(5)): Part {
  switch (kind) {
    case 0:
      return { kind: 'string', text: random.pick(STRINGS) }
    case 1:
      return { kind: 'integer', value: random.pick(INTEGERS) }
    case 2:
      return { kind: 'float', value: random.pick(FLOATS) }
    case 3:
      return { kind: 'boolean', value: random.chance(2) }
    default:
      return { kind: 'name', text: random.pick(NAME_TEXTS) }
  }
}

/** Mostly arguments that fit the operator. */
function operation(random: SeededRandom, depth: number): Part {
  const operator = random.pick(OPERATORS)
  const many = random.chance(8) ? random.below(2) : 2 + random.below(3)
  const test = (): Part =>
    depth > 0 && !random.chance(3) ? operation(random, depth - 1) : random.chance(6) ? anyPart(random, depth - 1) : atom(random, 3)
  const kind = random.below(5)
  const value = (): Part =>
    random.chance(6)
      ? anyPart(random, depth - 1)
      : kind === 4
        ? { kind: 'name', text: random.pick(NAME_TEXTS.slice(0, 2)) }
        : atom(random, kind)
  const parts =
    operator === 'and' || operator === 'or'
      ? times(many, test)
      : operator === 'not'
        ? times(random.chance(10) ? random.below(3) : 1, test)
        : operator === 'if'
          ? [test(), value(), value()]
          : operator === 'member?'
            ? [value(), random.chance(3) ? value() : sequence(random, kind === 4 ? 0 : kind)]
            : operator === 'exists?'
              ? times(random.below(3), () => (random.chance(8) ? value() : atom(random, 4)))
              : times(many, value)
  return { kind: 'list', parts: [{ kind: 'name', text: operator }, ...parts] }
}

const times = (count: number, make: () => Part): readonly Part[] => Array.from({ length: count }, make)

const sequence = (random: SeededRandom, kind: number): Part => ({
  kind: 'sequence',
  parts: times(random.below(4), () => atom(random, kind)),
})

function anyPart(random: SeededRandom, depth: number): Part {
  if (depth <= 0) return atom(random)
  const choice = random.below(6)
  if (choice < 2) return operation(random, depth - 1)
  if (choice === 2) return sequence(random, random.below(5))
  if (choice === 3) return { kind: random.chance(2) ? 'list' : 'sequence', parts: times(random.below(3), () => anyPart(random, depth - 1)) }
  return atom(random)
}

/** Deeper than we read, now and then. */
function nested(random: SeededRandom, inner: Part): Part {
  let part = inner
  for (let left = 120 + random.below(20); left > 0; left--) part = { kind: 'list', parts: [{ kind: 'name', text: 'not' }, part] }
  return part
}

const expression = (random: SeededRandom): Part =>
  random.chance(200) ? nested(random, atom(random, 3)) : random.chance(8) ? anyPart(random, 3) : operation(random, 3)

export const expressionBytes = (random: SeededRandom): Uint8Array => spoiled(random, itemOf(expression(random)))

export function evaluation(random: SeededRandom): Uint8Array {
  const names = NAMES.filter(() => !random.chance(8)).flatMap(([name, value]) => [text(name), itemOf(value)])
  return encode(array(itemOf(operation(random, 4)), map(...names)))
}

function itemOf(part: Part): Item {
  switch (part.kind) {
    case 'string':
      return variant(1, text(part.text))
    case 'integer':
      return variant(2, part.value < 0n ? { kind: 'negative', value: -1n - part.value } : uint(part.value))
    case 'float': {
      const bytes = new Uint8Array(9)
      new DataView(bytes.buffer).setFloat64(1, part.value)
      return variant(3, raw(0xfb, ...bytes.subarray(1)))
    }
    case 'boolean':
      return variant(4, bool(part.value))
    case 'name':
      return variant(5, text(part.text))
    default:
      return variant(part.kind === 'sequence' ? 6 : 7, array(...part.parts.map(itemOf)))
  }
}

const SPACES = [' ', ' ', ' ', '  ', '\n', '\t', ' ;;c\n', '(;c;)', ' (;(;;);) ', ''] as const
/** Put in anywhere. */
const PIECES: readonly string[] = [
  ['(', ')', '[', ']', '"', '\\', ';', ';;', '(;', ';)', '$', '@', '$"a b"', '@"x"', '$"a', '$x', '@x', '$true', ',', '{', '#', '|', '`'],
  ['"\\0a"', '"\\u{41}"', '"\\u{d800}"', '"\\c3\\a4"', '"\\ff"', '"\\q"', '"\u202e"', '"a"b', '"a""b"', 'a"b"', 'ä', '\u202e', "'"],
  ['0x10', '-0x8000000000000000', '1_0', '1__0', '1_', '+1', '1.', '1.e5', '.5', '1e5', '1_0.5', '0x1.8', '0x1p3', 'inf', '-nan'],
  ['nan:0x1', 'nan:0x', '9223372036854775808', 'true', 'false', 'and', '=', '()', '[]', '[1 "x"]', '[[1] [1 2]]', '[a b]', 'not'],
  ['\u0000', '\u007f', '-', '+', '1a', 'A', '_', '^', ';;\u202e\n'],
].flat()

export function expressionText(random: SeededRandom): Uint8Array {
  const written = writtenPart(random, expression(random))
  return mutatedText(random, random.chance(4) && written.startsWith('(') ? written.slice(1, -1) : written)
}

function mutatedText(random: SeededRandom, written: string): Uint8Array {
  let mutated = written
  for (let left = random.chance(2) ? 0 : 1 + random.below(2); left > 0; left--) {
    const at = random.below(mutated.length + 1)
    mutated =
      mutated.slice(0, at) +
      (random.chance(4) ? '' : random.pick(PIECES)) +
      mutated.slice(at + (random.chance(2) ? 0 : 1 + random.below(4)))
  }
  return new TextEncoder().encode(mutated)
}

function writtenPart(random: SeededRandom, part: Part): string {
  switch (part.kind) {
    case 'string':
      return writtenString(random, part.text)
    case 'float':
      return Number.isFinite(part.value) && Number.isInteger(part.value)
        ? part.value.toFixed(1)
        : String(part.value).replace('NaN', 'nan').replace('Infinity', 'inf')
    case 'name':
      return random.chance(20) ? `$${part.text}` : random.chance(40) ? `$"${part.text}"` : part.text
    case 'list':
    case 'sequence': {
      const [open, close] = part.kind === 'list' ? ['(', ')'] : ['[', ']']
      const written = part.parts.map((one) => writtenPart(random, one))
      return (
        open +
        written.reduce((all, one, at) => (at === 0 ? one : `${all}${random.chance(10) ? random.pick(SPACES) : ' '}${one}`), '') +
        close
      )
    }
    default:
      return String(part.value)
  }
}

const writtenString = (random: SeededRandom, value: string): string =>
  `"${Array.from(value, (character) => {
    const code = character.codePointAt(0) as number
    if (code < 0x20 || code === 0x7f || character === '"' || character === '\\')
      return random.chance(2) || code === 0 ? `\\${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
    return character
  }).join('')}"`

const IDENTIFIER = `I${'0a'.repeat(32)}`
const WORDS = ['a', 'b.c', 'sensor', '_x', '-y', 'A1', IDENTIFIER, IDENTIFIER.toUpperCase(), 'I00', 'orb', 'andy', 'and', 'or'] as const
const RARE_WORDS = ['notary', 'not', 'not1', 'not.x', 'not-x', '1a', '.a', 'ä', ''] as const
const VALUES = ['b', '1', 'x.y-z', '"a b"', '"ä"', '"="', '""', '"a', '', '"a\nb"', '"a"b'] as const

type Shorthand =
  | { readonly name: string; readonly value?: string }
  | { readonly operator: 'and' | 'or' | 'not'; readonly parts: readonly Shorthand[] }

function shorthand(random: SeededRandom, depth: number): Shorthand {
  if (depth === 0 || random.chance(3)) {
    const name = random.pick(random.chance(12) ? RARE_WORDS : WORDS)
    return random.chance(4) ? { name, value: random.pick(random.chance(4) ? VALUES : VALUES.slice(0, 6)) } : { name }
  }
  const operator = random.pick(['and', 'or', 'not'] as const)
  return { operator, parts: Array.from({ length: operator === 'not' ? 1 : 2 }, () => shorthand(random, depth - 1)) }
}

/** One form of shorthand, or of expressions. */
export function policyText(random: SeededRandom): Uint8Array {
  if (random.chance(6)) return expressionText(random)
  if (random.chance(100))
    return new TextEncoder().encode(
      Array(120 + random.below(20))
        .fill('a')
        .join(' or '),
    )
  const written = writtenShorthand(random, shorthand(random, 4))
  return random.chance(3) ? mutatedText(random, written) : new TextEncoder().encode(written)
}

function writtenShorthand(random: SeededRandom, part: Shorthand): string {
  if (!('operator' in part)) return part.value === undefined ? part.name : `${part.name}=${part.value}`
  const space = (): string => (random.chance(12) ? random.pick(['', '\n', '\t ', '\u00a0']) : ' ')
  const inner = part.parts.map((one) =>
    random.chance(3) ? `(${space()}${writtenShorthand(random, one)}${space()})` : writtenShorthand(random, one),
  )
  return part.operator === 'not' ? `not${space()}${inner[0]}` : inner.join(`${space()}${part.operator}${space()}`)
}

/** Either form. */
export function policyBytes(random: SeededRandom): Uint8Array {
  if (random.chance(3)) return spoiled(random, variant(0, itemOf(expression(random))))
  if (random.chance(60)) return encode(variant(1, variant(6)))
  return spoiled(random, variant(1, shorthandItem(random.chance(100) ? chain(random) : shorthand(random, 4))))
}

function chain(random: SeededRandom): Shorthand {
  let part: Shorthand = { name: 'a' }
  for (let left = 120 + random.below(20); left > 0; left--) part = { operator: 'or', parts: [part, { name: 'a' }] }
  return part
}

function shorthandItem(part: Shorthand): Item {
  if ('operator' in part) return variant({ or: 3, and: 4, not: 5 }[part.operator], ...part.parts.map(shorthandItem))
  if (part.value !== undefined) return variant(1, text(part.name), text(part.value.replaceAll('"', '')))
  return part.name.length === 65 ? variant(2, text(part.name)) : variant(0, text(part.name))
}
