/**
 * The buffer under both writers, CBOR and BARE: room that doubles when it runs out. `finish` hands out a copy and keeps the room, so one writer
 * can encode many messages. It does not wipe what it held: secrets do not belong in a writer that is kept.
 */
export class GrowingBytes {
  /** @internal Where subclasses write; replaced when it grows. */
  protected buffer: Uint8Array<ArrayBuffer>
  /** @internal How much of `buffer` is written. */
  protected position = 0

  /** @param capacity how many bytes to make room for at first. */
  constructor(capacity = 128) {
    this.buffer = new Uint8Array(capacity)
  }

  /** How many bytes are written so far. */
  get length(): number {
    return this.position
  }

  /** @returns a fresh array with exactly the bytes written; the writer is then empty and can be used again. */
  finish(): Uint8Array<ArrayBuffer> {
    const bytes = this.buffer.slice(0, this.position)
    this.position = 0
    return bytes
  }

  /** @internal Makes sure that `count` more bytes fit. */
  protected reserve(count: number): void {
    const needed = this.position + count
    if (needed <= this.buffer.length) return
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2))
    larger.set(this.buffer.subarray(0, this.position))
    this.buffer = larger
  }

  /** @internal Appends a copy of `bytes`. */
  protected append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  /** @internal Appends the characters of ASCII text. */
  protected appendAscii(text: string): void {
    this.reserve(text.length)
    for (let i = 0; i < text.length; i++) this.buffer[this.position++] = text.charCodeAt(i)
  }
}
