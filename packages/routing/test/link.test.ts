import { type Context, dropPressure, type LocalMessage, type Pressure, Route } from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { memoryNetwork } from '@ockam/transport-memory'
import { describe, expect, test } from 'vitest'
import { bytes, text } from './fixture/bytes.ts'
import { settled, turn, until } from './fixture/settle.ts'

type Node = ReturnType<typeof createRouter>

async function pair(): Promise<{ near: Node; far: Node; out: Route }> {
  const network = memoryNetwork({ encode: true })
  const near = createRouter({ transports: [network.transport('near')] })
  const far = createRouter({ transports: [network.transport('far')] })
  await far.listen('/memory/far')
  const { address } = await near.connect('/memory/far')
  return { near, far, out: Route.of(address) }
}

const echo = (message: LocalMessage, context: Context): Pressure => context.send(message.returnRoute, message.payload)

describe('two nodes', () => {
  test('ask and answer, and neither knows the other more closely than by a route', async () => {
    const { near, far, out } = await pair()
    far.startWorker('echo', echo, { from: 'anyone' })
    const answer = await near.context.request(out.concat(Route.of('echo')), bytes('hello'))
    expect(text(answer.payload)).toBe('hello')
    expect(answer.returnRoute.length).toBe(2)
    await Promise.all([near.close(), far.close()])
  })

  test('send in order, lose nothing, and a slow receiver slows its sender down', async () => {
    const { near, far, out } = await pair()
    const total = 20_000
    let sent = 0
    let most = 0
    const seen: number[] = []
    far.startWorker(
      'slow',
      async ({ payload }) => {
        const [number] = new Uint32Array(payload.slice().buffer)
        seen.push(number as number)
        if (seen.length % 100 === 0) await turn()
        most = Math.max(most, sent - seen.length)
      },
      { from: 'anyone' },
    )
    const route = out.concat(Route.of('slow'))
    for (; sent < total; sent++) {
      const pressure = near.context.send(route, new Uint8Array(new Uint32Array([sent, 0, 0, 0]).buffer))
      if (pressure !== undefined) await pressure
    }
    await until(() => seen.length === total, 'all messages')
    expect(seen).toEqual(Array.from({ length: total }, (_, i) => i))
    expect(most).toBeLessThan(8192)
    expect([near.statistics().dropped, far.statistics().dropped]).toEqual([{}, {}])
    await Promise.all([near.close(), far.close()])
  })

  test('that flood each other’s echo service do not deadlock: both end with nothing waiting', async () => {
    const { near, far, out } = await pair()
    const answers = { near: 0, far: 0 }
    near.startWorker('echo', echo, { from: 'anyone', overflow: 'drop' })
    far.startWorker('echo', echo, { from: 'anyone', overflow: 'drop' })
    near.startWorker('answers', () => void answers.near++, { from: 'anyone', overflow: 'drop' })
    far.startWorker('answers', () => void answers.far++, { from: 'anyone', overflow: 'drop' })
    // The far side learns its way back from a first message.
    const greeting = far.createMailbox('hello', { from: 'anyone' })
    dropPressure(near.context.send(out.concat(Route.of('hello')), bytes('hi')))
    const back = Route.of((await greeting.receive()).returnRoute.next!)
    const flood = async (node: Node, way: Route): Promise<void> => {
      const onwardRoute = way.concat(Route.of('echo'))
      const returnRoute = Route.of('answers')
      for (let i = 0; i < 20_000; i++) {
        const pressure = node.context.dispatch({ onwardRoute, returnRoute, payload: new Uint8Array(64) })
        if (pressure !== undefined) await pressure
      }
    }
    await Promise.all([flood(near, out), flood(far, back)])
    await settled(near)
    await settled(far)
    await settled(near)
    expect(answers.near).toBeGreaterThan(0)
    expect(answers.far).toBeGreaterThan(0)
    await Promise.all([near.close(), far.close()])
  })

  test('whose relays point at each other stop by themselves: routes grow by one with each transport hop (rule 3)', async () => {
    const { near, far, out } = await pair()
    let passes = 0
    const greeting = far.createMailbox('hello', { from: 'anyone' })
    dropPressure(near.context.send(out.concat(Route.of('hello')), bytes('hi')))
    const back = (await greeting.receive()).returnRoute.next!
    const bounce =
      (way: Route) =>
      (message: LocalMessage, context: Context): void => {
        passes++
        dropPressure(
          context.dispatch({ onwardRoute: way.concat(Route.of('bounce')), returnRoute: message.returnRoute, payload: message.payload }),
        )
      }
    near.startWorker('bounce', bounce(out), { from: 'anyone' })
    far.startWorker('bounce', bounce(Route.of(back)), { from: 'anyone' })
    dropPressure(near.context.send('bounce', bytes('x')))
    await until(() => (near.statistics().dropped['route-too-long'] ?? 0) + (far.statistics().dropped['route-too-long'] ?? 0) === 1)
    expect(passes).toBeLessThan(32)
    await Promise.all([near.close(), far.close()])
  })
})
