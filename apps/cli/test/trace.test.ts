/** What a trace says of a route, and the nodes on it: which rule refuses, and whose refusals are of this route. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropPressure, MultiAddr, Route, silentDiagnostics } from '@ockam/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EventLog } from '../src/node/event-log.ts'
import { type Host, openHost } from '../src/node/host.ts'
import { methodNamed } from '../src/node/method/method-table.ts'
import { createIdentity, openVaultOf } from '../src/node/own-identity.ts'
import { newProbe, ProbeLog } from '../src/node/probe-log.ts'
import { type Testimony, testify } from '../src/node/testimony.ts'
import { type Trace, traceRoute } from '../src/node/trace.ts'
import { openState, type State } from '../src/state/state.ts'

let folder: string
let state: State
const hosts: Host[] = []
const { signal } = new AbortController()
const sources = { environment: {}, askPassphrase: undefined }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trace-'))
  state = openState(join(folder, 'home'))
})
afterEach(async () => {
  for (const host of hosts.splice(0).toReversed()) await host.close()
  await rm(folder, { recursive: true })
})

/** A node with a vault and an identity of its own. */
async function started(
  name: string,
  authorized: readonly string[] = [],
  tcpListenerAddress: string | undefined = '127.0.0.1:0',
): Promise<Host> {
  await state.vaults.create({ name })
  await createIdentity(state, sources, name, name)
  const vault = await openVaultOf(state, sources, name)
  const host = await openHost({ name, vault, events: new EventLog(silentDiagnostics), identity: name, tcpListenerAddress, authorized })
  hosts.push(host)
  return host
}

const addressOf = (host: Host): string => String(host.things.listeners.entries()[0]?.[1].address)
const identifierOf = (host: Host): string => host.identity.identifier.toString()
const does = (host: Host, name: string, parameters: unknown): Promise<unknown> => methodNamed(name).run(parameters, host, signal)

async function traced(from: Host, route: string, timeoutMs = 5000): Promise<{ trace: Trace; said: (host: Host) => Promise<Testimony> }> {
  const sinceMs = Date.now()
  const to = MultiAddr.parse(route)
  const trace = await traceRoute(from, to, { authorized: [], timeoutMs, signal })
  const names = to.pieces.flatMap(({ name, value }) => (['service', 'worker', 'secure'].includes(name) ? [value] : []))
  return { trace, said: (host) => testify(host, { ...trace, names, sinceMs }) }
}

const statuses = ({ steps }: Trace): readonly string[] => steps.map(({ kind, status }) => `${kind} ${status}`)

describe('a trace', () => {
  test('opens the channel at its end, and asks through it', async () => {
    const [a, b] = [await started('a'), await started('b')]
    const { trace } = await traced(a, `${addressOf(b)}/secure/api`)
    expect(statuses(trace)).toEqual(['connection answered', 'channel answered'])
    expect([trace.code, trace.question]).toEqual([null, null])
  })

  test('asks the node behind the relay at its end', async () => {
    const [a, relay] = [await started('a'), await started('relay')]
    const b = await started('b')
    await does(b, 'relay.create', { name: 'b', at: addressOf(relay) })
    const { trace } = await traced(a, `${addressOf(relay)}/service/forward_to_b`)
    expect(statuses(trace)).toEqual(['connection answered', 'relay answered'])
    expect(b.probes.find(trace.probes[1] as string)).toBeDefined()
  })

  test('sends nothing to a worker at its end, whatever that does with messages', async () => {
    const [a, b] = [await started('a'), await started('b')]
    let received = 0
    b.node.startWorker('bomb', () => void received++, { from: 'anyone' })
    const { trace, said } = await traced(a, `${addressOf(b)}/service/bomb`)
    expect(statuses(trace)).toEqual(['connection answered', 'worker not-asked'])
    expect(trace.code).toBeNull()
    expect((await said(b)).verdict).toMatchObject({ isAdmitted: true })
    expect(received).toBe(0)
  })

  test('asks behind a channel that was opened before', async () => {
    const [a, b] = [await started('a'), await started('b')]
    const channel = (await does(a, 'secure-channel.create', { to: `${addressOf(b)}/secure/api` })) as { value: { multiaddr: string } }
    const { trace } = await traced(a, channel.value.multiaddr)
    expect(statuses(trace)).toEqual(['channel answered'])
  })

  test('gives a step the time it was told, whatever many hops would add up to', async () => {
    const [a, relay] = [await started('a'), await started('relay')]
    // Whoever has this name takes messages, and nothing comes back.
    relay.node.startWorker('forward_to_nowhere', () => undefined, { from: 'anyone' })
    const { trace, said } = await traced(a, `${addressOf(relay)}/service/forward_to_nowhere/secure/api/service/echo`, 300)
    expect(statuses(trace)).toEqual(['connection answered', 'relay silent'])
    expect(trace.code).toBe('cli/timeout')
    expect((await said(relay)).verdict).toMatchObject({ isAdmitted: true })
  })
})

describe('the node where answers end', () => {
  test('names the worker it does not have', async () => {
    const [a, b] = [await started('a'), await started('b')]
    const { said } = await traced(a, `${addressOf(b)}/service/nobody`)
    expect((await said(b)).verdict).toEqual({ isAdmitted: false, code: 'cli/not-found', detail: 'node "b" has no worker "nobody"' })
    expect((await said(a)).verdict).toBeNull()
  })

  test('names the rule of an outlet, and who this is', async () => {
    const [a, b] = [await started('a'), await started('b')]
    const c = await started('c')
    await does(b, 'tcp-outlet.create', { address: 'outlet', to: '127.0.0.1:1', allow: [identifierOf(c)] })
    const foreign = await traced(a, `${addressOf(b)}/secure/api/service/outlet`)
    expect(statuses(foreign.trace)).toEqual(['connection answered', 'channel answered', 'worker not-asked'])
    expect((await foreign.said(b)).verdict).toEqual({
      isAdmitted: false,
      code: 'cli/refused',
      detail: `node "b" refuses, by the rule of "outlet": only ${identifierOf(c)}; this comes from ${identifierOf(a)}`,
    })
    const own = await traced(c, `${addressOf(b)}/secure/api/service/outlet`)
    expect((await own.said(b)).verdict).toMatchObject({ isAdmitted: true })
    const plain = await traced(c, `${addressOf(b)}/service/outlet`)
    expect((await plain.said(b)).verdict).toMatchObject({ code: 'cli/refused', detail: expect.stringContaining('without an identity') })
  })

  test('names whom its listener trusts', async () => {
    const [a, b] = [await started('a'), await started('b')]
    const c = await started('c', [identifierOf(b)])
    const { trace, said } = await traced(a, `${addressOf(c)}/secure/api`, 1000)
    expect(statuses(trace)).toEqual(['connection answered', 'channel silent'])
    const { verdict, refusals } = await said(c)
    expect(verdict).toMatchObject({
      code: 'cli/refused',
      detail: expect.stringContaining(`only ${identifierOf(b)}; this is ${identifierOf(a)}`),
    })
    expect(refusals.map(({ name, details }) => [name, details['peer']])).toEqual([['secure-channel/handshake-refused', identifierOf(a)]])
  })

  test.each([
    ['no worker', 'nope', 'has no worker "nope"'],
    ['a worker of another kind', 'echo', 'has no secure-channel listener "echo"'],
  ])('says that there is %s where a channel was to be opened', async (_, name, detail) => {
    const [a, b] = [await started('a'), await started('b')]
    const { trace, said } = await traced(a, `${addressOf(b)}/secure/${name}`, 500)
    expect([statuses(trace)[1], trace.code]).toEqual(['channel failed', 'cli/timeout'])
    expect((await said(b)).verdict).toMatchObject({ isAdmitted: false, code: 'cli/not-found', detail: expect.stringContaining(detail) })
  })

  test('is the own one for a route that begins at a worker', async () => {
    const a = await started('a')
    const { trace, said } = await traced(a, '/service/nobody')
    expect(statuses(trace)).toEqual(['worker not-asked'])
    expect((await said(a)).verdict).toMatchObject({ code: 'cli/not-found' })
  })

  test('is not asked when this side itself refuses the peer', async () => {
    const [a, b] = [await started('a'), await started('b')]
    const to = MultiAddr.parse(`${addressOf(b)}/secure/api`)
    const trace = await traceRoute(a, to, { authorized: [identifierOf(a)], timeoutMs: 5000, signal })
    expect([statuses(trace)[1], trace.code, trace.question]).toEqual(['channel failed', 'cli/refused', null])
  })
})

describe('refusals', () => {
  /** A message to b that is dropped there, as other traffic might be. */
  async function unrelated(from: Host, to: Host, worker: string): Promise<void> {
    const way = await from.node.router.resolve(`${addressOf(to)}/service/${worker}`)
    const before = to.events.since(0).length
    dropPressure(from.node.send(way.route, Uint8Array.of(1)))
    await expect.poll(() => to.events.since(0).length).toBeGreaterThan(before)
    await way.close()
  }

  test('are those of the workers on the route, at the nodes on it', async () => {
    const [a, b] = [await started('a'), await started('b')]
    const c = await started('c')
    const sinceMs = Date.now()
    await unrelated(a, b, 'something-else')
    await unrelated(a, c, 'nobody')
    // A node tells of drops for one reason once a second.
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const { trace } = await traced(a, `${addressOf(b)}/service/nobody/service/echo`, 300)
    const request = { ...trace, names: ['nobody', 'echo'], sinceMs }
    const dropped = (host: Host) => host.events.since(sinceMs).filter(({ name }) => name === 'routing/message-dropped')
    expect(dropped(b).map(({ details }) => details['to'])).toEqual(['0#something-else', '0#nobody'])
    expect((await testify(b, request)).refusals.map(({ details }) => details['to'])).toEqual(['0#nobody'])
    expect(dropped(c).map(({ details }) => details['to'])).toEqual(['0#nobody'])
    expect((await testify(c, request)).refusals).toEqual([])
  })
})

describe('the probes a node remembers', () => {
  const message = (payload: Uint8Array) => ({
    payload,
    onwardRoute: Route.of('echo'),
    returnRoute: Route.of('me'),
    localInfo: [],
    source: Route.of('me').next as never,
    origin: undefined,
    forwards: 0,
    isExclusive: false,
  })

  test('are bounded, hold no payload, and are let through like everything else', () => {
    const log = new ProbeLog()
    const probes = Array.from({ length: 300 }, newProbe)
    for (const { payload } of probes) expect(log.isAllowed(message(payload))).toBe(true)
    expect(probes.filter(({ id }) => log.find(id) !== undefined)).toEqual(probes.slice(-256))
    expect(log.find(probes[299]?.id as string)?.payload).toHaveLength(0)
  })

  test('are those of a trace alone', () => {
    const log = new ProbeLog()
    const { id, payload } = newProbe()
    const others = [new Uint8Array(0), payload.subarray(0, 20), payload.map((byte, at) => (at === 0 ? byte ^ 1 : byte))]
    for (const one of others) expect(log.isAllowed(message(one))).toBe(true)
    expect(log.find(id)).toBeUndefined()
    log.isAllowed(message(payload))
    expect(log.find(id)).toBeDefined()
  })
})
