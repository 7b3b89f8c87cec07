/** Loops between relays end: by the number of addresses a message may carry when nodes are in between, and nothing is added to the wire. */
import { dropPressure, Route, type Router } from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import { createRouter, startRelayService } from '@ockam/routing'
import { memoryNetwork } from '@ockam/transport-memory'
import { describe, expect, test } from 'vitest'
import { turn } from '../fixture/settle.ts'
import { FakeChannel } from './fixture/fake-channel.ts'
import { rawNode, routeOf } from './fixture/raw-transport.ts'

async function relayNode(router: Router, name: string): Promise<void> {
  await router.listen(`/memory/${name}`)
  startRelayService(router)
}

/** Registers `alias` over a connection so that its messages go on to `next` on the side that registers. */
async function pointTo(router: Router, at: string, alias: string, next: string): Promise<Route> {
  const { route } = await router.resolve(`/memory/${at}`)
  const onwardRoute = route.concat(Route.of('static_forwarding_service'))
  dropPressure(router.context.dispatch({ onwardRoute, returnRoute: Route.of(next, 'mine'), payload: encodeBareString(alias) }))
  await someTurns()
  return route
}

async function someTurns(): Promise<void> {
  for (let i = 0; i < 200; i++) await turn()
}

describe('two relays that point at each other', () => {
  test.each([
    ['with a return route', 'x'],
    ['without a return route', ''],
  ])('within one node, which is connected to itself, end: a message %s', async (_, back) => {
    const network = memoryNetwork()
    const node = createRouter({ transports: [network.transport('a')] })
    await relayNode(node, 'a')
    await pointTo(node, 'a', 'one', 'forward_to_two')
    await pointTo(node, 'a', 'two', 'forward_to_one')
    const before = network.counters.delivered
    const tooLong = (): number => node.statistics().dropped['route-too-long'] ?? 0
    const tooLongBefore = tooLong()
    dropPressure(
      node.context.dispatch({ onwardRoute: routeOf('forward_to_one echo'), returnRoute: routeOf(back), payload: Uint8Array.of(1) }),
    )
    await someTurns()
    const crossed = network.counters.delivered - before
    expect(crossed).toBeGreaterThan(20)
    expect(crossed).toBeLessThanOrEqual(32)
    await someTurns()
    expect(network.counters.delivered - before).toBe(crossed)
    expect(tooLong()).toBe(tooLongBefore + 1)
    await node.close()
  })

  test.each([
    ['with a return route', 'x'],
    ['without a return route', ''],
  ])('across two nodes end: a message %s', async (_, back) => {
    const network = memoryNetwork({ encode: true })
    const [a, b] = [createRouter({ transports: [network.transport('a')] }), createRouter({ transports: [network.transport('b')] })]
    await relayNode(a, 'a')
    await relayNode(b, 'b')
    await pointTo(b, 'a', 'one', 'forward_to_two')
    await pointTo(a, 'b', 'two', 'forward_to_one')
    const before = network.counters.delivered
    dropPressure(a.context.dispatch({ onwardRoute: routeOf('forward_to_one echo'), returnRoute: routeOf(back), payload: Uint8Array.of(1) }))
    await someTurns()
    const crossed = network.counters.delivered - before
    expect(crossed).toBeGreaterThan(20)
    expect(crossed).toBeLessThanOrEqual(32)
    await someTurns()
    expect(network.counters.delivered - before).toBe(crossed)
    await Promise.all([a.close(), b.close()])
  })
})

test('A relay counts as a forward of the message, so that loops over channels of this node end too.', async () => {
  const { router, quiet } = await rawNode()
  startRelayService(router)
  const owner = new FakeChannel(router, 'a')
  owner.deliver('static_forwarding_service', 'mine', encodeBareString('n1'))
  await quiet()
  for (const forwards of [63, 64]) {
    const onwardRoute = routeOf(`forward_to_n1 after-${forwards}`)
    dropPressure(router.context.dispatch({ onwardRoute, returnRoute: Route.empty, payload: Uint8Array.of(1), forwards }))
  }
  await quiet()
  expect(owner.sent.slice(1).map(({ onward }) => onward)).toEqual(['after-63'])
  expect(router.statistics().dropped).toEqual({ loop: 1 })
})
