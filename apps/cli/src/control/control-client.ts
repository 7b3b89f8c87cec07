/** Asks a background node to do something. One connection, one request, one answer. */

import { connect, type Socket } from 'node:net'
import { CommandError } from '../error.ts'
import { encodeFrame, readFrame } from './frame.ts'
import { CONTROL_VERSION, resultOf } from './protocol.ts'

export interface ControlTarget {
  /** For messages. */
  readonly name: string
  readonly socketPath: string
}

export interface ControlOptions {
  /** For everything. Default 60 000: the node has shorter limits of its own and says which one ran out. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Waits after the answer until the node has closed the connection, which it does when its process ends. */
  readonly untilClosed?: boolean
}

const DEFAULT_TIMEOUT_MS = 60_000

/**
 * @throws {CommandError} `cli/node-down` when nobody listens, `cli/timeout`, and what the node answers.
 */
export async function control(target: ControlTarget, method: string, parameters: unknown, options: ControlOptions = {}): Promise<unknown> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options
  const socket = await open(target)
  const abort = (): void => void socket.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const answer = readFrame(socket, timeoutMs)
    socket.write(encodeFrame({ version: CONTROL_VERSION, method, parameters }))
    const value = await answer
    signal?.throwIfAborted()
    if (value === undefined) throw endedWithoutAnswer(target)
    const result = resultOf(value)
    if (options.untilClosed === true) await within(closed, timeoutMs, target)
    return result
  } finally {
    signal?.removeEventListener('abort', abort)
    socket.destroy()
  }
}

function open({ name, socketPath }: ControlTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    socket.once('connect', () => resolve(socket.off('error', fail)))
    const fail = (cause: Error & { readonly code?: string }): void => {
      const isGone = cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED'
      if (isGone) reject(nodeDown(name))
      else reject(new CommandError('cli/failed', `The control socket of node "${name}" cannot be used: ${cause.message}.`, { cause }))
    }
    socket.once('error', fail)
  })
}

function within(done: Promise<void>, timeoutMs: number, { name }: ControlTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new CommandError('cli/timeout', `Node "${name}" did not end within ${timeoutMs} ms.`))
    const timer = setTimeout(late, timeoutMs)
    done.then(
      () => {
        clearTimeout(timer)
        resolve()
      },
      () => undefined,
    )
  })
}

export function nodeDown(name: string): CommandError {
  return new CommandError('cli/node-down', `Node "${name}" is not running.`, { hint: `Start it: ockam node start ${name}` })
}

function endedWithoutAnswer({ name }: ControlTarget): CommandError {
  return new CommandError('cli/node-down', `Node "${name}" ended before it answered.`, { hint: `See why: ockam node logs ${name}` })
}
