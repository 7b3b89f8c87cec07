/**
 * Reads a Markdown document for its programs. The conventions are in this folder's README. Fences alone are understood, at the start of a line, which
 * is how this repository writes them; nothing else of Markdown matters here.
 */

export interface Block {
  /** `ts`, `sh`, `text`, or whatever stands right after the fence; empty when nothing does. */
  readonly language: string
  /** The rest of the line behind the language. */
  readonly note: string
  readonly code: string
  /** Of its first line, counted from 1. */
  readonly line: number
  /** The `##` heading above it; empty before the first one. */
  readonly section: string
}

/** @throws {Error} when a fence is never closed, or a block is left out without a reason. */
export function blocksOf(markdown: string, name: string): readonly Block[] {
  const blocks: Block[] = []
  let section = ''
  let open: { readonly language: string; readonly note: string; readonly line: number; readonly code: string[] } | undefined
  for (const [at, line] of markdown.split('\n').entries()) {
    const fence = /^```(\S*)\s*(.*)$/.exec(line)
    if (open !== undefined) {
      if (line !== '```') open.code.push(line)
      else {
        blocks.push({ ...open, code: `${open.code.join('\n')}\n`, section })
        open = undefined
      }
    } else if (fence !== null) open = { language: fence[1] ?? '', note: fence[2] ?? '', line: at + 2, code: [] }
    else if (line.startsWith('## ')) section = line.slice(3)
  }
  if (open !== undefined) throw new Error(`${name}:${open.line} opens a block that is never closed.`)
  for (const { note, line } of blocks) {
    if (note.startsWith('no-run') && !/^no-run: \S.{9,}/.test(note))
      throw new Error(`${name}:${line} is left out without a reason: write "no-run: …".`)
  }
  return blocks
}

/** Why the block is not run; undefined when it is. */
export const reasonNotToRun = (block: Block): string | undefined => /^no-run: (.+)$/.exec(block.note)?.[1]

/** The file that a `ts` block says it is. */
export const fileNameOf = (block: Block): string | undefined => /^\/\/ ([a-z-]+\.ts)\b/.exec(block.code)?.[1]

/** The output that belongs to the block at `at`: the text block right behind it, unless that shows another program. */
export function outputBehind(blocks: readonly Block[], at: number): Block | undefined {
  const next = blocks[at + 1]
  const isOutput =
    next !== undefined && next.section === blocks[at]?.section && (next.language === 'text' || next.language === '') && next.note === ''
  return isOutput ? next : undefined
}

/** Whether `printed` is what a text block shows; `…` is anything within a line. */
export function isShown(shown: string, printed: string): boolean {
  const pattern = shown.trimEnd().split('…').map(escaped).join('.*')
  return new RegExp(`^${pattern}$`).test(printed.trimEnd())
}

/** The same for output that may go on: true when its first lines are what is shown. */
export function isShownFirst(shown: string, printed: string): boolean {
  const lines = shown.trimEnd().split('\n').length
  const complete = printed.split('\n').slice(0, -1)
  return complete.length >= lines && isShown(shown, complete.slice(0, lines).join('\n'))
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
