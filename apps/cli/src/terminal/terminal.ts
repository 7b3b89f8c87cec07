/**
 * What a command says. Data goes to standard output and nothing else does; talk goes to standard error. Colours, alignment and spinners only where a
 * person looks: each stream decides for itself.
 *
 * Three forms of data: JSON when asked for, aligned columns on a terminal, and otherwise lines of tab-separated values that `cut` and `awk` can read.
 */

import picocolors from 'picocolors'
import type { CommandError } from '../error.ts'

export interface TerminalStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

export interface TerminalOptions {
  readonly stdout: TerminalStream
  readonly stderr: TerminalStream
  readonly isJson: boolean
  /** JSON on one line. */
  readonly isCompact: boolean
  readonly isQuiet: boolean
  readonly isVerbose: boolean
  /** False: never; undefined: as the stream and `NO_COLOR` say. */
  readonly isColored: boolean | undefined
  /** Whether spinners may move. */
  readonly isAnimated: boolean
}

export interface Column<Row> {
  readonly title: string
  value(row: Row): string
}

type Colors = ReturnType<typeof picocolors.createColors>

export class Terminal {
  readonly options: TerminalOptions
  /** For standard output. */
  readonly colors: Colors
  readonly #errorColors: Colors

  constructor(options: TerminalOptions) {
    this.options = options
    this.colors = picocolors.createColors(options.isColored ?? options.stdout.isTTY === true)
    this.#errorColors = picocolors.createColors(options.isColored ?? options.stderr.isTTY === true)
  }

  get isJson(): boolean {
    return this.options.isJson
  }

  /** One piece of data: JSON when asked for, otherwise the text. */
  data(json: unknown, text: string): void {
    if (this.options.isJson) this.json(json)
    else if (text !== '') this.options.stdout.write(this.#shown(text.endsWith('\n') ? text : `${text}\n`))
  }

  /** Lines and tabs are text; whatever else moves a cursor is not for a terminal, and passes through a pipe untouched. */
  #shown(text: string): string {
    return this.options.stdout.isTTY === true ? text.replaceAll(/[^\P{Control}\n\t]+/gu, ' ') : text
  }

  json(value: unknown): void {
    this.options.stdout.write(`${JSON.stringify(value, undefined, this.options.isCompact ? 0 : 2)}\n`)
  }

  /** Rows of one kind. @param nothing what to say on standard error when there are none. */
  async table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], json: (row: Row) => unknown, nothing: string): Promise<void> {
    if (this.options.isJson) return this.json(rows.map(json))
    if (rows.length === 0) return this.note(nothing)
    const cells = rows.map((row) => columns.map((column) => printable(column.value(row))))
    if (this.options.stdout.isTTY !== true) {
      this.options.stdout.write(cells.map((row) => `${row.join('\t')}\n`).join(''))
      return
    }
    const { aligned } = await import('./aligned.ts')
    const head = columns.map((column) => this.colors.bold(column.title))
    this.options.stdout.write(`${aligned([head, ...cells])}\n`)
  }

  /** The properties of one thing; those without a value are left out. */
  async properties(json: unknown, rows: readonly (readonly [name: string, value: string | undefined])[]): Promise<void> {
    if (this.options.isJson) return this.json(json)
    const known = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value)] as const]))
    if (this.options.stdout.isTTY !== true) {
      this.options.stdout.write(known.map(([name, value]) => `${name}\t${value}\n`).join(''))
      return
    }
    const { aligned } = await import('./aligned.ts')
    this.options.stdout.write(`${aligned(known.map(([name, value]) => [this.colors.bold(name), value]))}\n`)
  }

  /** What was done, for whoever watches. */
  note(text: string): void {
    if (!this.options.isQuiet) this.options.stderr.write(`${text}\n`)
  }

  /** More than most people want to know. */
  detail(text: string): void {
    if (this.options.isVerbose) this.options.stderr.write(`${this.#errorColors.dim(text)}\n`)
  }

  /** Something that deserves a look although the command goes on. */
  warn(text: string): void {
    this.options.stderr.write(`${this.#errorColors.yellow('warning:')} ${text}\n`)
  }

  fail(error: CommandError): void {
    this.options.stderr.write(`${this.#errorColors.red('error:')} ${oneLine(error.message)}\n`)
    if (error.hint !== undefined) this.options.stderr.write(`${this.#errorColors.cyan('hint:')} ${oneLine(error.hint)}\n`)
  }

  /** Shows on a terminal that something takes its time; elsewhere only the work is done. */
  async progress<T>(text: string, work: () => Promise<T>): Promise<T> {
    const { stderr, isAnimated, isQuiet } = this.options
    if (!isAnimated || isQuiet || stderr.isTTY !== true) return work()
    const { withSpinner } = await import('./spinner.ts')
    return withSpinner(text, work)
  }
}

/** Text of other programs must not move the cursor, nor look like further cells or lines. */
function printable(text: string): string {
  return text.replaceAll(/\p{Control}+/gu, ' ')
}

function oneLine(text: string): string {
  return printable(text).trim()
}
