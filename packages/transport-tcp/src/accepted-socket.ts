/**
 * Lets an accepted socket read into memory of ours, as a dialled one may: Node has the option `onread` for sockets that are made, not for those that a
 * server accepts. So a second socket is made for the same handle. It needs two inner properties of Node's sockets, which have been the same since
 * Node 10; where either is not as expected, nothing is touched, and the socket is read by `data` events.
 */

import { type OnReadOpts, type Server, Socket, type SocketConstructorOpts } from 'node:net'

/** What Node's sockets have inside. */
interface Inner {
  _handle?: { readonly useUserBuffer?: unknown; readonly reading?: unknown } | null
  /** Counts its connections, and is told of the end of each. */
  _server?: Server | null
}

/**
 * @param socket just accepted: within the event that brought it, before anything was read.
 * @returns the socket to use from now on; the one given is of no more use. Undefined when this Node cannot do it: then that one is as it was.
 */
export function withOwnMemory(socket: Socket, onread: OnReadOpts): Socket | undefined {
  const inner = socket as Socket & Inner
  const { _handle: handle, _server: server } = inner
  if (typeof handle?.useUserBuffer !== 'function' || server === null || typeof server !== 'object' || socket.bytesRead > 0) return undefined
  const options: SocketConstructorOpts & { readonly handle: object; readonly onread: OnReadOpts } = { handle, allowHalfOpen: true, onread }
  const second = new Socket(options) as Socket & Inner
  if (second._handle !== handle) return undefined
  second._server = server
  inner._server = null
  inner._handle = null
  return second
}
