/**
 * Starts a node as a process of its own that outlives the command. The command returns when the node is ready or has failed, and then knows why: the
 * child says so on file descriptor 3. What the node has to say later goes to its log.
 */

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { CommandError, EXIT_CODES, type CliErrorCode } from '../error.ts'
import type { Home } from '../home.ts'
import type { Readiness } from './run-node.ts'

const READY_WITHIN_MS = 60_000
const MAX_READINESS_BYTES = 64 * 1024

/** @param program the file of the command itself. @throws {CommandError} what the node failed with, `cli/timeout`. */
export async function startBackground(home: Home, name: string, program: string): Promise<{ pid: number; address: string | undefined }> {
  const log = openSync(home.logPath(name), 'a', 0o600)
  try {
    const child = spawn(process.execPath, [program, 'node', 'create', name, '--foreground', '--child-process'], {
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
      env: { ...process.env, OCKAM_HOME: home.path },
    })
    const pipe = child.stdio[3] as Readable
    const timer = setTimeout(() => child.kill('SIGKILL'), READY_WITHIN_MS)
    try {
      const readiness = await readinessOf(name, pipe, child)
      if ('ready' in readiness) return readiness.ready
      throw asError(readiness.error)
    } finally {
      clearTimeout(timer)
      pipe.destroy()
      child.unref()
    }
  } finally {
    closeSync(log)
  }
}

async function readinessOf(
  name: string,
  pipe: Readable,
  child: { once(event: 'error', listener: (e: Error) => void): unknown },
): Promise<Readiness> {
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  const line = (async () => {
    let text = ''
    for await (const chunk of pipe) {
      text += String(chunk)
      if (text.includes('\n') || text.length > MAX_READINESS_BYTES) break
    }
    return text
  })()
  const text = await Promise.race([line, failed])
  if (text === '') {
    throw new CommandError('cli/failed', `Node "${name}" ended before it was ready.`, { hint: `See why: ockam node logs ${name}` })
  }
  return JSON.parse(text) as Readiness
}

function asError({ code, message, hint }: { code: string; message: string; hint?: string }): CommandError {
  return new CommandError(code in EXIT_CODES ? (code as CliErrorCode) : 'cli/failed', message, { hint })
}
