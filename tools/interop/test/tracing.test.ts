/** Trace ids in frames: what a Rust node that makes traces writes into the field for tracing, and what it makes of ours. */

import { describe, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { hex, ours, rust, socketOf, utf8 } from './fixture/world.ts'

/** JSON with a W3C trace context, as text of 24 to 255 bytes at the end of a frame. */
const TRACE = /78([0-9a-f]{2})(7b[0-9a-f]+7d)$/

/** The last field of a frame, read. */
function traceOf(message: Uint8Array): Record<string, string> {
  const [, length = '', text = ''] = TRACE.exec(hex(message)) ?? []
  expect(text.length / 2).toBe(Number.parseInt(length, 16))
  return JSON.parse(Buffer.from(text, 'hex').toString()) as Record<string, string>
}

const CONTEXT = { traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/), tracestate: '' }

describe('a Rust node that makes traces', () => {
  test('writes the trace context of OpenTelemetry into its frames, another one into each; we read over it', async () => {
    const node = await ours()
    const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
    const proxy = await FrameProxy.to(socketOf(address))
    const { peer } = await rust()
    await peer.ask('tracing.start')
    const { worker } = await peer.ask('tcp.connect', { to: proxy.socket })
    for (const payload of ['01', '02'])
      expect((await peer.ask('message.request', { route: [worker, 'echo'], payload })).payload).toBe(payload)
    const traces = proxy.messages('sent').map(traceOf)
    expect(traces).toEqual([CONTEXT, CONTEXT])
    expect(traces[0]?.traceparent).not.toBe(traces[1]?.traceparent)
    for (const answer of proxy.messages('answered')) expect(hex(answer)).toMatch(/f6$/)
  })

  test('answers frames of ours, which name no trace, with one of its own', async () => {
    const { peer, flow, socket } = await rust()
    await peer.ask('tracing.start')
    await peer.ask('worker.start', { address: 'echo', kind: 'echo', consumerOf: [flow] })
    const proxy = await FrameProxy.to(socket)
    const node = await ours()
    const connection = await node.connect(proxy.address)
    expect((await node.request([connection.address, 'echo'], utf8('traced'))).payload).toEqual(utf8('traced'))
    expect(proxy.messages('answered').map(traceOf)).toEqual([CONTEXT])
  })
})
