/**
 * Back-pressure: what every call that hands over a message returns.
 *
 * `undefined`: go on. A promise: wait for it before sending more. It never rejects, and it resolves also when the receiver stops, so that waiting
 * for it is always safe. A sender that keeps ignoring it runs into the mailbox's hard bound.
 */
export type Pressure = Promise<void> | undefined

/** Ignores a pressure on purpose: for single messages, where waiting would change nothing. */
export function dropPressure(pressure: Pressure): void {
  void pressure
}
