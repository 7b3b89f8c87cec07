/**
 * One direction of a channel for the ceiling, sealed and opened in batches: the keystream of many messages from one AES-ECB object per key, XOR and
 * GHASH in the WebAssembly module of the software vault, driven by hand. Larger messages go through node:crypto one by one.
 *
 * Deliberately absent: wiping, checks of ranges, any other use than in order and in place.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { AES_GCM_MODULE } from '../../packages/vault-software/dist/aes-gcm-module-node.js'

const MESSAGES_PER_KEY = 32
/** Plaintexts up to this size are faster in a batch. */
const LONGEST = 2048
const TABLES_AT = 256
const TABLES_LENGTH = 2048
const HASH_KEY_AT = 2560
const KEYSTREAM_AT = HASH_KEY_AT + 16
const LARGEST_SPAN = 98_304
/** Counter blocks of what Noise's REKEY encrypts: nonce 2^64 - 1, counters 2 and 3. */
const REKEY_BLOCKS = Buffer.from('00000000ffffffffffffffff0000000200000000ffffffffffffffff00000003', 'hex')

const { memory, prepare, writeCounters, seal, open } = new WebAssembly.Instance(
  new WebAssembly.Module(Buffer.from(AES_GCM_MODULE, 'base64')),
).exports
const work = new Uint8Array(memory.buffer)

const keystreamLength = (length) => 16 + ((length + 15) & -16)

export class BatchDirection {
  #key
  #blocks
  #tables
  #iv = Buffer.alloc(12)
  /** Nonce of the next message, and of the first that waits. */
  #nonce = 0
  #first = 0
  #bytes
  /** Offset of the text, its length without tag, and for opening two more numbers for the caller; of each message that waits. */
  #waiting = []

  constructor(raw) {
    this.#useKey(raw)
  }

  #useKey(raw) {
    this.#key = createSecretKey(raw)
    this.#blocks = createCipheriv('aes-256-ecb', this.#key, null).setAutoPadding(false)
    work.fill(0, HASH_KEY_AT, KEYSTREAM_AT)
    work.set(this.#blocks.update(work.subarray(HASH_KEY_AT, KEYSTREAM_AT)), HASH_KEY_AT)
    prepare(HASH_KEY_AT)
    this.#tables = work.slice(TABLES_AT, TABLES_AT + TABLES_LENGTH)
  }

  /** Room for the nonce lies at `at`, the plaintext behind it up to `end`; returns the end of the tag. Sealed by `sealNow`. */
  seal(out, at, end) {
    out.writeUInt32BE(Math.floor(this.#nonce / 0x100000000), at)
    out.writeUInt32BE(this.#nonce++ >>> 0, at + 4)
    this.#waiting.push(at + 8, end - at - 8)
    return end + 16
  }

  sealNow(slab) {
    const waiting = this.#waiting
    for (let from = 0; from < waiting.length; ) from = this.#run(slab, waiting, from, 2, seal, sealOne)
    waiting.length = 0
  }

  openLater(bytes, at, end, returnAt, returnEnd) {
    if (bytes.readUInt32BE(at + 4) !== this.#nonce++ >>> 0) throw new Error('A nonce was skipped or came twice.')
    this.#bytes = bytes
    this.#waiting.push(at + 8, end - at - 24, returnAt, returnEnd)
  }

  openNow(onPlaintext) {
    const waiting = this.#waiting
    const bytes = this.#bytes
    for (let from = 0; from < waiting.length; ) from = this.#run(bytes, waiting, from, 4, open, openOne)
    for (let i = 0; i < waiting.length; i += 4) onPlaintext(bytes, waiting[i], bytes, waiting[i + 2], waiting[i + 3])
    waiting.length = 0
  }

  /** As many messages as one key and the memory take; returns where the next one stands. */
  #run(bytes, waiting, from, step, many, one) {
    if (this.#first > 0 && this.#first % MESSAGES_PER_KEY === 0) this.#useKey(this.#blocks.update(REKEY_BLOCKS))
    if (waiting[from + 1] > LONGEST) {
      this.#iv.writeUInt32BE(Math.floor(this.#first / 0x100000000), 4)
      this.#iv.writeUInt32BE(this.#first++ >>> 0, 8)
      one(bytes, waiting[from], waiting[from + 1], this.#key, this.#iv)
      return from + step
    }
    const start = waiting[from]
    let to = from
    let end = start
    let keystream = KEYSTREAM_AT
    const first = this.#first
    do {
      writeCounters(keystream, keystreamLength(waiting[to + 1]) / 16, 0, Math.floor(this.#first / 0x100000000), this.#first >>> 0)
      keystream += keystreamLength(waiting[to + 1])
      end = waiting[to] + waiting[to + 1] + 16
      to += step
      this.#first++
    } while (
      to < waiting.length &&
      this.#first % MESSAGES_PER_KEY !== 0 &&
      waiting[to + 1] <= LONGEST &&
      waiting[to] + LONGEST + 16 - start <= LARGEST_SPAN
    )
    work.set(this.#blocks.update(work.subarray(KEYSTREAM_AT, keystream)), KEYSTREAM_AT)
    work.set(this.#tables, TABLES_AT)
    const texts = keystream
    work.set(bytes.subarray(start, end), texts)
    keystream = KEYSTREAM_AT
    for (let i = from; i < to; i += step) {
      const isDone = many(texts + waiting[i] - start, waiting[i + 1], keystream, 0, 0)
      if (isDone === 0) throw new Error(`Message ${first} or one behind it is a forgery.`)
      keystream += keystreamLength(waiting[i + 1])
    }
    bytes.set(work.subarray(texts, texts + end - start), start)
    return to
  }
}

function sealOne(out, at, length, key, iv) {
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.update(out.subarray(at, at + length)).copy(out, at)
  cipher.final()
  cipher.getAuthTag().copy(out, at + length)
}

function openOne(bytes, at, length, key, iv) {
  const decipher = createDecipheriv('aes-256-gcm', key, iv)
  decipher.setAuthTag(bytes.subarray(at + length, at + length + 16))
  decipher.update(bytes.subarray(at, at + length)).copy(bytes, at)
  decipher.final()
}
