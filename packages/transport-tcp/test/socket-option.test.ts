/**
 * What the operating system is told of each socket. Node has no way to ask for it afterwards, so what counts are the calls of Node's own handles, which
 * all ways to set such an option end in, on the real sockets of real connections.
 */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { MultiAddr } from '@ockam/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { TcpOptions } from '../src/index.ts'
import { portOf, until, withTransport } from './raw-peer.ts'

interface Handle {
  setNoDelay(isOn: boolean): number
  setKeepAlive(isOn: boolean, delaySeconds: number): number
}

/** Calls on handles of sockets that this test did not make. */
const calls: { readonly name: string; readonly handle: Handle; readonly args: readonly unknown[] }[] = []
const handleOf = (socket: Socket): Handle => (socket as Socket & { readonly _handle: Handle })._handle

beforeEach(async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const probe = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const prototype = Object.getPrototypeOf(handleOf(probe)) as Handle
  probe.destroy()
  server.close()
  calls.length = 0
  // How many arguments count: newer versions of Node add how often is probed, and leave it undefined.
  for (const [name, count] of [
    ['setNoDelay', 1],
    ['setKeepAlive', 2],
  ] as const) {
    const original = prototype[name] as (this: Handle, ...args: unknown[]) => number
    vi.spyOn(prototype, name).mockImplementation(function (this: Handle, ...args: unknown[]) {
      calls.push({ name, handle: this, args: args.slice(0, count) })
      return original.apply(this, args)
    })
  }
})

afterEach(() => {
  vi.restoreAllMocks()
})

/** What was set on our socket, by who opened the connection; the raw end of it sets nothing. */
const SIDES: Readonly<Record<string, (options: TcpOptions) => Promise<Readonly<Record<string, readonly unknown[]>>>>> = {
  'a connection that it opened': async (options) => {
    const server = createServer()
    const others: Socket[] = []
    server.on('connection', (socket) => others.push(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      await withTransport(options, async ({ transport }) => {
        await transport.connect(MultiAddr.parse(`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`))
        await until(() => others.length === 1, 'it is accepted')
        for (const socket of others) socket.destroy()
      })
    } finally {
      server.close()
    }
    return setOn(calls.map(({ handle }) => handle))
  },
  'a connection that it accepted': async (options) => {
    const found: Handle[] = []
    await withTransport(options, async ({ transport, services }) => {
      const listener = await transport.listen(MultiAddr.parse('/ip4/127.0.0.1/tcp/0'))
      const socket = connect(portOf(listener.address), '127.0.0.1')
      await until(() => services.acceptances.length === 1, 'it is accepted')
      const own = handleOf(socket)
      found.push(...calls.map(({ handle }) => handle).filter((handle) => handle !== own))
      socket.destroy()
    })
    return setOn(found)
  },
}

function setOn(handles: readonly Handle[]): Readonly<Record<string, readonly unknown[]>> {
  expect(new Set(handles).size).toBeLessThanOrEqual(1)
  return Object.fromEntries(calls.filter(({ handle }) => handles.includes(handle)).map(({ name, args }) => [name, args]))
}

for (const [side, open] of Object.entries(SIDES)) {
  describe(`The socket of ${side}`, () => {
    test('sends small messages at once, and has the operating system look after five minutes whether the other side is still there', async () => {
      expect(await open({})).toEqual({ setNoDelay: [true], setKeepAlive: [true, 300] })
    })

    test('is looked after as often as the owner says, or not at all', async () => {
      expect(await open({ keepAliveMs: 7_000 })).toEqual({ setNoDelay: [true], setKeepAlive: [true, 7] })
      calls.length = 0
      expect(await open({ keepAliveMs: 0 })).toEqual({ setNoDelay: [true] })
    })
  })
}
