/** What all connections of an inlet or outlet have moved. */
export interface Traffic {
  /** From sockets into the portal. */
  sentBytes: number
  /** Out of the portal to sockets. */
  receivedBytes: number
}
