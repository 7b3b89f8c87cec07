/** What may be under way along one channel: the order in which connections get room, and that none waits for ever. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PathUser, PathWindow } from '../src/path-window.ts'

const KIB = 1024
const WINDOW = 128 * KIB
/** Of each Payload's data; a Payload costs 1 KiB more. */
const DATA = 7 * KIB

let lastNumber = 0
const random = { bytes: () => new Uint8Array(new BigUint64Array([BigInt(++lastNumber)]).buffer) }

/** The other program, as far as a window sees it: what was sent to it, in order. */
class Path {
  readonly window = new PathWindow(random)
  /** In the order in which they were sent, with who sent them, and how many Payloads had been sent before. */
  readonly challenges: { readonly number: bigint; readonly by: Sender; readonly after: number }[] = []
  sent = 0
  /** Payloads that are known to have come. */
  arrived = 0

  /** The oldest challenge arrives, and is answered if its connection still has an end there. @returns false when none is under way. */
  answer(): boolean {
    const challenge = this.challenges.shift()
    if (challenge === undefined) return false
    if (!challenge.by.isGone) {
      this.arrived = challenge.after
      this.window.answered(challenge.number)
    }
    return true
  }

  answerAll(): void {
    for (let i = 0; i < 10_000 && this.answer(); i++);
  }
}

/** A connection with so many Payloads to send. */
class Sender implements PathUser {
  readonly maxInFlightBytes: number
  readonly #path: Path
  sent = 0
  isGone = false
  left: number
  readonly data: number

  constructor(path: Path, payloads: number, { maxInFlightBytes = WINDOW, data = DATA } = {}) {
    this.#path = path
    this.data = data
    this.left = payloads
    this.maxInFlightBytes = maxInFlightBytes
  }

  goOn(): void {
    while (this.left > 0 && this.#path.window.take(this, this.data)) {
      this.left--
      this.sent++
      this.#path.sent++
      this.#path.window.sent(this)
    }
  }

  challenge(number: bigint): void {
    this.#path.challenges.push({ number, by: this, after: this.#path.sent })
  }

  leave(): void {
    this.isGone = true
    this.#path.window.leave(this)
  }
}

/** So many are as much as a window takes. */
const PAYLOADS = WINDOW / (DATA + KIB)

describe('all connections of a channel together', () => {
  test('send no more than one window holds, and as much again when all of it has come', () => {
    const path = new Path()
    const senders = Array.from({ length: 20 }, () => new Sender(path, 1000))
    for (const sender of senders) sender.goOn()
    expect(path.sent).toBe(PAYLOADS)
    path.window.answered(12345n)
    expect(path.sent).toBe(PAYLOADS)
    // What is sent meanwhile is under way again.
    for (let i = 0; i < 2; i++) path.answer()
    expect(path.sent).toBe(2 * PAYLOADS)
  })

  test('get room in turns, one Payload each, however many wait', () => {
    const path = new Path()
    const before = new Sender(path, PAYLOADS)
    before.goOn()
    const senders = Array.from({ length: 200 }, () => new Sender(path, 20))
    for (const sender of senders) sender.goOn()
    for (let i = 0; i < 1000 && path.answer(); i++) {
      const shares = senders.map(({ sent }) => sent)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
    }
    expect(senders.every(({ left }) => left === 0)).toBe(true)
  })

  test('a new one waits for its turn, and no longer', () => {
    const path = new Path()
    const heavy = [new Sender(path, 10_000), new Sender(path, 10_000)]
    for (const sender of heavy) sender.goOn()
    const late = new Sender(path, 1)
    late.goOn()
    expect(late.sent).toBe(0)
    path.answer()
    expect(late.sent).toBe(1)
  })

  test('one alone has all of it, and asks in time: it is never without a challenge when it has to wait', () => {
    const path = new Path()
    const alone = new Sender(path, 100_000)
    alone.goOn()
    expect(alone.sent).toBe(PAYLOADS)
    expect(path.challenges.length).toBe(2)
    path.answer()
    expect(alone.sent).toBe(PAYLOADS + PAYLOADS / 2)
  })

  test('an answer stands for all that was sent before it, on whichever connection', () => {
    const path = new Path()
    const first = new Sender(path, PAYLOADS / 8)
    const second = new Sender(path, 1000)
    first.goOn()
    expect(path.challenges.length).toBe(0)
    second.goOn()
    expect(second.sent).toBe(PAYLOADS - PAYLOADS / 8)
    const [challenge] = path.challenges.splice(0, 1)
    expect(challenge?.by).toBe(second)
    path.window.answered(challenge?.number ?? 0n)
    // Half of a window stood before it, a quarter of that the first one's.
    expect(second.sent).toBe(PAYLOADS - PAYLOADS / 8 + PAYLOADS / 2)
  })

  test('an answer counts once, and none that was not asked for', () => {
    const path = new Path()
    const sender = new Sender(path, 1000)
    sender.goOn()
    const { number } = path.challenges[0] as { number: bigint }
    path.window.answered(number)
    const { sent } = sender
    path.window.answered(number)
    path.window.answered(0n)
    expect(sender.sent).toBe(sent)
  })
})

describe('small Payloads', () => {
  const small = (path: Path, payloads: number): Sender => new Sender(path, payloads, { data: 0 })

  test('are few at first, so that a channel outlives their loss; those who wait get room for more as answers come', () => {
    const path = new Path()
    const sender = small(path, 100_000)
    sender.goOn()
    expect(sender.sent).toBe(16)
    const underWay: number[] = []
    for (let i = 0; i < 200; i++) {
      path.answer()
      underWay.push(path.sent - path.arrived)
    }
    expect(Math.max(...underWay)).toBe(128)
    expect(underWay).toEqual([...underWay].sort((a, b) => a - b))
  })

  test('are few again when no more are needed', () => {
    const path = new Path()
    const sender = small(path, 500)
    sender.goOn()
    path.answerAll()
    expect(sender.left).toBe(0)
    // A conversation: what is sent has come before more is.
    for (let i = 0; i < 500; i++) {
      sender.left++
      sender.goOn()
      path.answerAll()
    }
    const before = path.sent
    sender.left = 1000
    sender.goOn()
    expect(path.sent - path.arrived).toBeLessThanOrEqual(16)
    expect(path.sent - before).toBeGreaterThan(0)
  })

  test('of somebody who talks now and then are no more than 16 when nothing comes back any more', () => {
    const path = new Path()
    const talking = Array.from({ length: 40 }, () => small(path, 0))
    for (let i = 0; i < 1000; i++) {
      const sender = talking[i % talking.length] as Sender
      sender.left++
      sender.goOn()
      if (i < 500) path.answerAll()
    }
    expect(path.sent - path.arrived).toBe(16)
  })
})

describe('a connection that ends', () => {
  test('leaves nobody waiting for an answer that does not come: another one asks', () => {
    const path = new Path()
    const first = new Sender(path, PAYLOADS)
    first.goOn()
    const second = new Sender(path, 10)
    second.goOn()
    expect(second.sent).toBe(0)
    first.leave()
    path.answerAll()
    expect(second.sent).toBe(10)
  })

  test('makes no room by its end: what it has sent may still be under way', () => {
    const path = new Path()
    for (let i = 0; i < 5; i++) {
      const one = new Sender(path, PAYLOADS)
      one.goOn()
      one.leave()
    }
    const next = new Sender(path, 1)
    next.goOn()
    expect(next.sent).toBe(0)
    path.answerAll()
    expect(next.sent).toBe(1)
  })

  test('may do so while it asks: then the next one asks', () => {
    const path = new Path()
    new Sender(path, PAYLOADS).goOn()
    const waiting = Array.from({ length: 5 }, () => new Sender(path, 1))
    for (const sender of waiting) sender.goOn()
    // Nothing gets out any more, but for the last one.
    for (const sender of waiting.slice(0, 4)) sender.challenge = () => sender.leave()
    for (const { by } of path.challenges.splice(0)) by.leave()
    path.answerAll()
    expect(waiting.map(({ sent }) => sent)).toEqual([0, 0, 0, 0, 1])
  })
})

test('after an interruption a connection asks again what it had asked, and nothing else', () => {
  const path = new Path()
  const [asker, other] = [new Sender(path, 1000), new Sender(path, 1000)]
  asker.goOn()
  other.goOn()
  path.challenges.length = 0
  path.window.retry(other)
  expect(path.challenges).toEqual([])
  path.window.retry(asker)
  expect(path.challenges.map(({ by }) => by)).toEqual([asker])
  path.answerAll()
  expect([asker.left, other.left]).toEqual([0, 0])
})

test('whatever happens in whichever order, never more is under way than fits, and in the end everybody has sent all', () => {
  const step = fc.record({
    what: fc.constantFrom('send', 'answer', 'leave', 'retry'),
    who: fc.nat(9),
    payloads: fc.integer({ min: 1, max: 60 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const path = new Path()
      const senders = Array.from({ length: 10 }, (_, i) => new Sender(path, 0, { maxInFlightBytes: i % 2 === 0 ? WINDOW : 2 * WINDOW }))
      for (const { what, who, payloads } of steps) {
        const sender = senders[who] as Sender
        if (what === 'send') {
          sender.left += payloads
          sender.goOn()
        } else if (what === 'answer') path.answer()
        else if (what === 'retry') path.window.retry(sender)
        else {
          sender.leave()
          senders[who] = new Sender(path, 0, { maxInFlightBytes: sender.maxInFlightBytes })
        }
        expect(path.sent - path.arrived).toBeLessThanOrEqual(2 * PAYLOADS)
      }
      path.answerAll()
      expect(senders.map(({ left }) => left)).toEqual(senders.map(() => 0))
    }),
    { numRuns: 200 },
  )
})
