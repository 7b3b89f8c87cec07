/** One run of the built command as a process that a test can signal, and watch while it runs. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { BUILT, type CommandHome, type Finished } from './built-command.ts'

const SIGNAL_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGKILL: 137 }

export interface RunningCommand {
  readonly process: ChildProcess
  /** Resolves when its standard output, or error, has the text; rejects when it ends without. */
  readonly says: (text: string) => Promise<void>
  readonly finished: Promise<Finished>
}

export function startCommand({ folder, environment }: CommandHome, words: readonly string[]): RunningCommand {
  const child = spawn(process.execPath, [BUILT, ...words], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
  const finished = once(child, 'close').then(([code, signal]) => ({
    stdout,
    stderr,
    code: (code as number | null) ?? SIGNAL_CODES[String(signal)] ?? -1,
  }))
  let hasEnded = false
  finished.finally(() => (hasEnded = true)).catch(() => undefined)
  const says = async (text: string): Promise<void> => {
    while (!stdout.includes(text) && !stderr.includes(text)) {
      if (hasEnded) throw new Error(`ockam ${words.join(' ')} ended without "${text}": ${stdout}${stderr}`)
      await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), finished])
    }
  }
  return { process: child, says, finished }
}
