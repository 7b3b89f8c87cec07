/** `ockam message send` of our command against a Rust node. The command runs as a process of its own, as people run it, from what `npm run build` made. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FrameProxy } from './fixture/frame-proxy.ts'
import { hex, rust, rustListener } from './fixture/world.ts'

const PROGRAM = fileURLToPath(new URL('../../../apps/cli/dist/ockam.js', import.meta.url))

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'ockam-interop-'))
})
afterEach(() => rm(home, { recursive: true }))

/** What the command prints. */
async function ockam(...args: readonly string[]): Promise<string> {
  const env = { ...process.env, OCKAM_HOME: home }
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...args], { env, timeout: 60_000 })
  return stdout.trim()
}

test('a Rust service gets the text as BARE bytes and its BARE answer is printed', async () => {
  const { peer, socket, flow } = await rust()
  await peer.ask('worker.start', { address: 'uppercase', kind: 'uppercase', consumerOf: [flow] })
  const proxy = await FrameProxy.to(socket)
  expect(await ockam('message', 'send', 'hello', '--to', `${proxy.address}/service/uppercase`)).toBe('HELLO')
  const sent = proxy.messages('sent').map(hex)
  expect(sent.some((message) => message.endsWith('460568656c6c6ff6'))).toBe(true)
})

test('it goes through a channel to a Rust listener whose identifier is trusted', async () => {
  const { peer, address, identifier, channels } = await rustListener()
  await peer.ask('worker.start', { address: 'echoer', kind: 'string-echo', consumerOf: [channels] })
  const to = `${address}/secure/api/service/echoer`
  expect(await ockam('message', 'send', 'across', '--to', to, '--authorized', identifier)).toBe('across')
})
