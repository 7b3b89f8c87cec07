/** Codes thrown by `@ockam/node` itself; most errors come from the packages it composes. */
export type NodeErrorCode =
  /** An argument has the wrong type or range. */
  | 'node/invalid-argument'
  /** The address of `openSecureChannel` does not end with a listener such as `/secure/api`. */
  | 'node/not-a-listener'
  /** Identity and trust were given for secure hops that the address does not have: they would protect nothing. */
  | 'node/no-secure-hop'
  /** The way of a session was lost while an answer was awaited. */
  | 'node/interrupted'
  /** A session is not up: nothing can be sent along it now. */
  | 'node/not-connected'
  /** Not everything that was needed could be opened in time. */
  | 'node/timeout'
  /** The peer did not answer along the new way of a channel; the old way was kept. */
  | 'node/move-unconfirmed'
  /** A `secure` hop of an address has no identity or no trust policy of its own. */
  | 'secure-channel/trust-missing'
