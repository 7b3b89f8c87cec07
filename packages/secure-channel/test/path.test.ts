import { Address, Route } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { Path } from '../src/channel/path.ts'

const [home, away, elsewhere] = ['home', 'away', 'elsewhere'].map((name) => Route.of(name)) as [Route, Route, Route]

function follow() {
  const routes: string[] = []
  const state = { isClosed: false }
  const path = new Path({
    path: home,
    peerAddress: Address.local('peer'),
    isClosed: () => state.isClosed,
    onRoute: (route) => void routes.push(route.toString()),
  })
  return { path, routes, state }
}

describe('the path of a responder (rule 4)', () => {
  test('follows a new way with the second message from it, each higher than all before', () => {
    const { path, routes } = follow()
    path.received(1, home)
    path.received(2, away)
    expect(routes).toEqual([])
    path.received(3, Route.of('away'))
    expect(routes).toEqual(['0#away => 0#peer'])
  })

  test('follows at once when the way in use is closed', () => {
    const { path, routes, state } = follow()
    state.isClosed = true
    path.received(1, away)
    expect(routes).toEqual(['0#away => 0#peer'])
  })

  test('nothing old, nothing repeated, and never the first message moves it', () => {
    const { path, routes, state } = follow()
    state.isClosed = true
    path.received(0, away)
    state.isClosed = false
    path.received(9, home)
    for (const nonce of [3, 4, 9, 9]) path.received(nonce, away)
    expect(routes).toEqual([])
  })

  test('one message from elsewhere between honest ones does not confirm another from elsewhere', () => {
    const { path, routes } = follow()
    for (const [nonce, route] of [
      [1, away],
      [2, home],
      [3, away],
      [4, elsewhere],
      [5, away],
      [6, home],
    ] as const) {
      path.received(nonce, route)
    }
    expect(routes).toEqual([])
  })

  test('returns with one message from the way left behind, and whoever it returned from has to prove itself anew', () => {
    const { path, routes } = follow()
    path.received(1, away)
    path.received(2, away)
    path.received(3, home)
    expect(routes).toEqual(['0#away => 0#peer', '0#home => 0#peer'])
    path.received(4, away)
    expect(routes).toHaveLength(2)
    path.received(5, away)
    expect(routes).toHaveLength(3)
  })

  test('a message without any way back moves nothing', () => {
    const { path, routes, state } = follow()
    state.isClosed = true
    path.received(1, Route.empty)
    expect(routes).toEqual([])
  })
})
