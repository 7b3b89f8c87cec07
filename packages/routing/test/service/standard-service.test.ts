import { decodeBareString, encodeBareString } from '@ockam/core/bare'
import { dropPressure } from '@ockam/core'
import { startEcho, startUppercase } from '@ockam/routing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../fixture/manual-clock.ts'
import { RecordingDiagnostics } from '../fixture/recording-diagnostics.ts'
import { turn } from '../fixture/settle.ts'
import { FakeChannel } from './fixture/fake-channel.ts'
import { rawNode, routeOf } from './fixture/raw-transport.ts'

const PING = Uint8Array.of(1, 2, 3)

describe('echo', () => {
  test('answers with the frames of the Rust nodes', async () => {
    const { router, accept, quiet } = await rawNode()
    startEcho(router)
    const client = accept()
    // Echo example of the routing specification, in the form that Rust and Elixir nodes accept.
    client.write('84 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f f6')
    await quiet()
    expect(client.received).toEqual(['8481820046636c69656e74818200446563686f460568656c6c6ff6'])
  })

  test('gives back any bytes as they came, over connections and over channels', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (payload) => {
        const { router, accept, quiet } = await rawNode()
        startEcho(router)
        const [client, channel] = [accept(), new FakeChannel(router, 'a')]
        client.tell('echo', 'a b', payload)
        channel.deliver('echo', 'a b', payload)
        await quiet()
        const answer = { onward: 'a b', back: 'echo', payload: Buffer.from(payload).toString('hex') }
        expect(client.messages).toEqual([answer])
        expect(channel.sent).toMatchObject([answer])
      }),
      { numRuns: 30 },
    )
  })

  test('answers the node itself, and nobody when there is no return route', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, quiet } = await rawNode({ diagnostics })
    startEcho(router)
    expect((await router.context.request('echo', PING)).payload).toEqual(PING)
    dropPressure(router.context.dispatch({ onwardRoute: routeOf('echo'), returnRoute: routeOf(''), payload: PING }))
    await quiet()
    expect(diagnostics.named('routing/worker-failed')).toEqual([])
  })

  test('is silent about an asker whose connection ended', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, accept, quiet } = await rawNode({ diagnostics, clock: new ManualClock() })
    startEcho(router)
    const client = accept()
    for (let i = 0; i < 500; i++) client.tell('echo', 'x', PING)
    client.cut()
    await turn()
    await quiet()
    expect(diagnostics.named('routing/worker-failed')).toEqual([])
    const dropped = diagnostics.named('routing/message-dropped')
    expect(dropped.length).toBeLessThanOrEqual(2)
    for (const { reason } of dropped) expect(['nobody-there', 'connection-closed']).toContain(reason)
  })
})

describe('uppercase', () => {
  test.each([
    ['hello', 'HELLO'],
    ['straße', 'STRASSE'],
    ['\u0149 \u0390 \ufb01', '\u02bcN \u0399\u0308\u0301 FI'],
    ['ὀδυσσεύς ijssel', 'ὈΔΥΣΣΕΎΣ IJSSEL'],
    ['𐐨 𝒶', '𐐀 𝒶'],
    ['', ''],
  ])('puts %j into upper case by the rules of Unicode', async (from, to) => {
    const { router } = await rawNode()
    startUppercase(router)
    const { payload } = await router.context.request('uppercase', encodeBareString(from))
    expect(decodeBareString(payload)).toBe(to)
    expect(payload).toEqual(encodeBareString(to))
  })

  test('answers with the frames of the Rust nodes', async () => {
    const { router, accept, quiet } = await rawNode()
    startUppercase(router)
    const client = accept()
    client.write('84 81 820049757070657263617365 81 820046636c69656e74 46 0568656c6c6f 62 7b7d')
    await quiet()
    expect(client.received).toEqual(['8481820046636c69656e7481820049757070657263617365460548454c4c4ff6'])
  })

  test.each([
    ['nothing', []],
    ['text that is cut', [5, 0x61]],
    ['text that is not UTF-8', [2, 0xc3, 0x28]],
    ['half of a surrogate pair', [3, 0xed, 0xa0, 0x80]],
    ['a length of 2^64', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]],
  ])('does not answer a body of %s, and goes on', async (_, body) => {
    const { router, accept, quiet } = await rawNode()
    startUppercase(router)
    const client = accept()
    client.tell('uppercase', 'x', Uint8Array.from(body))
    client.tell('uppercase', 'y', encodeBareString('b'))
    await quiet()
    expect(client.messages).toEqual([{ onward: 'y', back: 'uppercase', payload: '0142' }])
  })
})

describe('services told to answer each other', () => {
  test('on one node stop, whatever their names', async () => {
    const diagnostics = new RecordingDiagnostics()
    const { router, quiet } = await rawNode({ diagnostics })
    startEcho(router)
    startEcho(router, 'mirror')
    startEcho(router, 'looking-glass')
    startUppercase(router)
    for (const [to, from] of [
      ['echo', 'echo'],
      ['mirror', 'looking-glass'],
      ['echo', 'mirror'],
      ['uppercase', 'mirror'],
    ] as const) {
      dropPressure(router.context.dispatch({ onwardRoute: routeOf(to), returnRoute: routeOf(from), payload: encodeBareString('x') }))
    }
    await quiet()
    expect(router.statistics().delivered).toBeLessThan(100)
    expect(diagnostics.named('routing/message-dropped')).toContainEqual(expect.objectContaining({ reason: 'goes-to-a-service' }))
    expect(router.statistics().dropped).toMatchObject({ loop: 1, 'goes-to-a-service': 3 })
  })

  test.each([
    ['echo', 'echo'],
    ['echo', 'uppercase'],
    ['uppercase', 'echo'],
    ['mirror', 'echo'],
    ['mirror', 'mirror'],
  ])('on two nodes stop: %s and %s', async (to, from) => {
    // What a datagram with a forged source does: the first answer goes to a service of somebody else.
    const { router, accept, quiet } = await rawNode()
    startEcho(router)
    startEcho(router, 'mirror')
    startUppercase(router)
    const victim = accept()
    victim.tell(to, from, encodeBareString('x'))
    await quiet()
    expect(victim.received).toEqual([])
  })
})
