import { dropPressure, OckamError, type Pressure } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import type { LinkSettings } from '../src/index.ts'
import { Laboratory, memory, numbered, numbersAt, sendNumbers, turns, upTo } from './laboratory.ts'

const connected = async (link: LinkSettings = {}, seed = 1) => {
  const laboratory = new Laboratory({ seed, link })
  const [alice, bob] = [laboratory.node('alice'), laboratory.node('bob')]
  const { dialled, accepted } = await laboratory.connect(alice, bob)
  return { laboratory, network: laboratory.network, alice, bob, dialled, accepted }
}

describe('A link', () => {
  test('with a delay delivers when the time has passed, not before', async () => {
    const { laboratory, bob, dialled } = await connected({ delayMs: 20 })
    sendNumbers(dialled, 3)
    await laboratory.pass(19)
    expect(numbersAt(bob)).toEqual([])
    await laboratory.pass(1)
    expect(numbersAt(bob)).toEqual([0, 1, 2])
  })

  test('with jitter keeps the order', async () => {
    const { laboratory, bob, dialled } = await connected({ delayMs: 5, jitterMs: 40 })
    for (let index = 0; index < 50; index++) {
      sendNumbers(dialled, 1, index)
      await laboratory.pass(1)
    }
    expect(numbersAt(bob).length).toBeLessThan(50)
    await laboratory.pass(50)
    expect(numbersAt(bob)).toEqual(upTo(50))
  })

  test('with loss delivers the rest in order, about as many as the rate says', async () => {
    const { laboratory, network, bob, dialled } = await connected({ lossRate: 0.3 })
    sendNumbers(dialled, 1_000)
    await laboratory.pass(5)
    const arrived = numbersAt(bob)
    expect(arrived).toEqual([...arrived].sort((a, b) => a - b))
    expect(new Set(arrived).size).toBe(arrived.length)
    expect(1_000 - arrived.length).toBe(network.counters.lost)
    expect(network.counters.lost).toBeGreaterThan(200)
    expect(network.counters.lost).toBeLessThan(400)
  })

  test('that loses everything delivers nothing and asks nobody to wait', async () => {
    const { laboratory, bob, dialled } = await connected({ lossRate: 1 })
    for (let index = 0; index < 5_000; index++) expect(dialled.send(numbered(index))).toBeUndefined()
    await laboratory.pass(5)
    expect(numbersAt(bob)).toEqual([])
  })

  test('that duplicates delivers the same array twice, both times intact and neither exclusive', async () => {
    const { laboratory, bob, dialled } = await connected({ duplicateRate: 1 })
    const message = { ...numbered(0), payload: new Uint8Array(1_000).fill(5) }
    const copies: Uint8Array[] = []
    bob.services.onDeliver = (delivery) => {
      copies.push(delivery.message.payload.slice())
      // What a receiver may do that opens in place.
      if (delivery.isExclusive) delivery.message.payload.fill(0)
      return undefined
    }
    dropPressure(dialled.send(message))
    dropPressure(dialled.send(message))
    await laboratory.pass(5)
    expect(copies.length).toBe(4)
    for (const copy of copies) expect(copy.every((byte) => byte === 5)).toBe(true)
    expect(bob.services.deliveries.some(({ isExclusive }) => isExclusive)).toBe(false)
  })

  test('that reorders delivers each message once, some of them late', async () => {
    const { laboratory, network, bob, dialled } = await connected({ reorderRate: 0.2, reorderMs: 8 })
    for (let index = 0; index < 100; index++) {
      sendNumbers(dialled, 1, index)
      await laboratory.pass(1)
    }
    await laboratory.pass(20)
    const arrived = numbersAt(bob)
    expect([...arrived].sort((a, b) => a - b)).toEqual(upTo(100))
    expect(arrived).not.toEqual(upTo(100))
    expect(network.counters.reordered).toBeGreaterThan(5)
  })

  test('that reorders everything still delivers everything', async () => {
    const { laboratory, bob, dialled } = await connected({ reorderRate: 1, reorderMs: 30 })
    sendNumbers(dialled, 300)
    await laboratory.pass(40)
    expect([...numbersAt(bob)].sort((a, b) => a - b)).toEqual(upTo(300))
  })

  test('does the same again for the same seed, and something else for another', async () => {
    const run = async (seed: number): Promise<readonly number[]> => {
      const { laboratory, bob, dialled } = await connected({ lossRate: 0.2, duplicateRate: 0.2, reorderRate: 0.2, jitterMs: 5 }, seed)
      for (let index = 0; index < 100; index++) {
        sendNumbers(dialled, 1, index)
        await laboratory.pass(1)
      }
      await laboratory.pass(30)
      return numbersAt(bob)
    }
    const first = await run(7)
    expect(await run(7)).toEqual(first)
    expect(await run(8)).not.toEqual(first)
  })

  test('loses the same messages whatever else is set, and whatever other links do', async () => {
    const run = async (others: LinkSettings): Promise<readonly number[]> => {
      const { laboratory, alice, bob, dialled } = await connected({ lossRate: 0.3, ...others }, 3)
      const other = await laboratory.connect(bob, alice)
      if (others.duplicateRate !== undefined) sendNumbers(other.dialled, 40)
      sendNumbers(dialled, 200)
      await laboratory.pass(60)
      return [...new Set(numbersAt(bob))].sort((a, b) => a - b)
    }
    expect(await run({ duplicateRate: 0.5, jitterMs: 20, reorderRate: 0.5 })).toEqual(await run({}))
  })

  test('may change while messages cross, in one direction only', async () => {
    const { laboratory, network, alice, bob, dialled, accepted } = await connected()
    network.configure({ lossRate: 1 }, { from: 'alice', to: 'bob' })
    sendNumbers(dialled, 10)
    sendNumbers(accepted, 10)
    await laboratory.pass(2)
    expect(numbersAt(bob)).toEqual([])
    expect(numbersAt(alice)).toEqual(upTo(10))
    network.configure({ lossRate: 0 }, { from: 'alice' })
    sendNumbers(dialled, 10)
    await laboratory.pass(2)
    expect(numbersAt(bob)).toEqual(upTo(10))
  })

  test('refuses a message over its limit, or lets it vanish', async () => {
    const { laboratory, network, bob, dialled } = await connected({ maxMessageBytes: 200 })
    const long = { ...numbered(0), payload: new Uint8Array(200) }
    expect(() => dialled.send(long)).toThrow(expect.objectContaining({ code: 'transport/message-too-large' }) as OckamError)
    network.configure({ overLimit: 'drop' })
    expect(dialled.send(long)).toBeUndefined()
    sendNumbers(dialled, 1)
    await laboratory.pass(2)
    expect(numbersAt(bob)).toEqual([0])
    expect(network.counters.overLimit).toBe(2)
  })

  test('holds a bounded number of messages for a receiver that waits', async () => {
    const { laboratory, bob, dialled } = await connected()
    bob.services.onDeliver = () => new Promise(() => undefined)
    let sent = 0
    let pressure: Pressure
    while (pressure === undefined && sent < 5_000) pressure = dialled.send(numbered(sent++))
    expect(sent).toBe(1_025)
    await laboratory.pass(2)
    expect(bob.services.deliveries.length).toBe(1)
  })

  test('refuses settings that make no sense', () => {
    const { network } = new Laboratory()
    for (const settings of [{ lossRate: 1.1 }, { delayMs: -1 }, { reorderMs: Number.NaN }]) {
      let caught: unknown
      try {
        network.configure(settings)
      } catch (error) {
        caught = error
      }
      expect(OckamError.is(caught, 'transport/invalid-argument')).toBe(true)
    }
  })
})

describe('A partition', () => {
  test('loses what is sent, tells nobody, and keeps connections for when it heals', async () => {
    const { laboratory, network, alice, bob, dialled, accepted } = await connected()
    network.partition('alice', 'bob')
    sendNumbers(dialled, 5)
    sendNumbers(accepted, 5)
    await laboratory.pass(100)
    expect([...numbersAt(alice), ...numbersAt(bob)]).toEqual([])
    network.heal('alice', 'bob')
    sendNumbers(dialled, 5, 100)
    await laboratory.pass(2)
    expect(numbersAt(bob)).toEqual([100, 101, 102, 103, 104])
  })

  test('hides the end of a connection until it heals', async () => {
    const { laboratory, network, dialled, accepted } = await connected()
    let isEnded = false
    const ended = accepted.closed.then((reason) => {
      isEnded = true
      return reason
    })
    network.partition('alice', 'bob')
    await dialled.close()
    await laboratory.pass(100)
    expect(isEnded).toBe(false)
    network.heal('bob', 'alice')
    await laboratory.pass(2)
    expect(await ended).toBe('peer')
  })

  test('lets attempts to connect wait until it heals or their time is over', async () => {
    const { laboratory, network, alice, bob } = await connected()
    const { address } = await bob.transport.listen(memory('api'))
    network.partition('alice', 'bob')
    const [short, long] = [alice.transport.connect(address, { timeoutMs: 100 }), alice.transport.connect(address, { timeoutMs: 1_000 })]
    const failure = short.catch((error: unknown) => error)
    await laboratory.pass(150)
    expect(await failure).toMatchObject({ code: 'transport/timeout' })
    network.heal('alice', 'bob')
    await laboratory.pass(2)
    expect((await long).remote).toBe('/memory/api')
    expect(bob.services.acceptances.length).toBe(2)
  })
})

describe('An address in memory', () => {
  test('may hold any characters', async () => {
    const laboratory = new Laboratory()
    const [alice, bob] = [laboratory.node('alice'), laboratory.node('bob')]
    const { address } = await bob.transport.listen(memory('/run/ockam.sock ü'))
    expect(address.toString()).toBe('/memory/%2Frun%2Fockam.sock%20%C3%BC')
    const attempt = alice.transport.connect(memory('/run/ockam.sock ü'))
    await laboratory.pass(1)
    await turns()
    expect((await attempt).remote).toBe(address.toString())
  })
})
