/**
 * The ceiling of channel set-up: a new TCP connection, Noise XX (25519, AES-256-GCM, SHA-256) with three signatures of the peer's identity checked on each side, one encrypted
 * round trip, close. By hand over `node:crypto`, in frames like the product's. Public keys are imported anew for every handshake, as for strangers; private keys are KeyObjects.
 *
 * Deliberately absent: real identity documents (three signed blobs of about their size stand in for them), attestations' dates, credentials, deadlines, limits.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { connect, createServer } from 'node:net'

const VERSION = Buffer.of(1)
const PROTOCOL = Buffer.from('OCKAM_XX_25519_AES256_GCM_SHA256')
const NOTHING = Buffer.alloc(0)
const BLOB = 100
const SIGNATURES = 3
const IDENTITY_LENGTH = 32 + SIGNATURES * (BLOB + 64)
const GREETING = 64

const rawOf = (publicKey) => Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url')
const importKey = (crv, raw) => createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv, x: raw.toString('base64url') } })

/** Long-lived keys of one side and what it shows of itself; the last blob begins with its static key. */
function createIdentity() {
  const signing = generateKeyPairSync('ed25519')
  const fixed = generateKeyPairSync('x25519')
  const blobs = Array.from({ length: SIGNATURES }, () => randomBytes(BLOB))
  rawOf(fixed.publicKey).copy(blobs[SIGNATURES - 1])
  const shown = Buffer.concat([rawOf(signing.publicKey), ...blobs.flatMap((blob) => [blob, sign(null, blob, signing.privateKey)])])
  return { fixed, shown }
}

function checkIdentity(shown, staticKey) {
  if (shown.length !== IDENTITY_LENGTH) throw new Error('An identity has a wrong length.')
  let last
  for (let at = 32; at < shown.length; at += BLOB + 64) {
    last = shown.subarray(at, at + BLOB)
    const key = importKey('Ed25519', shown.subarray(0, 32))
    if (!verify(null, last, key, shown.subarray(at + BLOB, at + BLOB + 64))) throw new Error('A signature is wrong.')
  }
  if (!last.subarray(0, 32).equals(staticKey)) throw new Error('An identity belongs to another static key.')
}

const hmac = (key, ...parts) => parts.reduce((mac, part) => mac.update(part), createHmac('sha256', key)).digest()

function gcm(key, nonce, aad) {
  const iv = Buffer.alloc(12)
  iv.writeUInt32BE(nonce, 8)
  return {
    seal(plaintext) {
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(aad)
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed) {
      const end = sealed.length - 16
      const decipher = createDecipheriv('aes-256-gcm', key, iv).setAAD(aad).setAuthTag(sealed.subarray(end))
      return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()])
    },
  }
}

/** Noise's symmetric state with both parties' keys: section 5.2 and the XX pattern of the Noise specification, revision 34. */
class Handshake {
  #h = createHash('sha256').update(PROTOCOL).digest()
  #ck = PROTOCOL
  #key
  #nonce = 0
  #own
  #ephemeral = generateKeyPairSync('x25519')
  #remoteEphemeral
  #remoteStatic

  constructor(own) {
    this.#own = own
  }

  #mixHash(bytes) {
    this.#h = createHash('sha256').update(this.#h).update(bytes).digest()
  }

  #expand(input) {
    const temporary = hmac(this.#ck, input)
    const first = hmac(temporary, Buffer.of(1))
    return [first, hmac(temporary, first, Buffer.of(2))]
  }

  #mixKey(privateKey, publicKey) {
    ;[this.#ck, this.#key] = this.#expand(diffieHellman({ privateKey, publicKey }))
    this.#nonce = 0
  }

  #seal(plaintext) {
    const sealed = this.#key === undefined ? plaintext : gcm(this.#key, this.#nonce++, this.#h).seal(plaintext)
    this.#mixHash(sealed)
    return sealed
  }

  #open(sealed) {
    const plaintext = this.#key === undefined ? sealed : gcm(this.#key, this.#nonce++, this.#h).open(sealed)
    this.#mixHash(sealed)
    return plaintext
  }

  #writeEphemeral() {
    const raw = rawOf(this.#ephemeral.publicKey)
    this.#mixHash(raw)
    return raw
  }

  #readEphemeral(raw) {
    this.#mixHash(raw)
    this.#remoteEphemeral = importKey('X25519', raw)
  }

  #readIdentity(sealed) {
    const raw = this.#open(sealed.subarray(0, 48))
    this.#remoteStatic = importKey('X25519', raw)
    return raw
  }

  writeFirst() {
    return Buffer.concat([this.#writeEphemeral(), this.#seal(NOTHING)])
  }

  readFirst(message) {
    this.#readEphemeral(message.subarray(0, 32))
    this.#open(message.subarray(32))
  }

  writeSecond() {
    const ephemeral = this.#writeEphemeral()
    this.#mixKey(this.#ephemeral.privateKey, this.#remoteEphemeral)
    const fixed = this.#seal(rawOf(this.#own.fixed.publicKey))
    this.#mixKey(this.#own.fixed.privateKey, this.#remoteEphemeral)
    return Buffer.concat([ephemeral, fixed, this.#seal(this.#own.shown)])
  }

  readSecond(message) {
    this.#readEphemeral(message.subarray(0, 32))
    this.#mixKey(this.#ephemeral.privateKey, this.#remoteEphemeral)
    const fixed = this.#readIdentity(message.subarray(32))
    this.#mixKey(this.#ephemeral.privateKey, this.#remoteStatic)
    checkIdentity(this.#open(message.subarray(80)), fixed)
  }

  writeThird() {
    const fixed = this.#seal(rawOf(this.#own.fixed.publicKey))
    this.#mixKey(this.#own.fixed.privateKey, this.#remoteEphemeral)
    return Buffer.concat([fixed, this.#seal(this.#own.shown)])
  }

  readThird(message) {
    const fixed = this.#readIdentity(message)
    this.#mixKey(this.#ephemeral.privateKey, this.#remoteStatic)
    checkIdentity(this.#open(message.subarray(48)), fixed)
  }

  split() {
    return this.#expand(NOTHING)
  }
}

/** `84 81 <address> 81 <address> 59 <length> payload f6`; the addresses do not matter here, their size does. */
const ROUTES = Buffer.concat([
  Buffer.of(0x84),
  ...['a', 'b'].flatMap((digit) => [Buffer.from('8182005820', 'hex'), Buffer.from(digit.repeat(32))]),
])
const PAYLOAD_AT = 4 + ROUTES.length + 3

function frame(payload) {
  const head = Buffer.alloc(PAYLOAD_AT)
  head.writeUInt32BE(PAYLOAD_AT - 4 + payload.length + 1)
  ROUTES.copy(head, 4)
  head[PAYLOAD_AT - 3] = 0x59
  head.writeUInt16BE(payload.length, PAYLOAD_AT - 2)
  return Buffer.concat([head, payload, Buffer.of(0xf6)])
}

/** Hands over the payload of each frame behind the version byte. */
function onPayload(socket, handle) {
  let pending = NOTHING
  let isGreeted = false
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    if (!isGreeted) {
      if (pending[0] !== 1) throw new Error('The other side speaks another version.')
      isGreeted = true
      pending = pending.subarray(1)
    }
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const end = 4 + pending.readUInt32BE(0)
      handle(pending.subarray(PAYLOAD_AT, end - 1))
      pending = pending.subarray(end)
    }
  })
}

export function receive(_settings, meter) {
  const identity = createIdentity()
  const server = createServer({ noDelay: true }, (socket) => {
    const handshake = new Handshake(identity)
    let step = 0
    let keys
    socket.on('error', (error) => meter.fail(error))
    socket.write(VERSION)
    onPayload(socket, (payload) => {
      step++
      if (step === 1) {
        handshake.readFirst(payload)
        socket.write(frame(handshake.writeSecond()))
      } else if (step === 2) {
        handshake.readThird(payload)
        keys = handshake.split()
      } else socket.write(frame(gcm(keys[1], 0, NOTHING).seal(gcm(keys[0], 0, NOTHING).open(payload))))
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port })))
}

export function send(_settings, meter, target) {
  const identity = createIdentity()
  const greeting = randomBytes(GREETING)
  const next = () => {
    const socket = connect({ ...target, host: '127.0.0.1', noDelay: true })
    const handshake = new Handshake(identity)
    let keys
    socket.on('error', (error) => meter.fail(error))
    socket.write(Buffer.concat([VERSION, frame(handshake.writeFirst())]))
    onPayload(socket, (payload) => {
      if (keys === undefined) {
        handshake.readSecond(payload)
        const third = handshake.writeThird()
        keys = handshake.split()
        socket.write(Buffer.concat([frame(third), frame(gcm(keys[0], 0, NOTHING).seal(greeting))]))
        return
      }
      if (!gcm(keys[1], 0, NOTHING).open(payload).equals(greeting)) throw new Error('The answer is not what was asked.')
      meter.count++
      socket.end()
      next()
    })
  }
  next()
}
