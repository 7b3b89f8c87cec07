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
