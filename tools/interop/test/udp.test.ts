/**
 * UDP as a Rust node speaks it, tried with raw datagrams: what a UDP transport of ours has to write and to take. Ours does not exist yet, so that no
 * channel, puncture or relay between both kinds of nodes goes over UDP in these tests.
 */

import { beforeEach, describe, expect, test } from 'vitest'
import { byteString, DatagramClient, datagram, PART_BYTES, partsOf, routingMessage } from './fixture/datagram-client.ts'
import { negotiatePuncture } from './fixture/puncture.ts'
import { RustPeer } from './fixture/rust-peer.ts'
import { hex, utf8 } from './fixture/world.ts'

let client: DatagramClient
beforeEach(async () => {
  const peer = await RustPeer.start()
  const { address, flowControlId } = await peer.ask('udp.bind')
  await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flowControlId] })
  await peer.ask('udp.rendezvous', { address: 'rendezvous', consumerOf: [flowControlId] })
  client = await DatagramClient.to(address)
  return () => peer.stop()
})

const echo = (payload: string): string => routingMessage(['echo'], ['client'], payload)

/** What the echo sends to `client`: the node adds an empty tracing object. */
const answer = (payload: string): string => `${routingMessage(['client'], ['echo'], payload).slice(0, -2)}627b7d`

/** Waits for an answer with that payload; answers may pass each other. @returns all payloads that came back in one datagram, in order. */
async function untilEcho(payload: string): Promise<readonly string[]> {
  await expect.poll(() => client.received.some((one) => one.endsWith(byteString(answer(payload))))).toBe(true)
  return client.received.map((one) => /f?46([0-9a-f]{12})627b7d$/.exec(one)?.[1] ?? one)
}

const body = (number: number): string => hex(utf8(`body${number}_`))

describe('a Rust node', () => {
  test('answers a message in one datagram with one that has version 1, part 0 of 1', async () => {
    client.send(...partsOf(0x1234, echo(body(1))))
    await untilEcho(body(1))
    expect(client.received[0]).toMatch(new RegExp(`^8501(?:0.|1[0-7]|18..|19....)0001${byteString(answer(body(1)))}$`))
  })

  test('puts parts together in whatever order they come, and cuts its own after 493 bytes', async () => {
    const payload = 'ab'.repeat(1500)
    const parts = partsOf(7, echo(payload))
    expect(parts).toHaveLength(4)
    client.send(...[3, 1, 0, 2].map((at) => parts[at] as string))
    await expect.poll(() => client.received.length).toBe(4)
    const [number] = client.received.map((one) => /^8501(0.|1[0-7]|18..|19....)/.exec(one)?.[1])
    const whole = answer(payload)
    const expected = [0, 1, 2, 3].map((part) => {
      const bytes = whole.slice(part * PART_BYTES * 2, (part + 1) * PART_BYTES * 2)
      return `8501${number}0${part}04${byteString(bytes)}`
    })
    expect(client.received.toSorted()).toEqual(expected.toSorted())
    for (const one of client.received) expect(one.length / 2).toBeLessThanOrEqual(508)
  })

  test('takes messages in the order in which they are complete, five numbers at a time, and none twice', async () => {
    const [first = '', second = ''] = partsOf(100, echo('cd'.repeat(600)))
    client.send(first)
    for (let number = 101; number <= 104; number++)
      client.send(...partsOf(number, echo(body(number))), ...partsOf(number, echo(body(number))))
    await untilEcho(body(104))
    client.send(second)
    await expect.poll(() => client.received.some((one) => one.includes('cd'.repeat(300)))).toBe(true)
    expect(client.received.filter((one) => one.includes(body(101)))).toHaveLength(1)
  })

  test('forgets a message that is not complete when one comes whose number is five or more ahead, and takes none behind that', async () => {
    const [first = '', second = ''] = partsOf(100, echo('cd'.repeat(600)))
    client.send(first, ...partsOf(105, echo(body(5))), second, ...partsOf(100, echo(body(0))), ...partsOf(106, echo(body(6))))
    await untilEcho(body(6))
    expect(client.received.some((one) => one.includes('cd'.repeat(300)) || one.includes(body(0)))).toBe(false)
  })

  test('goes on when the numbers begin anew after 65535', async () => {
    client.send(
      ...partsOf(65_534, echo(body(1))),
      ...partsOf(65_535, echo(body(2))),
      ...partsOf(0, echo(body(3))),
      ...partsOf(1, echo(body(4))),
    )
    expect((await untilEcho(body(4))).toSorted()).toEqual([body(1), body(2), body(3), body(4)])
  })

  test('does not look at the version, nor for a fourth field', async () => {
    const short = `83${echo(body(2)).slice(2, -2)}`
    client.send(datagram(1, 0, 1, echo(body(1)), 9), datagram(2, 0, 1, short))
    expect((await untilEcho(body(2))).toSorted()).toEqual([body(1), body(2)])
  })

  test('reads over what it cannot read, and over messages without an onward route', async () => {
    const formerly = `85010400f5${byteString(echo(body(9)))}`
    client.send('ff00', datagram(1, 0, 1, 'ffff'), formerly, datagram(2, 0, 1, routingMessage([], ['client'], body(8))))
    client.send(datagram(3, 0, 0, echo(body(7))), datagram(4, 2, 2, echo(body(6))), ...partsOf(5, echo(body(5))))
    expect(await untilEcho(body(5))).toEqual([body(5)])
  })

  test('takes parts of 493 bytes, and no datagrams of more than 508', async () => {
    const overhead = echo('00'.repeat(400)).length / 2 - 400
    const longest = echo('11'.repeat(PART_BYTES - overhead))
    expect(longest.length / 2).toBe(PART_BYTES)
    const tooLong = echo('22'.repeat(505 - overhead))
    client.send(datagram(1, 0, 1, tooLong), datagram(2, 0, 1, longest))
    await expect.poll(() => client.received.some((one) => one.includes('11'.repeat(300)))).toBe(true)
    expect(client.received.some((one) => one.includes('22'.repeat(300)))).toBe(false)
  })

  test('with a rendezvous service says that it is there, and by which address it sees the asker', async () => {
    client.send(
      ...partsOf(1, routingMessage(['rendezvous'], ['client'], '820080')),
      ...partsOf(2, routingMessage(['rendezvous'], ['client'], '820180')),
    )
    await expect.poll(() => client.received.length).toBe(2)
    const own = hex(utf8(client.address))
    const told = `820181${(0x60 + own.length / 2).toString(16)}${own}`
    const replies = client.received.join(' ')
    expect(replies).toContain('43820080627b7d')
    expect(replies).toContain(`${byteString(told)}627b7d`)
  })
})

test('a puncture to a Rust node: negotiated over TCP, opened by Ping and Pong, with payloads as arrays of integers', async () => {
  const { peer, worker: name, flow } = await negotiatePuncture(client)
  await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flow] })
  const came = (message: string): Promise<void> => expect.poll(() => client.received.some((one) => one.includes(message))).toBe(true)
  // It begins at once, goes on every second, and names our worker only when it was heard.
  await came(`8480${routeOf(name)}43820080`)
  client.send(...partsOf(1, routingMessage([name], ['me'], '820080')))
  await came(`84${routeOf('me')}${routeOf(name)}43820180`)
  await came(`84${routeOf('me')}${routeOf(name)}43820080`)
  const inner = `820283${routeOf('echo')}${routeOf('asker')}8218601861`
  client.send(...partsOf(2, routingMessage([name], ['me'], '820180')), ...partsOf(3, routingMessage([name], ['me'], inner)))
  const answered = `820283${routeOf('asker')}${routeOf('echo')}8218601861`
  await came(answered)
})

const routeOf = (name: string): string => `818200${byteString(hex(utf8(name)))}`
