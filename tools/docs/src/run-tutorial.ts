/**
 * Runs a tutorial as its readers do: every `bash` block is pasted as it stands into a terminal, and the `text` block behind it is what the terminal must
 * show, all of it. The conventions are in this folder's README. What a tutorial needs besides the command is the caller's business.
 */

import { type Block, blocksOf, isShown, isShownFirst, outputBehind, reasonNotToRun } from './document.ts'
import { Terminal, type TerminalOptions } from './terminal.ts'

export interface TutorialOptions extends TerminalOptions {
  /** For messages. */
  readonly name: string
  readonly markdown: string
}

interface Directions {
  /** Name of the terminal; empty for the first one. */
  readonly terminal: string
  /** Whether the block stays in the foreground. */
  readonly stays: boolean
  /** The exit code of its last command. */
  readonly exit: number
}

/** @returns how many blocks ran. @throws {Error} with the place, when a block ends or prints otherwise than the tutorial says. */
export async function runTutorial(options: TutorialOptions): Promise<number> {
  const blocks = blocksOf(options.markdown, options.name)
  const terminals = new Map<string, Terminal>()
  let ran = 0
  try {
    for (const [at, block] of blocks.entries()) {
      requireKnown(blocks, at, options.name)
      if (block.language !== 'bash' || reasonNotToRun(block) !== undefined) continue
      const directions = directionsOf(block, options.name)
      let terminal = terminals.get(directions.terminal)
      if (terminal === undefined) {
        terminal = new Terminal(options)
        terminals.set(directions.terminal, terminal)
      }
      await runBlock(terminal, block, directions, outputBehind(blocks, at)?.code ?? '', options.name)
      ran += 1
    }
  } finally {
    await Promise.all([...terminals.values()].map((terminal) => terminal.stop()))
  }
  return ran
}

/** The `##` sections of another document that are for a terminal, because they have `bash` blocks; empty when none has. */
export function terminalSections(markdown: string): string {
  const sections = markdown.split(/^(?=## )/m)
  return sections.filter((section) => blocksOf(section, 'a section').some(({ language }) => language === 'bash')).join('')
}

async function runBlock(
  terminal: Terminal,
  { code, line }: Block,
  { stays, exit }: Directions,
  shown: string,
  name: string,
): Promise<void> {
  const place = `${name}:${line}`
  try {
    if (stays) {
      await terminal.start(code)
      await terminal.shows((printed) => isShownFirst(shown, printed))
      return
    }
    const { printed, status } = await terminal.run(code, exit !== 0)
    if (status !== exit) throw new Error(`It ended with code ${status} instead of ${exit}, and had printed\n${printed}`)
    if (!isShown(shown, printed)) throw new Error(`The tutorial shows\n${shown || '(nothing)\n'}and the terminal\n${printed}`)
  } catch (error) {
    throw new Error(`${place}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** Nothing in a tutorial looks as if it ran and does not. */
function requireKnown(blocks: readonly Block[], at: number, name: string): void {
  const { language, note, line } = blocks[at] as Block
  if (language === 'bash' || note.startsWith('no-run:')) return
  const before = blocks[at - 1]
  if (
    language === 'text' &&
    before?.language === 'bash' &&
    outputBehind(blocks, at - 1) !== undefined &&
    !before.note.startsWith('no-run:')
  )
    return
  throw new Error(`${name}:${line}: a tutorial has blocks marked bash, and blocks marked text behind them, not "${language}".`)
}

/** Reads `terminal=web stays exit=5`. */
function directionsOf({ note, line }: Block, name: string): Directions {
  const directions = { terminal: '', stays: false, exit: 0 }
  for (const word of note.split(' ').filter((part) => part !== '')) {
    const [, key, value = ''] = /^(terminal|exit)=([a-z0-9]+)$/.exec(word) ?? []
    if (word === 'stays') directions.stays = true
    else if (key === 'terminal') directions.terminal = value
    else if (key === 'exit' && /^\d+$/.test(value)) directions.exit = Number(value)
    else throw new Error(`${name}:${line}: "${word}" says nothing about a block. Known are terminal=name, stays and exit=code.`)
  }
  return directions
}
