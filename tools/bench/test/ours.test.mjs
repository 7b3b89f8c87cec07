/** Our contestant does the job it is timed for, on the sources: each scenario, plain and secure, direct and through the relay service. Its roles run in this process. */
import { findNativeAead } from '@ockam/aead-native'
import { describe, expect, test } from 'vitest'
import { create } from '../codec/ours-changing-routes.mjs'
import { receive, relay, send } from '../ours/node.mjs'

const keys = ['11'.repeat(32), '22'.repeat(32)]
const MESSAGES = 3000
const QUESTIONS = 50

/** Resolves when the receiver has so many, or the sender so many answers or channels; rejects with what a role says is wrong. */
async function run(aCase, { messages = Number.POSITIVE_INFINITY, answers = Number.POSITIVE_INFINITY }) {
  const settings = { size: 64, isRelayed: false, ...aCase, keys }
  return new Promise((resolve, reject) => {
    let isDone = false
    const meter = (limit) => {
      let count = 0
      const add = () => {
        isDone ||= ++count >= limit
        if (isDone) resolve(count)
        return !isDone
      }
      return {
        get isDone() {
          return isDone
        },
        get count() {
          return count
        },
        set count(value) {
          add()
        },
        sample: add,
        fail: reject,
      }
    }
    const start = async () => {
      const between = settings.isRelayed ? await relay() : undefined
      const target = await receive(settings, meter(messages), between)
      await send(settings, meter(answers), target)
    }
    start().catch(reject)
  })
}

describe.skipIf(findNativeAead() === undefined)('our contestant with the native AEAD', () => {
  test('delivers and answers encrypted messages, and opens channels', async () => {
    expect(await run({ scenario: 'throughput', isSecure: true, isNative: true }, { messages: MESSAGES })).toBe(MESSAGES)
    expect(await run({ scenario: 'echo', isSecure: true, isNative: true }, { answers: QUESTIONS })).toBe(QUESTIONS)
    expect(await run({ scenario: 'handshake', isSecure: true, isNative: true }, { answers: 5 })).toBe(5)
  })
})

describe('our contestant', () => {
  for (const isSecure of [false, true])
    for (const isRelayed of [false, true]) {
      const what = `${isSecure ? 'encrypted' : 'plain'} messages ${isRelayed ? 'through a relay' : 'directly'}`
      test(`delivers ${what}, in order`, async () => {
        expect(await run({ scenario: 'throughput', isSecure, isRelayed }, { messages: MESSAGES })).toBe(MESSAGES)
      })
      test(`answers ${what}`, async () => {
        expect(await run({ scenario: 'echo', isSecure, isRelayed }, { answers: QUESTIONS })).toBe(QUESTIONS)
      })
    }

  test('delivers plain messages in place, in order', async () => {
    expect(await run({ scenario: 'throughput', isSecure: false, isInPlace: true }, { messages: MESSAGES })).toBe(MESSAGES)
  })

  for (const forgetsVerified of [false, true])
    test(`opens one channel after the other, ${forgetsVerified ? 'verifying each anew' : 'remembering what it verified'}`, async () => {
      expect(await run({ scenario: 'handshake', isSecure: true, forgetsVerified }, { answers: 5 })).toBe(5)
    })
})

test('the codec with changing routes changes both routes of every message it times', () => {
  const codec = create({ type: 0, value: new Uint8Array(12).fill(0x61) })
  const address = () => ({ type: 0, value: new Uint8Array(12).fill(0x62) })
  const message = { onward: [address(), address(), address()], back: [address(), address(), address()], payload: new Uint8Array(100) }
  const messages = codec.prepare(message)
  const bytes = new Uint8Array(codec.encode(messages))
  const onwardRoutes = new Set()
  const returnRoutes = new Set()
  for (let i = 0; i < 64; i++) {
    codec.vary(bytes)
    const { onward, back } = codec.read(codec.decode(bytes))
    onwardRoutes.add(String(onward.map(({ value }) => value)))
    returnRoutes.add(String(back.map(({ value }) => value)))
  }
  expect(onwardRoutes.size).toBe(64)
  expect(returnRoutes.size).toBe(64)
  const encoded = new Set(messages.map(() => Buffer.from(codec.encode(messages)).toString('hex')))
  expect(encoded.size).toBe(64)
})
