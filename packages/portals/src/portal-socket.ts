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

/**
 * Cuts a socket so that its peer does not mistake what it got for all there is. Not to be called while something is unwritten that `end()` waits for:
 * a socket that is about to end cannot be reset.
 */
export function cut({ socket, canReset }: PortalSocket): void {
  if (socket.destroyed) return
  if (canReset && (!socket.writableEnded || socket.writableFinished)) socket.resetAndDestroy()
  else socket.destroy()
}
