/** Tests that a document names: list items `- [title](path of a test file)`. */

export interface NamedTest {
  readonly title: string
  /** As written, relative to the document. */
  readonly path: string
  readonly line: number
}

export function namedTests(markdown: string): readonly NamedTest[] {
  return markdown.split('\n').flatMap((text, at) => {
    const item = /^- \[(.+)\]\((\S+\.test\.(?:ts|mjs))\)$/.exec(text)
    return item === null ? [] : [{ title: item[1] as string, path: item[2] as string, line: at + 1 }]
  })
}

/** Whether a test file has that title, as a whole text between quotes. */
export function hasTitle(source: string, title: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(quote + title.replaceAll(quote, `\\${quote}`) + quote))
}

/** Titles of the tests in a source, as they stand there: of `test('…'`, and of `test.each(…)('…'` behind its table. */
export function titlesOf(source: string): readonly string[] {
  return [...source.matchAll(/(?<![\w.])test(\.each)?(?:<[^(]*>)?\(/g)].flatMap(({ 0: call, 1: each, index }) => {
    const start = index + call.length
    const title = /^\(?\s*(['"`])((?:\\.|(?!\1).)*)\1,/s.exec(source.slice(each === undefined ? start : endOfCall(source, start)))
    return title === null ? [] : [(title[2] as string).replaceAll(/\\(['"`])/g, '$1')]
  })
}

/** Behind the parenthesis that closes what was opened in front of `start`; those in texts and comments do not count. */
function endOfCall(source: string, start: number): number {
  const tokens = /(['"`])(?:\\.|(?!\1).)*\1|\/\/[^\n]*|\/\*[\s\S]*?\*\/|[()]/gs
  tokens.lastIndex = start
  for (let depth = 1, token = tokens.exec(source); token !== null; token = tokens.exec(source)) {
    depth += token[0] === '(' ? 1 : token[0] === ')' ? -1 : 0
    if (depth === 0) return tokens.lastIndex
  }
  return source.length
}

export interface Point {
  /** Of the form `Threat 3. …`. */
  readonly heading: string
  readonly kind: string
  readonly number: number
  readonly tests: readonly NamedTest[]
  /** Reasons behind `- **Open:**`. */
  readonly open: readonly string[]
}

/** The numbered points of a document: `### Threat 3. Title`. */
export function pointsOf(markdown: string): readonly Point[] {
  return markdown.split(/^(?=#{2,3} )/m).flatMap((part) => {
    const heading = /^### (([A-Z][a-z]+) (\d+)\. \S.*)$/m.exec(part)
    if (heading === null) return []
    const open = [...part.matchAll(/^- \*\*Open:\*\* (.{15,})\.$/gm)].map(([, reason]) => reason as string)
    return [{ heading: heading[1] as string, kind: heading[2] as string, number: Number(heading[3]), tests: namedTests(part), open }]
  })
}

/** Relative links of a document, without their anchors. */
export function linksOf(markdown: string): readonly string[] {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)#\s]+)(?:#[^)\s]*)?\)/g)]
    .map(([, target]) => target as string)
    .filter((target) => !/^[a-z]+:/.test(target))
}
