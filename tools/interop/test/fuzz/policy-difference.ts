/** The differences about policies that are there on purpose. */

import { parseFirst } from './cbor-item.ts'
import type { Difference } from './comparison.ts'
import { hexOf } from './kind.ts'

/** In CBOR. */
export const POLICIES = ['expression', 'policy', 'printed-policy'] as const
const TEXTS = ['expression-text', 'policy-text'] as const

const refusedFor =
  (reason: RegExp) =>
  ({ ours }: Difference): boolean =>
    'refusal' in ours && reason.test(ours.refusal)

/** `[1, [shorthand]]` */
function isShorthand({ input }: Difference): boolean {
  const [item] = parseFirst(input) ?? []
  const form = item?.kind === 'array' ? item.items[0] : undefined
  return form?.kind === 'uint' && form.value === 1n
}

/** What is printed, without what only says how it is to be read again. */
function bare(result: string, isOfShorthand: boolean): string | undefined {
  const [item] = parseFirst(Uint8Array.from(Buffer.from(result, 'hex'))) ?? []
  if (item?.kind !== 'text') return undefined
  const unescaped = Buffer.from(item.bytes)
    .toString()
    .replace(/\\u\{([0-9a-f]+)\}/g, (_, digits: string) => String.fromCodePoint(Number.parseInt(digits, 16)))
    .replace(/\\0+/g, '\0')
    .replace(/\\[tnr]/g, (escape) => ({ '\\t': '\t', '\\n': '\n', '\\r': '\r' })[escape] as string)
    .replace(/["$\\]/g, '')
    .replace(/ ;;$/, '')
    .replace(/\d+\.\d+(?:e-?\d+)?|\de-?\d+/g, (float) => String(Number(float)))
  return isOfShorthand ? unescaped.replace(/[()]/g, '') : unescaped
}

/** How a part of kind 6 begins, with heads of any width. */
const EMPTY_PART = /(82|9f)(06|1806|190006|1a00000006|1b0000000000000006)/

/** Entries of `KNOWN_DIFFERENCES`. */
export const POLICY_DIFFERENCES = [
  {
    id: 'policy-limits',
    kinds: [...POLICIES, ...TEXTS],
    direction: 'stricter',
    matches: refusedFor(/The policy (is nested deeper than|has more than \d+ parts|has \d+ (characters|bytes); at most)/),
  },
  {
    id: 'policy-bytes-behind',
    kinds: POLICIES,
    direction: 'stricter',
    matches: refusedFor(/Cannot read the policy: \d+ bytes follow the end/),
  },
  {
    id: 'policy-empty-name',
    kinds: POLICIES,
    direction: 'stricter',
    matches: refusedFor(/has a name without a character/),
  },
  {
    id: 'policy-closes-nothing',
    kinds: TEXTS,
    direction: 'stricter',
    matches: refusedFor(/"\)" closes nothing/),
  },
  {
    id: 'policy-glued-operator',
    kinds: ['policy-text'],
    direction: 'stricter',
    matches: refusedFor(/an operator \(and, or, not\) runs into a name/),
  },
  {
    id: 'policy-unwritable',
    kinds: ['policy', 'printed-policy'],
    direction: 'stricter',
    matches: refusedFor(/in shorthand has (a name or a value that the shorthand cannot write|an identifier that is none)/),
  },
  {
    id: 'policy-empty',
    kinds: ['policy', 'printed-policy'],
    direction: 'stricter',
    matches: (difference: Difference): boolean =>
      refusedFor(/has a part of kind 6, which says nothing|expected an array but found/)(difference) &&
      EMPTY_PART.test(hexOf(difference.input)),
  },
  {
    id: 'policy-printed',
    kinds: ['printed-policy'],
    direction: 'other',
    matches: (difference: Difference): boolean => {
      const [ours, rust] = [difference.ours, difference.rust].map((verdict) =>
        'result' in verdict ? bare(verdict.result, isShorthand(difference)) : undefined,
      )
      return ours !== undefined && ours === rust
    },
  },
] as const
