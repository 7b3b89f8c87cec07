/**
 * The node's end of the private interface. The folder the socket lies in belongs to its user alone (0700), and so does the socket; nothing else says
 * who may use it. Connections, bytes and time of each are bounded.
 */

import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { CommandError } from '../error.ts'
import { explain } from '../program/explain.ts'
import { encodeFrame, readFrame } from './frame.ts'
import { CONTROL_VERSION, type ControlAnswer, checkRequest } from './protocol.ts'

const MAX_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 5000
/** Whoever asks for this waits for the end of the node, by the end of the connection. */
const LAST_METHOD = 'node.stop'

/** @param signal aborts when whoever asked has gone away. */
export type ControlHandler = (method: string, parameters: unknown, signal: AbortSignal) => Promise<unknown>

export interface ControlServer {
  /** Takes no more requests. Those under way are finished. */
  close(): void
  /** Ends the connections that are still open: the last thing a node does, for those who wait for its end. */
  release(): void
}

/**
 * Listens. A socket that a killed node left behind is removed: the caller holds the lock of the node, so nobody can be listening there.
 * @throws what listening fails with.
 */
export async function startControlServer(socketPath: string, handle: ControlHandler): Promise<ControlServer> {
  await rm(socketPath, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    answer(socket, handle).catch(() => socket.destroy())
  })
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, socketPath)
  await chmod(socketPath, 0o600)
  return {
    close: () => {
      // Its callback waits for connections; those who wait for the end of the node keep theirs until then.
      server.close()
    },
    release: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function answer(socket: Socket, handle: ControlHandler): Promise<void> {
  const value = await readFrame(socket, REQUEST_TIMEOUT_MS)
  if (value === undefined) return void socket.destroy()
  const gone = new AbortController()
  // Nothing more is expected; without reading, the end of the connection would not be seen.
  socket.resume().once('close', () => gone.abort(new CommandError('cli/failed', 'Whoever asked has gone away.')))
  const reply = await replyTo(value, handle, gone.signal)
  if (socket.destroyed) return
  if ('result' in reply && isLast(value)) return void socket.write(encodeFrame(reply))
  socket.end(encodeFrame(reply))
  // The other side may neither read nor end: its place is for others.
  const timer = setTimeout(() => socket.destroy(), REQUEST_TIMEOUT_MS)
  socket.once('close', () => clearTimeout(timer))
}

const isLast = (value: unknown): boolean => typeof value === 'object' && value !== null && 'method' in value && value.method === LAST_METHOD

async function replyTo(value: unknown, handle: ControlHandler, signal: AbortSignal): Promise<ControlAnswer> {
  try {
    const { method, parameters } = checkRequest(value)
    return { version: CONTROL_VERSION, result: (await handle(method, parameters, signal)) ?? null }
  } catch (error) {
    const { code, message, hint } = explain(error)
    return { version: CONTROL_VERSION, error: { code, message, ...(hint !== undefined && { hint }) } }
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
