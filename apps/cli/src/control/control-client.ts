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
  /** For what a node does at once. Default 60 000. */
  readonly timeoutMs?: number
  /** What comes on top of it: the limit that the node has for something it waits for. It says itself when that ran out. Default 0. */
  readonly operationMs?: number
  readonly signal?: AbortSignal
  /** Waits after the answer until the node has closed the connection, which it does when its process ends. */
  readonly untilClosed?: boolean
}

const DEFAULT_TIMEOUT_MS = 60_000
const MAX_TIMER_MS = 2_147_483_647

/**
 * @throws {CommandError} `cli/node-down` when nobody listens, `cli/timeout`, and what the node answers.
 */
export async function control(target: ControlTarget, method: string, parameters: unknown, options: ControlOptions = {}): Promise<unknown> {
  const { operationMs = 0, signal } = options
  const timeoutMs = Math.min((options.timeoutMs ?? DEFAULT_TIMEOUT_MS) + operationMs, MAX_TIMER_MS)
  const socket = await open(target)
  const abort = (): void => void socket.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const answer = readFrame(socket, timeoutMs)
    socket.write(encodeFrame({ version: CONTROL_VERSION, method, parameters }))
    const value = await answer.catch((error: unknown) => {
      throw CommandError.isCommandError(error) && error.code === 'cli/timeout' ? noAnswer(target, timeoutMs, error) : error
    })
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

function noAnswer({ name }: ControlTarget, timeoutMs: number, cause: unknown): CommandError {
  const hint = 'See whether it is well: ockam doctor'
  return new CommandError('cli/timeout', `Node "${name}" did not answer within ${timeoutMs} ms.`, { hint, cause })
}

function endedWithoutAnswer({ name }: ControlTarget): CommandError {
  return new CommandError('cli/node-down', `Node "${name}" ended before it answered.`, { hint: `See why: ockam node logs ${name} --print` })
}
