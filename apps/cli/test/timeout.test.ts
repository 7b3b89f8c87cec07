/** Whoever waits for a node waits longer than the node itself has: otherwise the node's own answer would come too late. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ControlOptions } from '../src/control/control-client.ts'
import { main } from '../src/program/main.ts'
import { COMMANDS } from '../src/program/registry.ts'
import { isGroup, type OptionDefinition } from '../src/program/command.ts'
import { openState } from '../src/state/state.ts'

interface Asked {
  readonly method: string
  readonly parameters: Readonly<Record<string, unknown>>
  readonly options: ControlOptions
}

const asked: Asked[] = []
vi.mock('../src/command/node-choice.ts', async (original) => ({
  ...(await original()),
  askNode: async (_: unknown, __: string, method: string, parameters: Record<string, unknown>, options: ControlOptions = {}) => {
    asked.push({ method, parameters, options })
    return method.endsWith('.list') ? [] : { body: '00', multiaddr: 'x', bind_addr: 'x' }
  },
}))

const { OCKAM_HOME } = process.env
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'timeout-'))
  process.env['OCKAM_HOME'] = join(folder, 'home')
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  const state = openState(join(folder, 'home'))
  state.nodes.create({ name: 'n1', identity: 'default', tcpListenerAddress: '127.0.0.1:0', authorized: [] })
  asked.length = 0
})
afterEach(async () => {
  vi.restoreAllMocks()
  if (OCKAM_HOME === undefined) delete process.env['OCKAM_HOME']
  else process.env['OCKAM_HOME'] = OCKAM_HOME
  await rm(folder, { recursive: true })
})

const OPEN = '/ip4/127.0.0.1/tcp/1'

test.each([
  ['secure-channel create --from n1 --authorized x --to', `${OPEN}/secure/api`, 120_000, '120s', 1],
  ['relay create r --to n1 --at', OPEN, 30_000, '30s; through a channel 120s', 1],
  ['relay create r --to n1 --authorized x --at', `${OPEN}/secure/api`, 120_000, '30s; through a channel 120s', 1],
  ['tcp-connection create --from n1 --to', '127.0.0.1:1', 15_000, '15s', 1],
  // Three hops and the answer.
  ['message send hello --from n1 --to', `${OPEN}/service/echo`, 10_000, '10s for the answer, and for each hop that is opened', 4],
])('%s waits as long as its help says, or --timeout', async (line, route, usualMs, help, times) => {
  const words = [...line.split(' '), route]
  expect(optionOf(words, '--timeout').fallback).toBe(help)
  expect(await main(words, '0.0.0')).toBe(0)
  expect(await main([...words, '--timeout', '70s'], '0.0.0')).toBe(0)
  expect(asked.map(({ parameters, options }) => [parameters['timeoutMs'], options.operationMs])).toEqual([
    [usualMs, usualMs * times],
    [70_000, 70_000 * times],
  ])
})

test('tcp-inlet create waits for the way as long as its help says, or --connection-wait, or not at all', async () => {
  const words = ['tcp-inlet', 'create', '--at', 'n1', '--authorized', 'x', '--to', `${OPEN}/secure/api/service/outlet`]
  expect(optionOf(words, '--connection-wait').fallback).toBe('5s')
  for (const more of [[], ['--connection-wait', '65s'], ['--no-connection-wait']]) expect(await main([...words, ...more], '0.0.0')).toBe(0)
  const created = asked.filter(({ method }) => method === 'tcp-inlet.create')
  expect(created.map(({ parameters, options }) => [parameters['waitMs'], options.operationMs])).toEqual([
    [5000, 5000],
    [65_000, 65_000],
    [undefined, 0],
  ])
})

function optionOf([group, name]: readonly string[], flag: string): OptionDefinition {
  const entry = COMMANDS.find((candidate) => candidate.name === group)
  const command = entry !== undefined && isGroup(entry) ? entry.commands.find((one) => one.name === name) : undefined
  const found = command?.options?.find(({ flags }) => flags.startsWith(`${flag} `))
  if (found === undefined) throw new Error(`ockam ${group} ${name} has no ${flag}`)
  return found
}
