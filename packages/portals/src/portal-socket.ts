/** The socket at one end of a portal, with what differs between plain TCP, Unix and TLS sockets. */

import type { Socket } from 'node:net'
import type { SocketReader } from './socket-reader.ts'

export interface PortalSocket {
  readonly socket: Socket
  readonly reader: SocketReader
  /** For diagnostics: the client's address, or the target. */
  readonly remote: string
  /** Plain TCP can tell its peer by a reset that what it got is not all; TLS does so by ending without its alert. */
  readonly canReset: boolean
}

/** Cuts a socket so that its peer does not mistake what it got for all there is. */
export function cut({ socket, canReset }: PortalSocket): void {
  if (socket.destroyed) return
  // All is written, and the end is on its way: the system cannot reset a connection in that moment, and its peer gets the whole.
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
  if (canReset && !isEnding) socket.resetAndDestroy()
  else socket.destroy()
}
