/**
 * What may wait in all mailboxes of a node together. Every mailbox has bounds of its own; this one is for when there are thousands of them.
 *
 * From half of the limit on, the other half is divided among all mailboxes, and one that holds more than its share counts as full: its senders are
 * asked to wait (transports stop reading), or its messages are dropped where that is its rule. At the limit, what comes from outside is dropped where
 * it is over the share.
 *
 * A mailbox's senders never wait for anything but that mailbox: as soon as it is empty they go on, however full the node is. So whatever drains the
 * node can always run, and nobody who fills it can stop the others.
 *
 * Not here: what transports hold besides, unfinished frames and unsent bytes; they have limits of their own.
 */

/** Counted for each message in addition to its payload: the message, its routes, its place in the queue. */
export const MESSAGE_BYTES = 256

export class WaitingBudget {
  readonly maxBytes: number
  /** From here on mailboxes are held to their share. */
  readonly scarceBytes: number
  /** Bytes waiting or in hand now, {@link MESSAGE_BYTES} for each message included. Changed by mailboxes alone. */
  bytes = 0
  /** Mailboxes there are. Changed by the registry of workers alone. */
  mailboxes = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
    this.scarceBytes = Math.floor(maxBytes / 2)
  }

  get isSpent(): boolean {
    return this.bytes >= this.maxBytes
  }

  /** Bytes that each mailbox may hold while the budget is scarce. */
  get share(): number {
    return Math.floor((this.maxBytes - this.scarceBytes) / Math.max(1, this.mailboxes))
  }
}
