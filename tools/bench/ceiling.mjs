/**
 * The ceiling: sender -> TCP -> [relay] -> TCP -> receiver, written by hand in one file with no framework.
 *
 * Same bytes as the product: a version byte, u32 frames, CBOR `[onward route, return route, payload, null]` with 32-character addresses; with
 * encryption the payload is `nonce be64 | AES-256-GCM ciphertext | tag` over a padded channel message, re-keyed every 32 messages, and its outer return route is empty.
 * Tricks: one write per turn from recycled slabs (a slab is reused only after its write has completed), `onread` on dialled sockets, frames cut by offset,
 * route headers encoded once, the relay splices byte ranges.
 *
 * Deliberately absent: validation beyond what cutting needs, access control, flow control, replay window, handshake (the key comes from the runner).
 * With `isBatched`, small messages are sealed and opened many at once by ceiling-batch.mjs instead of one by one by node:crypto; everything else is the same.
 * It shows what these bytes cost at least on this machine; it is not a product. The roles are described in runner/child.mjs.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { BatchDirection } from './ceiling-batch.mjs'

const SLAB = 192 * 1024
const SLABS_IN_FLIGHT = 4
const MAX_FRAME = 16 * 1024 * 1024
const MESSAGES_PER_KEY = 32
const VERSION = Buffer.of(1)

/** An encoded address: array(2), type 0, 32 characters. Fixed texts, so that the processes need not exchange them. */
const address = (digit) => Buffer.concat([Buffer.from('82005820', 'hex'), Buffer.from(digit.repeat(32))])
const ADDRESS_LENGTH = 36
const ADDRESS = {
  application: address('a'),
  worker: address('b'),
  decryptorOfSender: address('c'),
  decryptorOfReceiver: address('d'),
  relayToSender: address('e'),
  relayToReceiver: address('f'),
}
const route = (...addresses) => Buffer.concat([Buffer.of(0x80 + addresses.length), ...addresses])

const isAddress = (bytes, at, expected) => bytes.readUInt32BE(at + 4) === expected.readUInt32BE(4) && bytes[at + 35] === expected[35]

/** Writes the head of a byte string and returns the offset behind it. */
function writeBytesHead(out, at, length) {
  if (length < 24) {
    out[at] = 0x40 + length
    return at + 1
  }
  if (length < 0x100) {
    out[at] = 0x58
    out[at + 1] = length
    return at + 2
  }
  if (length < 0x10000) {
    out[at] = 0x59
    out[at + 1] = length >>> 8
    out[at + 2] = length
    return at + 3
  }
  out[at] = 0x5a
  out.writeUInt32BE(length, at + 1)
  return at + 5
}

let bytesEnd = 0
/** Reads the head of a byte string: returns where its content begins and leaves its end in `bytesEnd`. */
function readBytes(bytes, at) {
  const head = bytes[at]
  if (head < 0x58) {
    bytesEnd = at + 1 + head - 0x40
    return at + 1
  }
  if (head === 0x58) {
    bytesEnd = at + 2 + bytes[at + 1]
    return at + 2
  }
  if (head === 0x59) {
    bytesEnd = at + 3 + ((bytes[at + 1] << 8) | bytes[at + 2])
    return at + 3
  }
  bytesEnd = at + 5 + bytes.readUInt32BE(at + 1)
  return at + 5
}

const skipRoute = (bytes, at) => at + 1 + (bytes[at] - 0x80) * ADDRESS_LENGTH

/** Frames leave in few large writes. `begin` promises room, `end` takes what was written, `flush` writes the turn's frames. */
class SlabWriter {
  #free = []
  #inFlight = 0
  #socket
  #onRoom
  slab = Buffer.allocUnsafeSlow(SLAB)
  at = 0

  /** Called with a slab whose frames are about to leave. */
  onFlush = undefined

  constructor(socket, onRoom) {
    this.#socket = socket
    this.#onRoom = onRoom
    socket.write(VERSION)
  }

  get isFull() {
    return this.#inFlight >= SLABS_IN_FLIGHT
  }

  begin(length) {
    if (this.at + length > SLAB) this.flush()
    return this.at
  }

  flush() {
    if (this.at === 0) return
    const slab = this.slab
    this.onFlush?.(slab)
    this.#inFlight++
    this.#socket.write(slab.subarray(0, this.at), () => {
      this.#free.push(slab)
      this.#inFlight--
      this.#onRoom?.()
    })
    this.slab = this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB)
    this.at = 0
  }
}

/**
 * Calls `onFrame(bytes, from, to)` for every frame in the chunks, and `onEnd()` before the bytes it saw last may change; copies only a frame that
 * lies across two chunks.
 */
class FrameCutter {
  #carry = Buffer.allocUnsafeSlow(SLAB)
  #carried = 0
  #isGreeted = false
  #onFrame
  #onEnd

  constructor(onFrame, onEnd) {
    this.#onFrame = onFrame
    this.#onEnd = onEnd
  }

  push(chunk) {
    const end = chunk.length
    let at = 0
    if (!this.#isGreeted) {
      if (chunk[0] !== 1) throw new Error(`The other side speaks version ${chunk[0]}, expected 1.`)
      this.#isGreeted = true
      at = 1
    }
    while (this.#carried > 0) {
      const wanted = this.#carried < 4 ? 4 : 4 + this.#carry.readUInt32BE(0)
      const taken = Math.min(wanted - this.#carried, end - at)
      chunk.copy(this.#carry, this.#carried, at, at + taken)
      at += taken
      this.#carried += taken
      if (this.#carried < wanted) return
      if (wanted > 4) {
        this.#onFrame(this.#carry, 4, wanted)
        this.#onEnd?.()
        this.#carried = 0
      }
    }
    while (at + 4 <= end) {
      const length = chunk.readUInt32BE(at)
      if (length > MAX_FRAME - 4 || length + 4 > SLAB)
        throw new Error(`A frame of ${length} bytes is longer than this benchmark ever sends.`)
      const next = at + 4 + length
      if (next > end) break
      this.#onFrame(chunk, at + 4, next)
      at = next
    }
    this.#onEnd?.()
    if (at < end) this.#carried = chunk.copy(this.#carry, 0, at, end)
  }
}

/** One direction of a channel: nonce counter, key, re-key. */
class Direction {
  #raw
  #key
  #iv = Buffer.alloc(12)
  #nonce = 0

  constructor(raw) {
    this.#raw = raw
    this.#key = createSecretKey(raw)
  }

  #step() {
    const nonce = this.#nonce++
    if (nonce > 0 && nonce % MESSAGES_PER_KEY === 0) {
      this.#raw = createCipheriv('aes-256-gcm', this.#key, Buffer.from('00000000ffffffffffffffff', 'hex')).update(Buffer.alloc(32))
      this.#key = createSecretKey(this.#raw)
    }
    this.#iv.writeUInt32BE(Math.floor(nonce / 0x100000000), 4)
    this.#iv.writeUInt32BE(nonce >>> 0, 8)
  }

  /** Room for the nonce lies at `at`, the plaintext behind it up to `end`; returns the end of the tag. */
  seal(out, at, end) {
    this.#step()
    this.#iv.copy(out, at, 4)
    const cipher = createCipheriv('aes-256-gcm', this.#key, this.#iv)
    cipher.update(out.subarray(at + 8, end)).copy(out, at + 8)
    cipher.final()
    cipher.getAuthTag().copy(out, end)
    return end + 16
  }

  /** @returns the plaintext in memory of its own; throws when the tag is wrong. */
  open(bytes, at, end) {
    this.#step()
    if (bytes.readUInt32BE(at + 4) !== this.#iv.readUInt32BE(8)) throw new Error('A nonce was skipped or came twice.')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, this.#iv)
    decipher.setAuthTag(bytes.subarray(end - 16, end))
    const plaintext = decipher.update(bytes.subarray(at + 8, end - 16))
    decipher.final()
    return plaintext
  }
}

/** The head of a padded channel message up to its payload: `[[0, [[onward, return, payload]]], padding]`. */
const channelHead = (onward, back) => Buffer.concat([Buffer.from('8282008183', 'hex'), onward, back])
const CHANNEL_ROUTES_AT = 5
const CHANNEL_PADDING = 0x40

/** Writes one frame whose outer routes are `head`; with a channel, `inner` stands in front of the payload inside the ciphertext. */
function writeMessage(writer, head, inner, sealing, payload) {
  const start = writer.begin(head.length + payload.length + 64 + (inner?.length ?? 0))
  const { slab } = writer
  let at = start + 4
  slab[at++] = 0x84
  at += head.copy(slab, at)
  if (inner === undefined) {
    at = writeBytesHead(slab, at, payload.length)
    slab.set(payload, at)
    at += payload.length
  } else {
    const payloadHead = payload.length < 24 ? 1 : payload.length < 0x100 ? 2 : payload.length < 0x10000 ? 3 : 5
    at = writeBytesHead(slab, at, 8 + inner.length + payloadHead + payload.length + 1 + 16)
    let inside = at + 8
    inside += inner.copy(slab, inside)
    inside = writeBytesHead(slab, inside, payload.length)
    slab.set(payload, inside)
    inside += payload.length
    slab[inside++] = CHANNEL_PADDING
    at = sealing.seal(slab, at, inside)
  }
  slab[at++] = 0xf6
  slab.writeUInt32BE(at - start - 4, start)
  writer.at = at
}

/** What a worker gets: a view of its own, not a Buffer. It is part of the job, so the ceiling pays for it too. */
const view = (bytes, from, to) => new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from)

/** Cuts and opens messages for `own`; `onMessage(payload, outer, returnAt, returnEnd)` gets the payload and where in the frame the outer return route stands. */
function readMessages(isSecure, own, opening, onMessage) {
  const onPlaintext = (plaintext, at, outer, returnAt, returnEnd) => {
    const routesAt = at + CHANNEL_ROUTES_AT
    if (!isAddress(plaintext, routesAt + 1, own.worker)) throw new Error('A decrypted message is addressed to somebody else.')
    const innerAt = readBytes(plaintext, skipRoute(plaintext, skipRoute(plaintext, routesAt)))
    onMessage(view(plaintext, innerAt, bytesEnd), outer, returnAt, returnEnd)
  }
  const onFrame = (bytes, from) => {
    if (bytes[from] !== 0x84) throw new Error('A message is not an array of four elements.')
    if (!isAddress(bytes, from + 2, isSecure ? own.decryptor : own.worker)) throw new Error('A message is addressed to somebody else.')
    const returnAt = skipRoute(bytes, from + 1)
    const returnEnd = skipRoute(bytes, returnAt)
    const payloadAt = readBytes(bytes, returnEnd)
    if (!isSecure) onMessage(view(bytes, payloadAt, bytesEnd), bytes, returnAt, returnEnd)
    else if (opening.openLater === undefined) onPlaintext(opening.open(bytes, payloadAt, bytesEnd), 0, bytes, returnAt, returnEnd)
    else opening.openLater(bytes, payloadAt, bytesEnd, returnAt, returnEnd)
  }
  return new FrameCutter(onFrame, isSecure && opening.openLater !== undefined ? () => opening.openNow(onPlaintext) : undefined)
}

const listen = (meter, onSocket) =>
  new Promise((resolve) => {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', (error) => meter.fail(error))
      onSocket(socket)
    })
    server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port }))
  })

/** A dialled socket reads into one buffer for ever; an accepted one cannot, Node offers it 'data' only. */
function dial(target, meter, onChunk) {
  const buffer = Buffer.allocUnsafeSlow(SLAB)
  const socket = connect({
    ...target,
    host: '127.0.0.1',
    noDelay: true,
    onread: { buffer, callback: (length) => onChunk(buffer.subarray(0, length)) },
  })
  socket.on('error', (error) => meter.fail(error))
  return socket
}

const directions = (settings) =>
  settings.keys.map((key) => (settings.isBatched ? new BatchDirection(Buffer.from(key, 'hex')) : new Direction(Buffer.from(key, 'hex'))))

/** Refuses anything but the next message in order. */
function expectNext(settings, meter, payload) {
  if (payload.length !== settings.size) throw new Error(`A payload has ${payload.length} bytes, expected ${settings.size}.`)
  const number = ((payload[0] << 24) | (payload[1] << 16) | (payload[2] << 8) | payload[3]) >>> 0
  if (number !== meter.count >>> 0) throw new Error('A message was lost or came out of order.')
  meter.count++
}

export function receive(settings, meter) {
  const own = { worker: ADDRESS.worker, decryptor: ADDRESS.decryptorOfReceiver }
  const inner = settings.isSecure ? channelHead(route(ADDRESS.application), route(ADDRESS.worker)) : undefined
  return listen(meter, (socket) => {
    const [opening, sealing] = directions(settings)
    const writer = new SlabWriter(socket)
    writer.onFlush = sealing.sealNow?.bind(sealing)
    let head
    const cutter = readMessages(settings.isSecure, own, opening, (payload, outer, returnAt, returnEnd) => {
      expectNext(settings, meter, payload)
      if (settings.scenario !== 'echo') return
      head ??= answerHead(settings.isSecure, outer.subarray(returnAt, returnEnd))
      writeMessage(writer, head, inner, sealing, payload)
    })
    socket.on('data', (chunk) => {
      cutter.push(chunk)
      writer.flush()
    })
  })
}

/** Outer routes of an answer: to where the message came from, and inside a channel on to the sender's decryptor, with nothing to answer on. */
function answerHead(isSecure, returnRoute) {
  if (!isSecure) return Buffer.concat([returnRoute, route(ADDRESS.worker)])
  const hops = returnRoute.subarray(1)
  return Buffer.concat([Buffer.of(returnRoute[0] + 1), hops, ADDRESS.decryptorOfSender, route()])
}

/** Pops its own address from the onward route and pushes the address of the connection the frame came from on the return route. */
function relayFrames(writer, popped, pushed) {
  return new FrameCutter((bytes, from, to) => {
    if (bytes[from] !== 0x84 || !isAddress(bytes, from + 2, popped)) throw new Error('The relay does not know where a message is to go.')
    const returnAt = skipRoute(bytes, from + 1)
    const start = writer.begin(4 + to - from)
    const { slab } = writer
    let at = start + 4
    slab[at++] = 0x84
    slab[at++] = bytes[from + 1] - 1
    at += bytes.copy(slab, at, from + 2 + ADDRESS_LENGTH, returnAt)
    slab[at++] = bytes[returnAt] + 1
    at += pushed.copy(slab, at)
    at += bytes.copy(slab, at, returnAt + 1, to)
    slab.writeUInt32BE(at - start - 4, start)
    writer.at = at
  })
}

export function relay(_settings, meter, target) {
  return listen(meter, (near) => {
    const far = dial(target, meter, (chunk) => {
      back.push(chunk)
      toNear.flush()
      if (toNear.isFull) far.pause()
    })
    const toFar = new SlabWriter(far, () => near.resume())
    const toNear = new SlabWriter(near, () => far.resume())
    const onward = relayFrames(toFar, ADDRESS.relayToReceiver, ADDRESS.relayToSender)
    const back = relayFrames(toNear, ADDRESS.relayToSender, ADDRESS.relayToReceiver)
    near.on('data', (chunk) => {
      onward.push(chunk)
      toFar.flush()
      if (toFar.isFull) near.pause()
    })
  })
}

export function send(settings, meter, target) {
  const own = { worker: ADDRESS.application, decryptor: ADDRESS.decryptorOfSender }
  const [sealing, opening] = directions(settings)
  const payload = Buffer.alloc(settings.size, 0x5a)
  const recipient = settings.isSecure ? ADDRESS.decryptorOfReceiver : ADDRESS.worker
  const onward = settings.isRelayed ? route(ADDRESS.relayToReceiver, recipient) : route(recipient)
  const head = Buffer.concat([onward, settings.isSecure ? route() : route(ADDRESS.application)])
  const inner = settings.isSecure ? channelHead(route(ADDRESS.worker), route(ADDRESS.application)) : undefined
  let sent = 0
  const write = () => {
    payload.writeUInt32BE(sent++ >>> 0, 0)
    writeMessage(writer, head, inner, sealing, payload)
  }

  let startedAt = 0
  const cutter = readMessages(settings.isSecure, own, opening, (payload) => {
    expectNext(settings, meter, payload)
    if (meter.sample(performance.now() - startedAt)) ask()
  })
  const ask = () => {
    startedAt = performance.now()
    write()
    writer.flush()
  }

  let isWaiting = false
  const flood = () => {
    isWaiting = writer.isFull
    if (isWaiting) return
    const before = sent
    const perTurn = Math.max(1, Math.floor((SLAB - 1024) / (settings.size + 256)))
    while (sent - before < perTurn) write()
    writer.flush()
    setImmediate(flood)
  }
  const socket = dial(target, meter, (chunk) => cutter.push(chunk))
  const writer = new SlabWriter(socket, () => {
    if (isWaiting) flood()
  })
  writer.onFlush = sealing.sealNow?.bind(sealing)
  socket.on('connect', settings.scenario === 'echo' ? ask : flood)
}
