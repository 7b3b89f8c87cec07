/** Which vectors of a file are used by tests: read from it by name, or repeated with all their bytes. */

/** Hexadecimal text that is long enough to stand for nothing else: 16 bytes. */
const BYTES = /^(?:[0-9a-f]{2}){16,}$/
/** What the file's author made of a vector, beside it. */
const NO_ANSWER = 'computed_here'

/**
 * Names of vectors that no source uses.
 * @param vectors by name, as in the file's `repo_vectors`.
 * @param sources texts of tests; those that read the file call its part `repo` or `repo_vectors`.
 */
export function unusedVectors(vectors: Readonly<Record<string, unknown>>, sources: readonly string[]): readonly string[] {
  const text = sources.join('\n')
  const withoutBreaks = text.replaceAll(/\s/g, '')
  return Object.keys(vectors).filter((name) => {
    if (new RegExp(`\\brepo(?:_vectors)?\\.${name}\\b`).test(text)) return false
    const bytes = bytesIn(vectors[name])
    return bytes.length === 0 || !bytes.every((digits) => withoutBreaks.includes(digits) || text.includes(asText(digits)))
  })
}

function bytesIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return BYTES.test(value) ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => (name === NO_ANSWER ? [] : bytesIn(inner)))
}

/** Bytes that are a name, padded with zeros, stand in tests as that name. */
function asText(digits: string): string {
  return Buffer.from(digits, 'hex').toString('latin1').replace(/\0+$/, '')
}
