/** Codes thrown by `@ockam/node` itself; most errors come from the packages it composes. */
export type NodeErrorCode =
  /** The address of `openSecureChannel` does not end with a listener such as `/secure/api`. */
  'node/not-a-listener'
