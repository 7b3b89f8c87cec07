import { dropPressure, Route, type TransportMessage } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import type { TappedMessage } from '../src/index.ts'
import { Laboratory, numbered, numbersAt, sendNumbers } from './laboratory.ts'

const connected = async (encode = false) => {
  const laboratory = new Laboratory({ encode })
  const [alice, bob] = [laboratory.node('alice'), laboratory.node('bob')]
  const { dialled, accepted } = await laboratory.connect(alice, bob)
  return { laboratory, network: laboratory.network, alice, bob, dialled, accepted }
}

const flipped = (message: TransportMessage): TransportMessage => ({ ...message, payload: message.payload.map((byte) => byte ^ 0xff) })

describe('A tap', () => {
  test('sees who sends what to whom, and changes nothing unless it wants to', async () => {
    const { laboratory, network, alice, bob, dialled, accepted } = await connected()
    const seen: string[] = []
    network.tap(({ from, to, connection, message }) => {
      seen.push(`${from} ${to} ${connection} ${message.payload[1]}`)
      return undefined
    })
    sendNumbers(dialled, 2)
    sendNumbers(accepted, 1, 7)
    await laboratory.pass(2)
    expect(seen).toEqual(['alice bob 1 0', 'alice bob 1 1', 'bob alice 1 7'])
    expect([numbersAt(bob), numbersAt(alice)]).toEqual([[0, 1], [7]])
  })

  test('drops, changes, repeats and delays messages', async () => {
    const { laboratory, network, bob, dialled } = await connected()
    const held: TappedMessage[] = []
    network.tap((tapped) => {
      const { message } = tapped
      switch (message.payload[1]) {
        case 0:
          return []
        case 1:
          return [message, message]
        case 2:
          return [flipped(message)]
        case 3:
          held.push(tapped)
          return []
        default:
          return undefined
      }
    })
    sendNumbers(dialled, 5)
    await laboratory.pass(2)
    for (const { inject, message } of held) inject(message)
    await laboratory.pass(2)
    expect(numbersAt(bob)).toEqual([1, 1, 0xfffd, 4, 3])
  })

  test('sends messages of its own to either side, past itself', async () => {
    const { laboratory, network, alice, bob, dialled } = await connected()
    let taps = 0
    network.tap(({ inject, message }) => {
      taps++
      inject({ ...numbered(500), onwardRoute: Route.of('somebody') })
      inject(message, 'sender')
      return undefined
    })
    sendNumbers(dialled, 1, 9)
    await laboratory.pass(2)
    expect([numbersAt(bob), numbersAt(alice), taps]).toEqual([[500, 9], [9], 1])
    expect(bob.services.deliveries[0]?.message.onwardRoute.toString()).toBe('0#somebody')
  })

  test('works on what the taps before it left, until it is removed', async () => {
    const { laboratory, network, bob, dialled } = await connected()
    const removeFirst = network.tap(({ message }) => [message, message])
    network.tap(({ message }) => [flipped(message)])
    sendNumbers(dialled, 1)
    await laboratory.pass(2)
    removeFirst()
    sendNumbers(dialled, 1)
    await laboratory.pass(2)
    expect(numbersAt(bob)).toEqual([0xffff, 0xffff, 0xffff])
  })
})

describe('A network that encodes', () => {
  test('delivers bytes of its own: nothing is shared with the sender', async () => {
    const { laboratory, bob, dialled } = await connected(true)
    const message = numbered(3)
    dropPressure(dialled.send(message))
    await laboratory.pass(2)
    const [delivery] = bob.services.deliveries
    expect(delivery?.message.payload).toEqual(message.payload)
    expect(delivery?.message.payload.buffer).not.toBe(message.payload.buffer)
    expect(delivery?.message.onwardRoute).not.toBe(message.onwardRoute)
    expect(delivery?.message.onwardRoute.toString()).toBe('0#receiver')
  })
})
