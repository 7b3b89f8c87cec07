/**
 * Credit windows between two ends of ours: each end sends only what the other has said it can hold, so that a client that does not read costs its
 * own window, and nothing that its neighbours share. Rules and numbers are in `docs/wire.md`.
 *
 * A Payload costs the length of its data and {@link PAYLOAD_COST}, which is more than a Payload that waits for its socket costs its holder besides.
 */

/** What each end may send before it has heard of any credit. */
export const INITIAL_WINDOW: number = 256 * 1024
export const PAYLOAD_COST = 512
/** More than anybody may have outstanding: credit above this is a mistake or an attack. */
const MAX_WINDOW = 0x7fff_ffff

/** What may still be sent. */
export class SendCredit {
  #available = INITIAL_WINDOW
  #received = 0

  /** How many bytes of data the next Payload may carry; 0 or less: none. */
  get dataBytes(): number {
    return this.#available - PAYLOAD_COST
  }

  spend(dataBytes: number): void {
    this.#available -= dataBytes + PAYLOAD_COST
  }

  /** @returns false when that is more credit than there can be. */
  add(bytes: number): boolean {
    this.#received += bytes
    this.#available += bytes
    return bytes > 0 && this.#available <= MAX_WINDOW
  }

  /** So much was granted in all: makes good what was lost. @returns false when it is less than was received, or more than there can be. */
  raiseTo(grantedBytes: number): boolean {
    return grantedBytes === this.#received || this.add(grantedBytes - this.#received)
  }
}

/** What the other side may still send to us, and what it is owed. */
export class ReceiveWindow {
  readonly #windowBytes: number
  #granted = INITIAL_WINDOW
  #owed: number
  /** All that was ever granted, which is more than the other side may have received of it. */
  grantedBytes = 0

  /** @param windowBytes at least {@link INITIAL_WINDOW}: what is held for the other side at a time, at most. */
  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
    this.#owed = windowBytes - INITIAL_WINDOW
  }

  /** A Payload came. @returns false when it was not covered by credit. */
  receive(dataBytes: number): boolean {
    this.#granted -= dataBytes + PAYLOAD_COST
    return this.#granted >= 0
  }

  /** A Payload has left the process. */
  release(dataBytes: number): void {
    this.#owed += dataBytes + PAYLOAD_COST
  }

  /** What is to be granted now: nothing until it is worth a message. */
  grant(): number {
    const owed = this.#owed
    if (owed * 2 < this.#windowBytes) return 0
    this.#owed = 0
    this.#granted += owed
    this.grantedBytes += owed
    return owed
  }
}
