import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { ChildProgram } from './child-program.ts'

const MIB = 1024 * 1024

interface SinkReport {
  readonly flows: readonly { readonly messages: number; readonly bytes: number; readonly disorder: number }[]
  readonly residentBytes: number
  readonly dropped: Readonly<Record<string, number>>
}
interface SourceReport {
  readonly accepted: readonly number[]
  readonly residentBytes: number
  readonly dropped: Readonly<Record<string, number>>
}
interface FloodReport {
  readonly sent: number
  readonly answers: number
  readonly ticks: number
  readonly hasEnded: boolean
  readonly waiting: number
}

const children: ChildProgram[] = []

async function start(name: string): Promise<ChildProgram> {
  const child = await ChildProgram.start(name)
  children.push(child)
  return child
}

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.end()))
})

/** Most bytes a socket pair of this machine holds in the kernel. */
function kernelBytes(): number {
  const most = (name: string): number => Number(readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8').trim().split(/\s+/)[2])
  return most('tcp_wmem') + most('tcp_rmem')
}

/** What one hop may hold: its mailbox, the message that crossed the bound, what the transport has not written, what was read at once. */
const hopBytes = (messageBytes: number): number =>
  1 * MIB + messageBytes + (512 * 1024 + 1 * MIB + messageBytes) + 2 * 64 * 1024 + kernelBytes()

describe('back-pressure between processes over TCP', () => {
  test('a fast sender of 512 MiB, a node in the middle and a slow receiver: nothing is lost, order holds, nobody grows', async () => {
    const messageBytes = 64 * 1024
    const messages = (512 * MIB) / messageBytes
    const [sink, gateway, source] = [await start('flow-sink'), await start('flow-gateway'), await start('flow-source')]
    const sinkAddress = await sink.ask<string>('listen', { flows: 1, restAfterBytes: 128 * 1024, stuck: [] })
    await gateway.ask('connect', sinkAddress)
    const to = `${await gateway.ask<string>('listen')}/service/gateway`
    await source.ask('start', { to, flows: 1, messages, messageBytes })

    // Two sockets, and the mailboxes of: the sender's connection, the gateway, its connection, the sink.
    const bounds = 2 * hopBytes(messageBytes) + 2 * (MIB + messageBytes)
    let mostUnderWay = 0
    let warm: readonly number[] | undefined
    let growth = [0, 0, 0]
    let delivered = 0
    for (let i = 0; i < 6000 && delivered < 512 * MIB; i++) {
      await sleep(20)
      // Delivered first: what is delivered between the two questions counts against the bound.
      const received = await sink.ask<SinkReport>('report')
      const sent = await source.ask<SourceReport>('report')
      const between = await gateway.ask<{ residentBytes: number }>('report')
      delivered = received.flows[0]?.bytes ?? 0
      mostUnderWay = Math.max(mostUnderWay, (sent.accepted[0] ?? 0) - delivered)
      const resident = [sent.residentBytes, between.residentBytes, received.residentBytes]
      if (delivered >= 64 * MIB) warm ??= resident
      if (warm !== undefined) growth = growth.map((most, j) => Math.max(most, (resident[j] ?? 0) - (warm?.[j] ?? 0)))
    }
    console.log(
      `512 MiB: at most ${(mostUnderWay / MIB).toFixed(1)} MiB under way (bound ${(bounds / MIB).toFixed(1)}); growth of sender, middle, receiver: ${growth.map((bytes) => (bytes / MIB).toFixed(0)).join(', ')} MiB`,
    )
    const { flows, dropped } = await sink.ask<SinkReport>('report')
    expect(flows).toEqual([{ messages, bytes: 512 * MIB, disorder: 0 }])
    expect(dropped).toEqual({})
    expect((await gateway.ask<SourceReport>('report')).dropped).toEqual({})
    expect(mostUnderWay).toBeLessThanOrEqual(bounds)
    for (const bytes of growth) expect(bytes).toBeLessThanOrEqual(64 * MIB)
  }, 120_000)

  test('of twenty flows on connections of their own one is stuck: the other nineteen run on, and the stuck one stays bounded', async () => {
    const messageBytes = 16 * 1024
    const messages = (16 * MIB) / messageBytes
    const [sink, source] = [await start('flow-sink'), await start('flow-source')]
    const to = await sink.ask<string>('listen', { flows: 20, restAfterBytes: 0, stuck: [7] })
    await source.ask('start', { to, flows: 20, messages, messageBytes })
    let report = await sink.ask<SinkReport>('report')
    const complete = (): number => report.flows.filter((flow) => flow.messages === messages).length
    for (let i = 0; i < 3000 && complete() < 19; i++) {
      await sleep(20)
      report = await sink.ask<SinkReport>('report')
    }
    const others = report.flows.filter((_, i) => i !== 7)
    expect(others).toEqual(Array(19).fill({ messages, bytes: 16 * MIB, disorder: 0 }))
    expect(report.flows[7]).toEqual({ messages: 0, bytes: 0, disorder: 0 })
    const { accepted } = await source.ask<SourceReport>('report')
    expect(accepted[7]).toBeLessThanOrEqual(hopBytes(messageBytes) + MIB + messageBytes)
    expect(report.dropped).toEqual({})
  }, 120_000)

  test('two processes that flood each other’s echo service do not deadlock, and a 10 ms timer fires in both all the while', async () => {
    const [one, other] = [await start('echo-flood'), await start('echo-flood')]
    const [oneAddress, otherAddress] = [await one.ask<string>('listen'), await other.ask<string>('listen')]
    const flood = { ticks: 50, maxMessages: 5_000_000 }
    await Promise.all([one.ask('flood', { ...flood, to: otherAddress }), other.ask('flood', { ...flood, to: oneAddress })])
    const reports = async (): Promise<readonly FloodReport[]> =>
      Promise.all([one.ask<FloodReport>('report'), other.ask<FloodReport>('report')])
    let now = await reports()
    for (let i = 0; i < 3000 && !now.every(({ hasEnded, waiting }) => hasEnded && waiting === 0); i++) {
      await sleep(20)
      now = await reports()
    }
    for (const { hasEnded, waiting, ticks, sent, answers } of now) {
      expect({ hasEnded, waiting, ticks }).toEqual({ hasEnded: true, waiting: 0, ticks: 50 })
      expect(sent).toBeGreaterThan(1000)
      expect(answers).toBeGreaterThan(0)
    }
  }, 120_000)
})
