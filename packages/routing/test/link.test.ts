import { type Context, dropPressure, type LocalMessage, type Pressure, Route, type WorkerFunction, type WorkerOptions } from '@ockam/core'
import { createRouter, type RouterOptions } from '@ockam/routing'
import { memoryNetwork } from '@ockam/transport-memory'
import { describe, expect, test } from 'vitest'
import { bytes, text } from './fixture/bytes.ts'
import { settled, turn, until } from './fixture/settle.ts'

type Node = ReturnType<typeof createRouter>

async function pair(options: RouterOptions = {}): Promise<{ near: Node; far: Node; out: Route }> {
  const network = memoryNetwork({ encode: true })
  const near = createRouter({ ...options, transports: [network.transport('near')] })
  const far = createRouter({ ...options, transports: [network.transport('far')] })
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

  test.each<[string, WorkerFunction, WorkerOptions]>([
    ['that drop', echo, { overflow: 'drop' }],
    ['that reply', (message, context) => context.reply(message, message.payload), {}],
    ['that wait for their answers', echo, {}],
  ])(
    'that flood each other’s workers %s do not deadlock: what is not answered is counted, and all else goes on',
    async (_, mirror, options) => {
      const { near, far, out } = await pair({ deadlockTimeoutMs: 60 })
      const answers = { near: 0, far: 0 }
      for (const [node, own] of [
        [near, 'near'],
        [far, 'far'],
      ] as const) {
        node.startWorker('mirror', mirror, { from: 'anyone', ...options })
        node.startWorker('answers', () => void answers[own]++, { from: 'anyone' })
        node.startWorker('other', echo, { from: 'anyone' })
      }
      // The far side learns its way back from a first message.
      const greeting = far.createMailbox('hello', { from: 'anyone' })
      dropPressure(near.context.send(out.concat(Route.of('hello')), bytes('hi')))
      const back = Route.of((await greeting.receive()).returnRoute.next!)
      let asking = 2
      const flood = async (node: Node, way: Route): Promise<number> => {
        const onwardRoute = way.concat(Route.of('mirror'))
        const returnRoute = Route.of('answers')
        let sent = 0
        for (; (sent < 10_000 || asking > 0) && sent < 1_000_000; sent++)
          await node.context.dispatch({ onwardRoute, returnRoute, payload: new Uint8Array(64) })
        return sent
      }
      const ask = async (node: Node, way: Route): Promise<void> => {
        for (let i = 0; i < 8; i++) await node.context.request(way.concat(Route.of('other')), new Uint8Array(64), { timeoutMs: 10_000 })
        asking--
      }
      const [sent] = await Promise.all([Promise.all([flood(near, out), flood(far, back)]), ask(near, out), ask(far, back)])
      expect(asking).toBe(0)
      for (const [own, total, peer] of [
        ['near', sent[0], far],
        ['far', sent[1], near],
      ] as const) {
        const accounted = (): number => {
          const { 'mailbox-full': late = 0, 'nobody-reads': unread = 0, deadlock = 0 } = peer.statistics().dropped
          return answers[own] + late + unread + deadlock
        }
        await until(() => accounted() >= total, 'what was sent to be answered or counted')
        expect(accounted()).toBe(total)
        expect(answers[own]).toBeGreaterThan(total / 20)
      }
      await settled(near)
      await settled(far)
      await Promise.all([near.close(), far.close()])
    },
  )

  test('lose nothing when one floods a worker of the other that waits for its answers, and reads them, slowly', async () => {
    const { near, far, out } = await pair()
    const total = 20_000
    let answers = 0
    far.startWorker('mirror', echo, { from: 'anyone' })
    near.startWorker('answers', () => (++answers % 100 === 0 ? turn() : undefined), { from: 'anyone' })
    const message = { onwardRoute: out.concat(Route.of('mirror')), returnRoute: Route.of('answers'), payload: new Uint8Array(64) }
    for (let i = 0; i < total; i++) await near.context.dispatch(message)
    await until(() => answers === total, 'all answers')
    expect([near.statistics().dropped, far.statistics().dropped]).toEqual([{}, {}])
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
