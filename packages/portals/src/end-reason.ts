/** Why a connection through a portal ended: for diagnostics at this end. The other end learns that it has ended, and no more. */
export type EndReason =
  /** Both sides had sent all they had. */
  | 'ended'
  /** The other end said Disconnect: its side of the connection is gone. */
  | 'peer-disconnected'
  /** The socket here failed or was closed by its program. */
  | 'socket-closed'
  /** The channel or connection that carried it is gone. */
  | 'route-lost'
  /** The channel was kept when a relay or connection was lost, but bytes of this connection were on their way. */
  | 'messages-lost'
  /** Its client took nothing for too long while others waited. */
  | 'stalled'
  /** The other end broke the rules of counters or credit. */
  | 'protocol-violation'
  /** It carried nothing for long, and its peer, who is at its limit, wanted another one. */
  | 'idle'
  /** Inlet or outlet was closed. */
  | 'closed'
  /** The other end did not say in time that it is there. */
  | 'timeout'
  /** The outlet refused, or could not reach its target. */
  | 'refused'
