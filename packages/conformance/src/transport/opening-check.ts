/**
 * Checks of connecting and listening: addresses, failures, timeouts, aborts, many connections.
 */

import { type AddressedConnection, type Connection, dropPressure, MultiAddr } from '@ockam/core'
import type { ConformanceCheck } from '../check.ts'
import { expectSame, expectRejection, expectThat } from './assertion.ts'
import { expectNumbered, numberedMessage, type Pair, type TransportFixture } from './transport-fixture.ts'

export function openingChecks(fixture: TransportFixture): readonly ConformanceCheck[] {
  const checks: ConformanceCheck[] = [
    {
      name: 'reports the address it really listens on, in a form that can be connected to',
      run: () =>
        fixture.withSides(async (server, client) => {
          const listener = await fixture.listen(server)
          const text = listener.address.toString()
          const parsed = fixture.address(text)
          expectSame(parsed.toString(), text, 'the address after parsing')
          expectThat(MultiAddr.is(listener.address), 'The address of a listener is a MultiAddr.')
          const dialled = await fixture.within(client.transport.connect(parsed), `connecting to ${text}`)
          expectThat(dialled.remote !== '', 'A connection names its other end.')
        }),
    },
    {
      name: 'names the place a connection comes from, if it does, the same for all connections from there',
      run: () =>
        fixture.withSides(async (server, client) => {
          const listener = await fixture.listen(server)
          const first = await fixture.connect(server, client, listener)
          const second = await fixture.connect(server, client, listener)
          expectSame(remoteAddressOf(second.accepted), remoteAddressOf(first.accepted), 'the place of the second connection')
          expectSame(remoteAddressOf(second.dialled), remoteAddressOf(first.dialled), 'the place that was dialled twice')
        }),
    },
    {
      name: 'tells the node of a connection, with its listener, before its first message',
      run: () =>
        fixture.withSides(async (server, client) => {
          let early = 0
          server.services.onDeliver = ({ connection }) => {
            if (!server.services.acceptances.some((acceptance) => acceptance.connection === connection)) early++
            return undefined
          }
          const listener = await fixture.listen(server)
          const dialled = await fixture.within(client.transport.connect(listener.address), 'connecting')
          await dialled.send(numberedMessage(0, 10))
          await fixture.until(() => server.services.deliveries.length === 1, 'the first message arrives')
          expectSame(early, 0, 'messages delivered before their connection was accepted')
          expectSame(server.services.acceptances.length, 1, 'connections accepted')
          const [acceptance] = server.services.acceptances
          expectThat(acceptance !== undefined && acceptance.listener === listener, 'The node is told which listener took the connection.')
          expectThat(server.services.deliveries[0]?.connection === acceptance.connection, 'The message comes with the connection accepted.')
        }),
    },
    {
      name: 'delivers nothing on a connection before connect has returned it',
      run: () =>
        fixture.withSides(async (server, client) => {
          // The listening side speaks first, as early as it can.
          server.services.onAccepted = ({ connection }) => {
            for (let index = 0; index < 10; index++) dropPressure(connection.send(numberedMessage(index, 10)))
            return true
          }
          const listener = await fixture.listen(server)
          let isReturned = false
          let early = 0
          client.services.onDeliver = () => {
            if (!isReturned) early++
            return undefined
          }
          const dialled = await client.transport.connect(listener.address)
          isReturned = true
          await fixture.until(() => client.services.deliveries.length === 10, 'what the listening side sent arrives')
          expectSame(early, 0, 'messages delivered before connect returned')
          expectThat(
            client.services.deliveries.every(({ connection }) => connection === dialled),
            'They come over the connection connect returned.',
          )
        }),
    },
    {
      name: 'serves many connections at the same time and mixes nothing up',
      run: () =>
        fixture.withSides(async (server, client) => {
          const listener = await fixture.listen(server)
          const pairs: Pair[] = []
          for (let i = 0; i < 20; i++) pairs.push(await fixture.connect(server, client, listener))
          const lengthOf = (index: number): number => 20 + (index % 50)
          for (let round = 0; round < 50; round++)
            for (const [at, pair] of pairs.entries())
              await pair.dialled.send(numberedMessage(at * 1_000 + round, lengthOf(at * 1_000 + round)))
          await fixture.until(() => server.services.deliveries.length >= 1_000, 'all messages arrive')
          for (const [at, pair] of pairs.entries()) {
            const own = server.services.deliveries.filter(({ connection }) => connection === pair.accepted).map(({ message }) => message)
            expectNumbered(own, 50, lengthOf, at * 1_000)
          }
        }),
    },
    {
      name: 'listens on two addresses at the same time',
      run: () =>
        fixture.withSides(async (server, client) => {
          const first = await fixture.listen(server)
          const second = await fixture.listen(server)
          expectThat(!first.address.equals(second.address), 'Two listeners have two addresses.')
          const pair = await fixture.connect(server, client, second)
          expectThat(server.services.acceptances[0]?.listener === second, 'The connection belongs to the listener that was dialled.')
          await fixture.within(pair.dialled.close(), 'closing')
        }),
    },
    {
      name: 'refuses to listen where something listens already',
      run: () =>
        fixture.withSides(async (server, client) => {
          const listener = await fixture.listen(server)
          await expectRejection(client.transport.listen(listener.address), 'transport/listen-failed', 'listening on an address in use')
        }),
    },
    {
      name: 'fails to connect where nobody listens',
      run: () =>
        fixture.withSides(async (server, client) => {
          const listener = await fixture.listen(server)
          await fixture.within(listener.close(), 'closing the listener')
          const attempt = client.transport.connect(listener.address)
          await expectRejection(fixture.within(attempt, 'connecting'), 'transport/connect-failed', 'connecting where nobody listens')
        }),
    },
    {
      name: 'refuses addresses that are not its own',
      run: () =>
        fixture.withSides(async (server, client) => {
          for (const text of ['/service/echo', '/node/n1', '']) {
            const address = MultiAddr.parse(text)
            await expectRejection(client.transport.connect(address), 'transport/unsupported-address', `connecting to "${text}"`)
            await expectRejection(server.transport.listen(address), 'transport/unsupported-address', `listening on "${text}"`)
          }
        }),
    },
    {
      name: 'rejects with the reason of an abort, before and while it connects',
      run: () =>
        fixture.withSides(async (server, client) => {
          const listener = await fixture.listen(server)
          const reason = new Error('changed my mind')
          const early = client.transport.connect(listener.address, { signal: AbortSignal.abort(reason) })
          const controller = new AbortController()
          const late = client.transport.connect(listener.address, { signal: controller.signal })
          controller.abort(reason)
          const outcomes = [early, late].map((attempt) =>
            attempt.then(
              () => 'it succeeded',
              (error: unknown) => error,
            ),
          )
          for (const outcome of await fixture.within(Promise.all(outcomes), 'an aborted attempt')) {
            expectThat(outcome === reason, `An aborted attempt rejects with the signal's reason; here: ${String(outcome)}.`)
          }
          // A connection that came into being all the same must not stay.
          await fixture.quiet()
          await fixture.within(Promise.all(server.services.acceptances.map(({ connection }) => connection.closed)), 'what was left of them')
        }),
    },
    {
      name: 'does not mind an abort after it has connected',
      run: () =>
        fixture.withSides(async (server, client) => {
          const listener = await fixture.listen(server)
          const controller = new AbortController()
          const dialled = await fixture.within(client.transport.connect(listener.address, { signal: controller.signal }), 'connecting')
          controller.abort(new Error('too late'))
          await fixture.quiet()
          await dialled.send(numberedMessage(0, 10))
          await fixture.until(() => server.services.deliveries.length === 1, 'a message arrives')
        }),
    },
  ]
  const { silentAddress } = fixture.options
  if (silentAddress !== undefined) {
    checks.push({
      name: 'gives up connecting after timeoutMs where nobody answers',
      run: () =>
        fixture.withSides(async (_server, client) => {
          const address = fixture.address(await silentAddress())
          const attempt = client.transport.connect(address, { timeoutMs: fixture.quietMs })
          await expectRejection(fixture.within(attempt, 'connecting'), 'transport/timeout', 'connecting where nobody answers')
        }),
    })
  }
  return checks
}

/** @throws {Error} unless it is undefined, or 1 to 256 printable characters. */
function remoteAddressOf(connection: Connection & Partial<AddressedConnection>): string | undefined {
  const { remoteAddress } = connection
  expectThat(
    remoteAddress === undefined || (typeof remoteAddress === 'string' && /^[\x21-\x7e]{1,256}$/.test(remoteAddress)),
    'A remoteAddress is 1 to 256 printable ASCII characters without spaces, or undefined.',
  )
  return remoteAddress
}
