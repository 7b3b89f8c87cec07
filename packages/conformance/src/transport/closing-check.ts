/**
 * Checks of how connections, listeners and transports end.
 */

import { dropPressure } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { expectSame, expectRejection, expectThat } from './assertion.ts'
import { expectNumbered, gate, numberedMessage, sendNumbered, type TransportFixture } from './transport-fixture.ts'

export function closingChecks(fixture: TransportFixture): readonly ConformanceCheck[] {
  return [
    {
      name: 'sends what was accepted before it closes, and tells both sides who closed',
      run: () =>
        fixture.withPair(async ({ server, dialled, accepted }) => {
          await sendNumbered(dialled, 500, () => 1_000)
          // Closes while these are still under way.
          for (let index = 500; index < 520; index++) dropPressure(dialled.send(numberedMessage(index, 1_000)))
          await fixture.within(dialled.close(), 'closing the connection')
          expectSame(
            await fixture.within(dialled.closed, 'closed of the side that closes'),
            'local',
            'why it ended for the side that closes',
          )
          expectSame(await fixture.within(accepted.closed, 'closed of the other side'), 'peer', 'why it ended for the other side')
          const messages = server.services.deliveries.map(({ message }) => message)
          expectNumbered(messages, 520, () => 1_000)
        }),
    },
    {
      name: 'tells the side that dialled when the listening side closes',
      run: () =>
        fixture.withPair(async ({ client, dialled, accepted }) => {
          await accepted.send(numberedMessage(0, 10))
          await fixture.within(accepted.close(), 'closing the connection')
          expectSame(
            await fixture.within(accepted.closed, 'closed of the side that closes'),
            'local',
            'why it ended for the side that closes',
          )
          expectSame(await fixture.within(dialled.closed, 'closed of the other side'), 'peer', 'why it ended for the other side')
          const messages = client.services.deliveries.map(({ message }) => message)
          expectNumbered(messages, 1, () => 10)
        }),
    },
    {
      name: 'delivers what came before the end even when the receiver asked to wait',
      run: () =>
        fixture.withPair(async ({ server, dialled, accepted }) => {
          const { opened, open } = gate()
          server.services.onDeliver = () => opened
          for (let index = 0; index < 20; index++) dropPressure(dialled.send(numberedMessage(index, 100)))
          await fixture.until(() => server.services.deliveries.length > 0, 'the first message arrives')
          const closing = dialled.close()
          await fixture.quiet()
          open()
          await fixture.within(closing, 'closing the connection')
          await fixture.within(accepted.closed, 'closed of the other side')
          const messages = server.services.deliveries.map(({ message }) => message)
          expectNumbered(messages, 20, () => 100)
        }),
    },
    {
      name: 'can be closed twice, and from both sides at once',
      run: () =>
        fixture.withPair(async ({ dialled, accepted }) => {
          await fixture.within(Promise.all([dialled.close(), accepted.close(), dialled.close()]), 'closing three times')
          await fixture.within(Promise.all([dialled.closed, accepted.closed]), 'both sides learn of it')
          await fixture.within(dialled.close(), 'closing once more')
        }),
    },
    {
      name: 'swallows what is sent over a closed connection',
      run: () =>
        fixture.withPair(async ({ server, dialled, accepted }) => {
          await fixture.within(Promise.all([dialled.close(), accepted.closed]), 'closing')
          const before = server.services.deliveries.length
          for (const connection of [dialled, accepted]) {
            for (let index = 0; index < 100; index++)
              expectSame(connection.send(numberedMessage(index, 10_000)), undefined, 'what send returns on a closed connection')
          }
          await fixture.quiet()
          expectSame(server.services.deliveries.length, before, 'messages delivered')
        }),
    },
    {
      name: 'delivers nothing to a side that has closed',
      run: () =>
        fixture.withPair(async ({ server, dialled, accepted }) => {
          await dialled.send(numberedMessage(0, 10))
          await fixture.until(() => server.services.deliveries.length === 1, 'the first message arrives')
          const closing = accepted.close()
          const before = server.services.deliveries.length
          for (let index = 0; index < 100; index++) await dialled.send(numberedMessage(index, 10))
          await fixture.within(closing, 'closing')
          await fixture.quiet()
          expectSame(server.services.deliveries.length, before, 'messages delivered to the side that closed')
        }),
    },
    {
      name: 'closes connections that the node does not accept, and delivers nothing of them',
      run: () =>
        fixture.withSides(async (server, client) => {
          server.services.onAccepted = () => false
          const listener = await fixture.listen(server)
          const dialled = await fixture.within(client.transport.connect(listener.address), 'connecting')
          await dialled.send(numberedMessage(0, 10))
          await fixture.within(dialled.closed, 'closed of the side that dialled')
          expectSame(server.services.acceptances.length, 1, 'connections the node was asked about')
          const refused = server.services.acceptances.map(({ connection }) => connection.closed)
          await fixture.within(Promise.all(refused), 'closed of the refused connection')
          expectSame(server.services.deliveries.length, 0, 'messages delivered')
        }),
    },
    {
      name: 'keeps the connections of a listener that stops, and takes no more',
      run: () =>
        fixture.withPair(async ({ server, client, listener, dialled }) => {
          await fixture.within(listener.close(), 'closing the listener')
          await fixture.within(listener.closed, 'closed of the listener')
          await fixture.within(listener.close(), 'closing the listener again')
          await expectRejection(
            client.transport.connect(listener.address),
            'transport/connect-failed',
            'connecting to a listener that stopped',
          )
          await dialled.send(numberedMessage(0, 10))
          await fixture.until(() => server.services.deliveries.length === 1, 'a message over an older connection arrives')
        }),
    },
    {
      name: 'closes its listeners and connections when the transport closes, and opens no more',
      run: () =>
        fixture.withPair(async ({ server, client, listener, dialled, accepted }) => {
          await fixture.within(server.transport.close(), 'closing the transport')
          await fixture.within(listener.closed, 'closed of its listener')
          expectSame(await fixture.within(accepted.closed, 'closed of its connection'), 'local', 'why its connection ended')
          await fixture.within(dialled.closed, 'closed of the other side')
          await expectRejection(client.transport.connect(listener.address), 'transport/connect-failed', 'connecting to a closed transport')
          await expectRejection(server.transport.connect(listener.address), 'transport/closed', 'connect of a closed transport')
          await expectRejection(server.transport.listen(listener.address), 'transport/closed', 'listen of a closed transport')
          await fixture.within(server.transport.close(), 'closing the transport again')
        }),
    },
    {
      name: 'closes one connection and leaves the others alone',
      run: () =>
        fixture.withPair(async (pair) => {
          const { server, client, listener } = pair
          const other = await fixture.connect(server, client, listener)
          await fixture.within(pair.dialled.close(), 'closing one connection')
          await fixture.within(pair.accepted.closed, 'closed of its other side')
          await other.dialled.send(numberedMessage(0, 10))
          await fixture.until(() => server.services.deliveries.length === 1, 'a message over the other connection arrives')
          expectThat(server.services.deliveries[0]?.connection === other.accepted, 'It came over the other connection.')
        }),
    },
  ]
}
