/** Runs a document: its programs, its commands, and the comparison of what they print with what the text shows. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Block, blocksOf, fileNameOf, isShown, isShownFirst, outputBehind, reasonNotToRun } from './document.ts'
import { type BroughtAlong, bundle, type ExtractedPrograms, extract, MARK, type SectionProgram } from './program.ts'
import { Run } from './process.ts'

export interface DocumentOptions {
  /** For messages. */
  readonly name: string
  readonly markdown: string
  /** A fresh folder from which the workspace's packages resolve. */
  readonly folder: string
  /** Whether output that no text block shows is a failure. */
  readonly isComplete: boolean
  /** Whether `sh` blocks run, and programs that are files with them. */
  readonly hasCommands: boolean
  /** A module with what readers bring along, and the names of it that the programs use. */
  readonly brought?: BroughtAlong
}

export interface DocumentReport {
  /** Blocks that ran. */
  readonly ran: number
  /** Blocks that did not, with the place and the reason. */
  readonly left: readonly string[]
}

/** @throws {Error} with the place, when a program fails or prints something else than the document says. */
export async function runDocument(options: DocumentOptions): Promise<DocumentReport> {
  const { name, markdown, folder } = options
  const blocks = blocksOf(markdown, name)
  const programs = await extract(blocks, folder, options.brought)
  for (const section of programs.sections) await runSection(options, blocks, section)
  const ranFiles = options.hasCommands ? await runCommands(options, blocks, programs) : 0
  const left = blocks.flatMap((block) => {
    const reason = reasonNotToRun(block)
    return reason === undefined ? [] : [`${name}:${block.line} ${block.language}: ${reason}`]
  })
  const unnamed = programs.sections.reduce((sum, section) => sum + section.blocks.length, 0)
  const commands = options.hasCommands ? blocks.filter((block) => block.language === 'sh' && reasonNotToRun(block) === undefined).length : 0
  return { ran: unnamed + commands + ranFiles, left }
}

async function runSection({ name, folder, isComplete }: DocumentOptions, blocks: readonly Block[], section: SectionProgram): Promise<void> {
  const work = join(folder, 'work')
  await mkdir(work, { recursive: true })
  const place = `${name}, section "${section.section}"`
  const program = await at(place, bundle(section.path, join(folder, 'bundle')))
  const printed = await at(place, new Run(process.execPath, [program], { folder: work }).finished())
  const outputs = printed.split(`${MARK}\n`)
  for (const [index, position] of section.blocks.entries()) {
    const shown = outputBehind(blocks, position)
    const output = outputs[index] ?? ''
    if (shown === undefined && !isComplete) continue
    if (!isShown(shown?.code ?? '', output)) {
      throw new Error(
        `${name}:${blocks[position]?.line}: the document shows\n${shown?.code ?? '(nothing)\n'}and the program printed\n${output}`,
      )
    }
  }
}

/** @returns how many files the commands ran, imported ones included. */
async function runCommands({ name, folder }: DocumentOptions, blocks: readonly Block[], { files }: ExtractedPrograms): Promise<number> {
  const commands = blocks.some((block) => block.language === 'sh' && reasonNotToRun(block) === undefined)
  if (!commands && files.size === 0) return 0
  const bin = await nodeForFiles(folder, files)
  const work = join(folder, 'work')
  await mkdir(work, { recursive: true })
  const background = new Map<string, { readonly run: Run; seen: number }>()
  const ran = new Set<string>()
  try {
    for (const [position, block] of blocks.entries()) {
      const place = `${name}:${block.line}`
      if (block.language === 'text' && block.note !== '') {
        const program = background.get(block.note)
        if (program === undefined) throw new Error(`${place}: no program "${block.note}" runs in the background.`)
        await at(
          place,
          program.run.until((printed) => isShownFirst(block.code, printed.slice(program.seen)), block.code),
        )
        program.seen += lengthOfLines(program.run.printed.slice(program.seen), block.code)
      }
      if (block.language !== 'sh' || reasonNotToRun(block) !== undefined) continue
      const started = [...block.code.matchAll(/\bnode ([a-z-]+\.ts)\b/g)].map((match) => match[1] as string)
      for (const file of started) {
        if (!files.has(file)) throw new Error(`${place}: runs ${file}, which the document does not show.`)
        ran.add(file)
      }
      const shown = outputBehind(blocks, position)
      const run = new Run('sh', ['-e', '-c', block.code], { folder: work, commands: bin })
      if (block.note === 'background') {
        const program = { run, seen: 0 }
        background.set(started.at(-1) ?? block.code, program)
        if (shown === undefined) continue
        await at(
          place,
          run.until((printed) => isShownFirst(shown.code, printed), shown.code),
        )
        program.seen = lengthOfLines(run.printed, shown.code)
      } else {
        const printed = await at(place, run.finished())
        if (!isShown(shown?.code ?? '', printed))
          throw new Error(`${place}: the document shows\n${shown?.code ?? '(nothing)\n'}and sh printed\n${printed}`)
      }
    }
  } finally {
    await Promise.all([...background.values()].map(({ run }) => run.stop()))
  }
  for (const block of blocks) {
    const file = fileNameOf(block)
    if (block.language !== 'ts' || file === undefined || reasonNotToRun(block) !== undefined || ran.has(file)) continue
    const isImported = blocks.some((other) => ran.has(fileNameOf(other) ?? '') && other.code.includes(`from './${file}'`))
    if (!isImported) throw new Error(`${name}:${block.line}: nothing runs ${file}.`)
    ran.add(file)
  }
  return ran.size
}

/** A folder with a `node` that runs the document's files. */
async function nodeForFiles(folder: string, files: ReadonlyMap<string, string>): Promise<string> {
  const bin = join(folder, 'bin')
  await mkdir(bin, { recursive: true })
  const cases: string[] = []
  for (const [name, path] of files)
    cases.push(`${name}) shift; exec '${process.execPath}' '${await bundle(path, join(folder, 'bundle'))}' "$@";;`)
  const script = `#!/bin/sh\ncase "$1" in\n${cases.join('\n')}\n*) exec '${process.execPath}' "$@";;\nesac\n`
  await writeFile(join(bin, 'node'), script, { mode: 0o755 })
  return bin
}

function lengthOfLines(printed: string, shown: string): number {
  const lines = shown.trimEnd().split('\n').length
  return printed.split('\n').slice(0, lines).join('\n').length + 1
}

async function at<T>(place: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw new Error(`${place}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
