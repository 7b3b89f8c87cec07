/**
 * Checks of back-pressure: a receiver that asks to wait gets nothing more, the sender feels it, and nothing is lost for it.
 */

import type { Pressure, TransportMessage } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { expectSame, expectThat } from './assertion.ts'
import { expectNumbered, gate, numberedMessage, type Pair, sendNumbered, type TransportFixture } from './transport-fixture.ts'

/** More than the buffers of any operating system between two connected programs. */
const MOST_OFFERED_BYTES = 64 * 1024 * 1024

export function pressureChecks(fixture: TransportFixture): readonly ConformanceCheck[] {
  const size = Math.min(32 * 1024, fixture.maxPayloadBytes)

  /** Sends until told to wait. Returns the wait and how many messages were accepted. */
  const sendUntilPressure = async ({ dialled }: Pair): Promise<{ pressure: Promise<void>; sent: number }> => {
    for (let sent = 1; sent * size <= MOST_OFFERED_BYTES; sent++) {
      const pressure: Pressure = dialled.send(numberedMessage(sent - 1, size))
      if (pressure !== undefined) return { pressure, sent }
      // A node does not send without end in one turn either.
      if (sent % 16 === 0) await new Promise<void>((resolve) => setTimeout(resolve, 0))
    }
    throw new Error(`The receiver took nothing, yet ${MOST_OFFERED_BYTES} bytes were accepted and the sender was never asked to wait.`)
  }

  return [
    {
      name: 'delivers nothing more on a connection while the receiver asks to wait',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          const { opened, open } = gate()
          let isWaiting = false
          let early = 0
          server.services.onDeliver = () => {
            if (isWaiting) early++
            if (server.services.deliveries.length !== 3) return undefined
            isWaiting = true
            return opened
          }
          const sending = sendNumbered(dialled, 200, () => 50)
          await fixture.until(() => isWaiting, 'the third message arrives')
          await fixture.quiet()
          expectSame(early, 0, 'messages delivered while the receiver asked to wait')
          isWaiting = false
          open()
          await fixture.within(sending, 'sending')
          await fixture.until(() => server.services.deliveries.length >= 200, 'the rest arrives after the wait')
          const messages = server.services.deliveries.map(({ message }) => message)
          expectNumbered(messages, 200, () => 50)
        }),
    },
    {
      name: 'resumes in order however often the receiver asks to wait',
      run: () =>
        fixture.withPair(async ({ server, dialled }) => {
          // A wait at every third message, some over before the next turn.
          server.services.onDeliver = ({ message }) => {
            const count = server.services.deliveries.length
            if (count % 3 !== 0) return undefined
            if (count % 2 === 0) return Promise.resolve()
            const { opened, open } = gate()
            setTimeout(open, message.payload.length % 2)
            return opened
          }
          const lengthOf = (index: number): number => (index * 97) % 1_500
          await fixture.within(sendNumbered(dialled, 300, lengthOf), 'sending')
          await fixture.until(() => server.services.deliveries.length >= 300, 'all messages arrive')
          const messages: TransportMessage[] = server.services.deliveries.map(({ message }) => message)
          expectNumbered(messages, 300, lengthOf)
        }),
    },
    {
      name: 'asks the sender to wait when the receiver does, and loses nothing',
      run: () =>
        fixture.withPair(async (pair) => {
          const { server } = pair
          const { opened, open } = gate()
          server.services.onDeliver = () => opened
          const { pressure, sent } = await sendUntilPressure(pair)
          let isOver = false
          const over = pressure.then(() => {
            isOver = true
          })
          await fixture.quiet()
          expectThat(!isOver, 'The wait of the sender ended although the receiver still asks to wait.')
          server.services.onDeliver = () => undefined
          open()
          await fixture.within(over, 'the wait of the sender')
          await fixture.until(() => server.services.deliveries.length >= sent, `all ${sent} messages arrive`)
          const messages = server.services.deliveries.map(({ message }) => message)
          expectNumbered(messages, sent, () => size)
        }),
    },
    {
      name: 'lets other connections go on while one waits',
      run: () =>
        fixture.withPair(async (pair) => {
          const { server, client, listener } = pair
          const { opened, open } = gate()
          server.services.onDeliver = ({ connection }) => (connection === pair.accepted ? opened : undefined)
          await sendUntilPressure(pair)
          const other = await fixture.connect(server, client, listener)
          for (let index = 0; index < 100; index++)
            await fixture.within(other.dialled.send(numberedMessage(index, 100)) ?? Promise.resolve(), 'a wait')
          const ofOther = (): TransportMessage[] =>
            server.services.deliveries.filter(({ connection }) => connection === other.accepted).map(({ message }) => message)
          await fixture.until(() => ofOther().length >= 100, 'the messages of the other connection arrive')
          expectNumbered(ofOther(), 100, () => 100)
          open()
        }),
    },
    {
      name: 'ends the wait of a sender when the connection ends, without an error',
      run: () =>
        fixture.withPair(async (pair) => {
          const { opened, open } = gate()
          pair.server.services.onDeliver = () => opened
          const { pressure } = await sendUntilPressure(pair)
          const closing = [pair.accepted.close(), pair.dialled.close()]
          open()
          await fixture.within(pressure, 'the wait of the sender')
          await fixture.within(Promise.all(closing), 'closing')
        }),
    },
  ]
}
