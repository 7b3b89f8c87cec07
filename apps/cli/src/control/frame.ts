/**
 * Frames of the private interface between the command and its background nodes: four bytes of length, big-endian, then JSON in UTF-8. The length is
 * checked before anything is kept, and one connection carries one request and one answer.
 */

import type { Socket } from 'node:net'
import { CommandError } from '../error.ts'

/** Most bytes of one frame's JSON. */
export const MAX_FRAME_BYTES = 1024 * 1024

/** @throws {CommandError} `cli/failed` for what is too large. */
export function encodeFrame(value: unknown): Uint8Array {
  const json = Buffer.from(JSON.stringify(value), 'utf8')
  if (json.length > MAX_FRAME_BYTES) {
    throw new CommandError(
      'cli/failed',
      `A message between the command and its node has ${json.length} bytes; ${MAX_FRAME_BYTES} are allowed.`,
    )
  }
  const frame = new Uint8Array(4 + json.length)
  new DataView(frame.buffer).setUint32(0, json.length)
  frame.set(json, 4)
  return frame
}

/**
 * The first frame that arrives.
 * @returns undefined when the other side ends without a complete one.
 * @throws {CommandError} `cli/failed` for frames over the limit and for what is not JSON; `cli/timeout`; what the socket fails with.
 */
export function readFrame(socket: Socket, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let received = 0
    const timer = setTimeout(() => settle(() => reject(noAnswer(timeoutMs))), timeoutMs)
    const settle = (outcome: () => void): void => {
      clearTimeout(timer)
      socket.off('data', take).off('end', end).off('close', end).off('error', fail)
      outcome()
    }
    const end = (): void => settle(() => resolve(undefined))
    const fail = (error: Error): void => settle(() => reject(error))
    const take = (chunk: Buffer): void => {
      chunks.push(chunk)
      received += chunk.length
      if (received < 4) return
      const bytes = Buffer.concat(chunks)
      const length = bytes.readUInt32BE(0)
      if (length > MAX_FRAME_BYTES || received > 4 + length) return fail(malformed())
      if (received === 4 + length) settle(() => parse(bytes.subarray(4), resolve, reject))
    }
    socket.on('data', take).on('end', end).on('close', end).on('error', fail)
  })
}

function parse(json: Buffer, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  try {
    resolve(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json)))
  } catch {
    reject(malformed())
  }
}

function malformed(): CommandError {
  return new CommandError('cli/failed', 'What arrived on the control socket is not a message of the private interface.')
}

function noAnswer(timeoutMs: number): CommandError {
  return new CommandError('cli/timeout', `Nothing came through the control socket within ${timeoutMs} ms.`)
}
