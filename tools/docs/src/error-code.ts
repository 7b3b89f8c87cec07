/** Error codes and diagnostics events as they stand in TypeScript text. The compiler's own interface is not used: TypeScript 7 has none. */

/** The text without comments, so that what a comment mentions counts as nothing. Strings of this repository hold no comment signs before a code. */
const withoutComments = (source: string): string => source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '')

/** Codes of the unions `export type …ErrorCode = | 'area/reason' …`. */
export function declaredCodes(source: string): readonly string[] {
  const unions = withoutComments(source).matchAll(/export type \w*ErrorCode =((?:\s*\|?\s*'[^']+')+)/g)
  return [...unions].flatMap(([, body]) => [...(body as string).matchAll(/'([^']+)'/g)].map(([, code]) => code as string))
}

/** Every string of the form `area/reason` outside of the unions. */
export function mentionedNames(source: string): readonly string[] {
  const rest = withoutComments(source).replaceAll(/export type \w*ErrorCode =((?:\s*\|?\s*'[^']+')+)/g, '')
  return [...rest.matchAll(/(?<!from )'([a-z]+(?:-[a-z]+)*\/[a-z]+(?:-[a-z]+)*)'/g)].map(([, name]) => name as string)
}

/** First arguments of `new OckamError(…)` and of functions named `…Error`, `…Failed`, `fail…`, when they are texts. */
export function thrownCodes(source: string): readonly string[] {
  const calls = withoutComments(source).matchAll(/\b(?:OckamError|\w+Error|\w+Failed|fail\w*)(?:<\w+>)?\(\s*['`]([^'`]*)['`]/g)
  return [...calls].map(([, code]) => code as string).filter((code) => code.includes('/') && !code.includes(' '))
}

/** Rows of a Markdown table whose first cell is a name in backquotes, under each `##` heading. */
export function listedNames(markdown: string): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, string[]>()
  let heading = ''
  for (const line of markdown.split('\n')) {
    if (line.startsWith('## ')) heading = line.slice(3).trim()
    const name = /^\| `([a-z-]+\/[a-z-]+)` \| \S.* \| \S.* \|$/.exec(line)?.[1]
    if (name === undefined) continue
    const list = lists.get(heading)
    if (list === undefined) lists.set(heading, [name])
    else list.push(name)
  }
  return lists
}
