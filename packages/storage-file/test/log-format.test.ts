import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Change,
  changeLength,
  decodeBody,
  decodeFileHeader,
  decodeFrameHeader,
  encodeFileHeader,
  encodeFrame,
  entryLength,
  FILE_HEADER_LENGTH,
  FRAME_HEADER_LENGTH,
  isBodyOf,
} from '../src/log-format.ts'

const SALT = Uint8Array.from({ length: 12 }, (_, at) => at)
const BODY_CHECK = '17727a45836dcc2c37d1f5c062e6d9c2'
const HEADER_CHECK = 'aad2b4707b4e37d0'
const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
const frameOf = (changes: readonly Change[], sequence = 1): Uint8Array =>
  encodeFrame(
    SALT,
    sequence,
    changes,
    changes.reduce((sum, change) => sum + changeLength(change), 0),
  )

const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, value: fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)) }),
  fc.record({ kind: fc.constant('delete' as const), key }),
)

const mutated = fc.tuple(fc.array(change, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255)).map(([changes, at, byte]) => {
  const body = frameOf(changes).slice(FRAME_HEADER_LENGTH)
  body[at % body.length] = byte
  return body
})

describe('the log format, version 1', () => {
  // Known answer, computed from the README by a program in another language (Python's struct and hashlib): programs of later versions must still read these bytes.
  it('writes the frame that it has always written', () => {
    const frame = frameOf([
      { kind: 'set', key: 'caf\u00e9', value: Uint8Array.of(1, 2, 3) },
      { kind: 'delete', key: 'x' },
    ])
    const body = '0100000005636166c3a900000003010203020000000178'
    expect(hex(frame)).toBe(`f54f4b46000000170000000000000001${BODY_CHECK}${HEADER_CHECK}${body}`)
  })

  it('gives every new log a salt of its own and reads its header back', () => {
    const [first, second] = [encodeFileHeader(), encodeFileHeader()]
    expect(first.bytes).toHaveLength(FILE_HEADER_LENGTH)
    expect(first.salt).not.toEqual(second.salt)
    expect(decodeFileHeader(first.bytes)).toEqual({ salt: first.salt })
  })

  it('refuses a header with any byte changed, saying why', () => {
    const { bytes } = encodeFileHeader()
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] ?? 0) ^ 1
      expect(decodeFileHeader(damaged), `byte ${at}`).toBeTypeOf('string')
      expect(decodeFileHeader(bytes.subarray(0, at)), `${at} bytes`).toBeTypeOf('string')
    }
  })

  it('brings back the changes that were encoded, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(change), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (changes, sequence) => {
        const frame = frameOf(changes, sequence)
        const header = decodeFrameHeader(SALT, frame)
        const body = frame.subarray(FRAME_HEADER_LENGTH)
        expect(header).toMatchObject({ sequence, bodyLength: body.length })
        expect(header !== undefined && isBodyOf(header, SALT, body)).toBe(true)
        expect(decodeBody(body)).toEqual(changes)
      }),
    )
  })

  it('notices any changed bit of a frame, a frame moved to another place, and a frame of another log', () => {
    const frame = frameOf([{ kind: 'set', key: 'key', value: new Uint8Array(5) }], 7)
    const isGood = (bytes: Uint8Array, salt = SALT): boolean => {
      const header = decodeFrameHeader(salt, bytes)
      return header?.sequence === 7 && isBodyOf(header, salt, bytes.subarray(FRAME_HEADER_LENGTH))
    }
    expect(isGood(frame)).toBe(true)
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const damaged = frame.slice()
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(isGood(damaged), `bit ${bit}`).toBe(false)
    }
    expect(
      isGood(
        frame,
        SALT.map((byte) => byte ^ 1),
      ),
    ).toBe(false)
    const other = frameOf([{ kind: 'set', key: 'key', value: Uint8Array.of(0, 0, 0, 0, 1) }], 8)
    expect(isGood(other)).toBe(false)
    const moved = other.slice()
    moved.set(frame.subarray(0, FRAME_HEADER_LENGTH), 0)
    expect(isGood(moved)).toBe(false)
  })

  it('decodes no random body to anything but changes or undefined', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), mutated), (body) => {
        const changes = decodeBody(body)
        if (changes !== undefined) expect(hex(frameOf(changes).subarray(FRAME_HEADER_LENGTH))).toBe(hex(body))
      }),
    )
  })

  it('counts what an entry takes in the log', () => {
    expect(entryLength('caf\u00e9', new Uint8Array(3))).toBe(17)
    expect(changeLength({ kind: 'delete', key: 'x' })).toBe(6)
  })
})
