/** The README's commands, each run as it stands there, in a folder of its own and on a port that is free. */

import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtProgram, endPrograms, type RunningProgram, runShell } from './running-program.ts'

let folder = ''
let readme = ''

beforeAll(async () => {
  readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  folder = await mkdtemp(join(tmpdir(), 'ockam-by-hand-'))
  await symlink(dirname(builtProgram('relay')), join(folder, 'dist'))
})

afterAll(async () => {
  await endPrograms()
  await rm(folder, { recursive: true })
})

/** @param port stands in for 4000, which may be taken. */
function commandOf(terminal: string, port: string): string {
  const command = readme.match(new RegExp(`^\`\`\`sh name=${terminal}\n([^]*?)^\`\`\``, 'm'))?.[1]
  if (command === undefined) throw new Error(`The README has no command for ${terminal}.`)
  return command.replaceAll('tcp/4000', `tcp/${port}`)
}

const start = (terminal: string, port = '0'): RunningProgram => runShell(commandOf(terminal, port), folder)

test('each program runs by the command its README gives, in four terminals', async () => {
  expect(await start('identities').exited).toBe(0)

  const relay = start('relay')
  const port = (await relay.line('listens on')).split('/').at(-1) as string
  const service = start('service', port)
  await service.line('reachable at forward_to_service')

  const device = start('device', port)
  expect(await device.exited, device.lines.join('\n')).toBe(0)
  expect(device.lines.filter((line) => line.startsWith('was told'))).toHaveLength(5)

  const stranger = start('stranger', port)
  expect(await stranger.exited).toBe(1)
  expect(stranger.lines.join('\n')).toContain('routing/timeout')
  expect(service.lines.filter((line) => line.includes('says load'))).toHaveLength(5)
  expect(relay.lines.filter((line) => line.startsWith('sees')).length).toBeGreaterThan(10)
}, 60_000)

test('a program that lacks a setting says which one, and ends with exit code 2', async () => {
  const service = runShell('RELAY=/ip4/127.0.0.1/tcp/1 node dist/service.js', folder)
  expect(await service.exited).toBe(2)
  expect(service.lines.join('\n')).toContain('DEVICE is not set')
})
