/**
 * Runs a program of `test/state/program` in a process of its own. Child processes cannot run TypeScript on every supported Node, so the program is
 * bundled first, from the sources, not from a build that may be old.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { onTestFinished } from 'vitest'

/** Bundles a program into `folder` and returns where it is. */
export async function bundleProgram(source: URL, folder: string): Promise<string> {
  const name = basename(source.pathname, '.ts')
  await build({
    config: false,
    silent: true,
    entry: { [name]: fileURLToPath(source) },
    outDir: folder,
    outExtension: () => ({ js: '.mjs' }),
    platform: 'node',
    format: 'esm',
    target: 'node20',
    noExternal: [/^@ockam\//],
    removeNodeProtocol: false,
    esbuildOptions: (options) => {
      options.conditions = ['@ockam/source']
    },
  })
  return join(folder, `${name}.mjs`)
}

export interface Child {
  readonly process: ChildProcess
  /** Resolves when it has ended and its output is complete. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Resolves with the first line for which `isWanted` holds; rejects when the program ends without one. */
  readonly line: (isWanted: (line: string) => boolean) => Promise<string>
}

/** Starts a bundled program; `onLine` gets every whole line it prints. Its errors go to the test's own. */
export function startProgram(file: string, parameters: readonly string[], onLine: (line: string) => void = () => undefined): Child {
  const child = spawn(process.execPath, [file, ...parameters], { stdio: ['pipe', 'pipe', 'inherit'] })
  // Also when the test fails before it comes to that. Does nothing to a process that has ended.
  onTestFinished(() => void child.kill('SIGKILL'))
  const waiting = new Set<(line: string) => void>()
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    // What a killed process had begun to print is no whole line and counts as not said.
    rest = lines.pop() ?? ''
    for (const line of lines) {
      onLine(line)
      for (const look of waiting) look(line)
    }
  })
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    process: child,
    ended,
    line: (isWanted) =>
      new Promise((resolve, reject) => {
        const look = (line: string): void => {
          if (!isWanted(line)) return
          waiting.delete(look)
          resolve(line)
        }
        waiting.add(look)
        ended.then(({ code }) => reject(new Error(`${file} ended with ${code} without saying what it should.`))).catch(reject)
      }),
  }
}
