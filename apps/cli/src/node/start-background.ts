/**
 * Starts a node as a process of its own that outlives the command. The command returns when the node is ready or has failed, and then knows why: the
 * child says so on file descriptor 3. What the node has to say later goes to its log.
 */

import { spawn } from 'node:child_process'
import { closeSync, openSync, renameSync, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { CommandError, EXIT_CODES, type CliErrorCode } from '../error.ts'
import type { State } from '../state/state.ts'
import { MAX_LOG_BYTES } from './bounded-log.ts'
import type { Readiness } from './run-node.ts'

const READY_WITHIN_MS = 60_000
const MAX_READINESS_BYTES = 64 * 1024

export interface BackgroundOptions {
  readonly state: State
  readonly name: string
  /** The file of the command itself. */
  readonly program: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Of the vault, when a person gave it. The child takes it out of its environment when it starts. */
  readonly passphrase: string | undefined
  /** Ends the node if it is not ready by then. */
  readonly signal: AbortSignal
}

/** @throws {CommandError} what the node failed with, `cli/failed`. */
export async function startBackground(options: BackgroundOptions): Promise<{ pid: number; address: string | undefined }> {
  const { state, name, program, environment, passphrase, signal } = options
  const path = state.nodes.logPath(name)
  beginAnewWhenLarge(path)
  const log = openSync(path, 'a', 0o600)
  try {
    const child = spawn(process.execPath, [program, 'node', 'create', name, '--foreground', '--child-process'], {
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
      env: { ...environment, OCKAM_HOME: state.path, ...(passphrase !== undefined && { OCKAM_VAULT_PASSPHRASE: passphrase }) },
    })
    const pipe = child.stdio[3] as Readable
    const kill = (): void => void child.kill('SIGKILL')
    const timer = setTimeout(kill, READY_WITHIN_MS)
    signal.addEventListener('abort', kill)
    try {
      signal.throwIfAborted()
      const readiness = await readinessOf(name, pipe, child)
      if ('ready' in readiness) return readiness.ready
      throw asError(readiness.error)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', kill)
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
    throw new CommandError('cli/failed', `Node "${name}" ended before it was ready.`, { hint: `See why: ockam node logs ${name} --print` })
  }
  return JSON.parse(text) as Readiness
}

function asError({ code, message, hint }: { code: string; message: string; hint?: string }): CommandError {
  return new CommandError(Object.hasOwn(EXIT_CODES, code) ? (code as CliErrorCode) : 'cli/failed', message, { hint })
}

function beginAnewWhenLarge(path: string): void {
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {}
  if (size > MAX_LOG_BYTES) renameSync(path, `${path}.1`)
}
