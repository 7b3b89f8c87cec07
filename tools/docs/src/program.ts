/** Makes the programs of a document into files, and bundles them: child processes cannot run TypeScript on every supported Node. */

import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { build } from 'tsup'
import { type Block, fileNameOf, reasonNotToRun } from './document.ts'

/** Stands between the output of two blocks. */
export const MARK = '\u0001'

export interface SectionProgram {
  readonly section: string
  /** Positions of its blocks in the document. */
  readonly blocks: readonly number[]
  readonly path: string
}

export interface ExtractedPrograms {
  readonly sections: readonly SectionProgram[]
  /** Files for `sh` blocks to run, by name. */
  readonly files: ReadonlyMap<string, string>
}

/** What readers of a document have, and the document does not show: imported by every program that uses one of the names. */
export interface BroughtAlong {
  readonly module: string
  readonly names: readonly string[]
}

/** Writes all that runs into `folder`, which must be below a folder from which the workspace's packages resolve. */
export async function extract(blocks: readonly Block[], folder: string, brought?: BroughtAlong): Promise<ExtractedPrograms> {
  await mkdir(folder, { recursive: true })
  const files = new Map<string, string>()
  const bySection = new Map<string, number[]>()
  for (const [at, block] of blocks.entries()) {
    if (block.language !== 'ts' || reasonNotToRun(block) !== undefined) continue
    const name = fileNameOf(block)
    if (name === undefined) {
      const section = bySection.get(block.section)
      if (section === undefined) bySection.set(block.section, [at])
      else section.push(at)
      continue
    }
    if (files.has(name)) throw new Error(`Line ${block.line}: there are two files named ${name}.`)
    files.set(name, join(folder, name))
    await writeFile(join(folder, name), block.code)
  }
  const sections: SectionProgram[] = []
  for (const [section, positions] of bySection) {
    const path = join(folder, `section-${sections.length + 1}.ts`)
    const code = positions.map((at) => `${(blocks[at] as Block).code}console.log('\\u0001')\n`).join('')
    const used = brought?.names.filter((name) => new RegExp(`\\b${name}\\(`).test(code)) ?? []
    const brings = used.length === 0 ? '' : `import { ${used.join(', ')} } from '${relative(folder, brought?.module ?? '')}'\n`
    await writeFile(path, `${brings}${code}export {}\n`)
    sections.push({ section, blocks: positions, path })
  }
  return { sections, files }
}

/** Bundles a program, with everything it imports from the workspace's sources, into `folder`. */
export async function bundle(source: string, folder: string): Promise<string> {
  const name = basename(source, '.ts')
  await build({
    config: false,
    silent: true,
    entry: { [name]: source },
    outDir: folder,
    outExtension: () => ({ js: '.mjs' }),
    platform: 'node',
    format: 'esm',
    target: 'node20',
    noExternal: [/^@ockam\//, 'zod', /^@noble\//, /^msgpackr/],
    removeNodeProtocol: false,
    esbuildOptions: (options) => {
      options.conditions = ['@ockam/source']
      // What goes wrong is in the error that is thrown: printed as well, it would look like a failure where one is expected.
      options.logLevel = 'silent'
    },
  })
  return join(folder, `${name}.mjs`)
}
