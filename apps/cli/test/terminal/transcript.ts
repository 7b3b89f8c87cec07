/**
 * Transcripts: what somebody types at a terminal and what the command answers, as text.
 *
 *     # What this transcript shows.
 *     $ ockam node show n1
 *     > … a further line of the input
 *     | a line of standard output
 *     ! a line of standard error
 *     = 3                             the exit code, when it is not 0
 *
 * `{type:name}` in an answer stands for something that differs from run to run, see `placeholder.ts`; in an input for what that was.
 */

import { readdirSync, readFileSync } from 'node:fs'

export const TRANSCRIPTS: URL = new URL('../transcript/', import.meta.url)

export interface Step {
  readonly input: string
  readonly stdout: string
  readonly stderr: string
  readonly code: number
  /** Lines that explain, as they stand before the input. */
  readonly remarks: readonly string[]
}

export interface Transcript {
  /** Name of its file. */
  readonly file: string
  /** Its first line. */
  readonly title: string
  readonly steps: readonly Step[]
}

export function readTranscripts(): readonly Transcript[] {
  return readdirSync(TRANSCRIPTS)
    .filter((file) => file.endsWith('.transcript'))
    .sort()
    .map((file) => parseTranscript(file, readFileSync(new URL(file, TRANSCRIPTS), 'utf8')))
}

export function parseTranscript(file: string, text: string): Transcript {
  const steps: Step[] = []
  let remarks: string[] = []
  const change = (part: Partial<Step>, at: number): void => {
    const last = steps.pop()
    if (last === undefined) throw new Error(`${file}:${at}: an answer before any input`)
    steps.push({ ...last, ...part })
  }
  const [first = '', ...lines] = text.split('\n')
  if (!first.startsWith('# ')) throw new Error(`${file}:1: the first line is "# " and what the transcript shows`)
  for (const [index, line] of lines.entries()) {
    const content = line.slice(2)
    const last = steps.at(-1)
    if (line.startsWith('$ ')) steps.push({ input: content, stdout: '', stderr: '', code: 0, remarks: remarks.splice(0) })
    else if (line.startsWith('> ')) change({ input: `${last?.input}\n${content}` }, index + 2)
    else if (line === '|' || line.startsWith('| ')) change({ stdout: `${last?.stdout}${content}\n` }, index + 2)
    else if (line === '!' || line.startsWith('! ')) change({ stderr: `${last?.stderr}${content}\n` }, index + 2)
    else if (/^= \d+$/.test(line)) change({ code: Number(content) }, index + 2)
    else if (line.startsWith('# ')) remarks = [...remarks, content]
    else if (line !== '') throw new Error(`${file}:${index + 2}: "${line}" is neither input nor answer`)
  }
  return { file, title: first.slice(2), steps }
}

export function formatTranscript({ title, steps }: Transcript): string {
  const marked = (mark: string, text: string): string[] =>
    text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${mark} ${line}`.trimEnd())
  const blocks = steps.map(({ input, stdout, stderr, code, remarks }) => {
    const [first = '', ...more] = input.split('\n')
    const typed = [...remarks.map((remark) => `# ${remark}`), `$ ${first}`, ...more.map((line) => `> ${line}`)]
    return [...typed, ...marked('|', stdout), ...marked('!', stderr), ...(code === 0 ? [] : [`= ${code}`])].join('\n')
  })
  return `# ${title}\n\n${blocks.join('\n\n')}\n`
}
