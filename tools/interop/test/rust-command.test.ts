/**
 * The command-line program of Rust as peer: what it sends as messages, how it reads addresses, whom its outlets answer, and where its sessions ping. Runs where
 * OCKAM_RUST_COMMAND names that program; docs/compatibility.md says with which version, and how it was built.
 */

import { peerOf } from '@ockam/core'
import { type OckamNode, trustEveryone, trustIdentifier } from '@ockam/node'
import { createTcpInlet, createTcpOutlet } from '@ockam/portals'
import { startUppercase } from '@ockam/routing'
import type { SecureChannel } from '@ockam/secure-channel'
import { describe, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { command, commandIdentifier, commandNode } from './fixture/rust-command.ts'
import { dial, isOver, readAll, startTarget } from './fixture/tcp-program.ts'
import { hex, ours, rust, socketOf, utf8 } from './fixture/world.ts'

/** Starting nodes takes seconds, and a session pings every ten. */
const TIMEOUT = 180_000
const HELLO = hex(utf8('hello'))
const PING = /^1b[0-9a-f]{16}$/
/** A frame with a ping beside any channel: the last hop is `echo`. */
const PLAIN_PING = /8200446563686f818200.*491b[0-9a-f]{16}627b7d$/

/** Which messages came to a worker of ours that sends them back: payload, and who is at the other end of the channel, or null. */
type Noted = readonly [payload: string, peer: string | null]

function noting(node: OckamNode, address: string): readonly Noted[] {
  const noted: Noted[] = []
  node.startWorker(
    address,
    (message, context) => {
      const peer = peerOf(message)
      noted.push([hex(message.payload), peer === undefined ? null : String(peer.identifier)])
      return context.send(message.returnRoute, message.payload)
    },
    { from: 'anyone' },
  )
  return noted
}

/** A node of ours that listens on TCP behind a proxy, with a channel listener `api`. */
async function listening() {
  const node = await ours({ hasEcho: false })
  const identity = await node.createIdentity()
  const opened: string[] = []
  const onChannel = ({ peer }: SecureChannel): void => void opened.push(String(peer))
  await node.listenSecureChannels('api', { identity, trust: trustEveryone(), onChannel })
  const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
  const proxy = await FrameProxy.to(socketOf(address))
  return { node, identifier: String(identity.identifier), proxy, opened, sent: () => proxy.messages('sent').map(hex) }
}

describe('a message of the Rust command', () => {
  test.each([
    ['itself', []],
    ['a node of it', ['--from', 'n1']],
  ])(
    'sent by %s has text as BARE, and bytes given in hexadecimal as they are; answers are read likewise',
    async (_who, from) => {
      const { node, proxy } = await listening()
      startUppercase(node.router)
      const noted = noting(node, 'raw')
      if (from.length > 0) await commandNode('n1')
      const send = (text: string, service: string, ...options: readonly string[]): Promise<string> =>
        command('message', 'send', text, ...options, ...from, '--to', `${proxy.address}/service/${service}`)
      expect(await send('hello', 'uppercase')).toBe('HELLO')
      expect(await send('hello', 'raw')).toBe('hello')
      expect(await send(HELLO, 'raw', '--hex')).toBe(HELLO)
      expect(noted).toEqual([
        [`05${HELLO}`, null],
        [HELLO, null],
      ])
    },
    TIMEOUT,
  )

  test(
    'goes through a channel when its address says so, also when nothing follows the channel; with a bare address it goes to nobody',
    async () => {
      const { node, proxy, opened, sent } = await listening()
      startUppercase(node.router)
      const send = (to: string): Promise<string> => command('message', 'send', 'hello', '--timeout', '3s', '--to', `${proxy.address}${to}`)
      expect(await send('/secure/api/service/uppercase')).toBe('HELLO')
      expect(opened).toHaveLength(1)
      await expect(send('/secure/api')).rejects.toThrow('imeout')
      expect(opened.length).toBeGreaterThan(1)
      await expect(send('')).rejects.toThrow('imeout')
      expect(sent().some((message) => message.startsWith('8480') && message.endsWith(`4605${HELLO}627b7d`))).toBe(true)
    },
    TIMEOUT,
  )
})

describe('an outlet of the Rust command', () => {
  /** What a client of our inlet gets from it, over plain TCP and through a channel. */
  async function served(...options: readonly string[]): Promise<readonly string[]> {
    const target = await startTarget((socket) => socket.end('served'))
    const { address } = await commandNode('n1', ...options)
    await command('tcp-outlet', 'create', '--at', 'n1', '--to', `127.0.0.1:${target}`)
    const trust = trustIdentifier(await commandIdentifier())
    const node = await ours()
    const identity = await node.createIdentity()
    const answers: string[] = []
    for (const [way, side] of [
      ['/service/outlet', {}],
      ['/secure/api/service/outlet', { identity, trust }],
    ] as const) {
      const inlet = await createTcpInlet(node, { listen: 0, to: `${address}${way}`, openTimeoutMs: 5000, ...side })
      const client = await dial(inlet.port as number)
      let answer = ''
      client.on('data', (chunk: Buffer) => (answer += String(chunk)))
      await isOver(client)
      answers.push(answer)
    }
    return answers
  }

  test(
    'answers over plain TCP and through a channel when its node has no authority',
    async () => {
      expect(await served()).toEqual(['served', 'served'])
    },
    TIMEOUT,
  )

  test(
    'answers neither plain TCP nor a channel without a credential when its node was given an authority',
    async () => {
      const { history } = await (await rust()).peer.ask('identity.create')
      expect(await served('--authority-identity', history)).toEqual(['', ''])
    },
    TIMEOUT,
  )
})

describe('a session of the Rust command', () => {
  test.each([
    ['/service/outlet', false],
    ['/secure/api/service/outlet', false],
    ['/service/forward_to_x/service/outlet', true],
    ['/service/forward_to_x/secure/api/service/outlet', true],
  ])(
    'of an inlet to %s pings the echo of the node at its end, through the channel where there is one',
    async (to, isRelayed) => {
      const target = await startTarget((socket) => socket.end('served'))
      const { node, identifier, proxy: direct, opened } = await listening()
      await createTcpOutlet(node, 'outlet', { to: target, allowAnyone: true, from: 'anyone' })
      const relay = await ours()
      relay.startRelayService()
      const { address } = await relay.listen('/ip4/127.0.0.1/tcp/0')
      const proxy = isRelayed ? await FrameProxy.to(socketOf(address)) : direct
      if (isRelayed) await node.createRelay(address, { name: 'x' })
      const noted = noting(node, 'echo')
      await commandNode('n1')
      const options = ['--at', 'n1', '--to', `${proxy.address}${to}`, '--authorized', identifier, '--output', 'json']
      const port = /127\.0\.0\.1:(\d+)/.exec(await command('tcp-inlet', 'create', ...options))?.[1]
      expect(String(await readAll(await dial(Number(port))))).toBe('served')
      await expect.poll(() => noted.length, { timeout: 60_000 }).toBeGreaterThan(1)
      const isSecure = to.includes('secure')
      const peer = isSecure ? await commandIdentifier() : null
      expect(noted).toEqual(noted.map(() => [expect.stringMatching(PING), peer]))
      expect(opened).toEqual(isSecure ? [peer] : [])
      expect(
        proxy
          .messages('sent')
          .map(hex)
          .some((message) => PLAIN_PING.test(message)),
      ).toBe(!isSecure)
    },
    TIMEOUT,
  )

  test(
    'of a relay registers its bare name and pings the echo of the relay node, through the channel where there is one',
    async () => {
      const { node, proxy, sent } = await listening()
      node.startRelayService()
      const noted = noting(node, 'echo')
      await commandNode('n1')
      const create = async (name: string, at: string): Promise<string> =>
        /"remote_address": ?"(.*?)"/.exec(await command('relay', 'create', name, '--to', 'n1', '--at', at, '--output', 'json'))?.[1] ?? ''
      expect(await create('blue', proxy.address)).toBe('forward_to_blue')
      expect(sent()[0]).toMatch(/^84818200581973746174.*4504626c7565627b7d$/)
      await expect.poll(() => noted.length, { timeout: 60_000 }).toBeGreaterThan(1)
      expect(noted).toEqual(noted.map(() => [expect.stringMatching(PING), null]))

      expect(await create('red', `${proxy.address}/secure/api`)).toBe('forward_to_red')
      const peer = await commandIdentifier()
      await expect.poll(() => noted.filter(([, who]) => who === peer).length, { timeout: 60_000 }).toBeGreaterThan(1)
    },
    TIMEOUT,
  )

  test(
    'of a relay begins anew when its pings stay without an answer',
    async () => {
      const { node, proxy, sent } = await listening()
      node.startRelayService()
      await commandNode('n1')
      await command('relay', 'create', 'blue', '--to', 'n1', '--at', proxy.address, '--no-connection-wait')
      const registrations = (): number => sent().filter((message) => message.endsWith('4504626c7565627b7d')).length
      await expect.poll(registrations, { timeout: 120_000 }).toBeGreaterThan(1)
      expect(sent().filter((message) => PLAIN_PING.test(message)).length).toBeGreaterThan(2)
    },
    TIMEOUT,
  )
})
