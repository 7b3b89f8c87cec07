/** Routes with two `secure` pieces, one channel inside the other: whoever `--authorized` names is asked for at the end of each of them. */

import { memoryStore, silentDiagnostics } from '@ockam/core'
import { afterEach, describe, expect, test } from 'vitest'
import { EventLog } from '../src/node/event-log.ts'
import { type Host, openHost } from '../src/node/host.ts'
import { methodNamed } from '../src/node/method/method-table.ts'

const hosts: Host[] = []
const { signal } = new AbortController()

afterEach(async () => {
  for (const host of hosts.splice(0).toReversed()) await host.close()
})

async function started(name: string): Promise<Host> {
  const vault = { store: memoryStore(), protection: 'none' } as const
  const events = new EventLog(silentDiagnostics)
  const host = await openHost({ name, vault, events, identity: name, tcpListenerAddress: '127.0.0.1:0', authorized: [] })
  hosts.push(host)
  return host
}

const does = (host: Host, name: string, parameters: unknown): Promise<unknown> => methodNamed(name).run(parameters, host, signal)
const identifierOf = (host: Host): string => String(host.identity.identifier)

/** Nodes a, relay and b; the route leads from a through a channel with the relay's node, and through another inside of it, with b. */
async function nested() {
  const [a, relay, b] = [await started('a'), await started('relay'), await started('b')]
  const at = String(relay.things.listeners.entries()[0]?.[1].address)
  await does(b, 'relay.create', { name: 'b', at })
  return { a, relay, b, route: `${at}/secure/api/service/forward_to_b/secure/api` }
}

const hello = '0568656c6c6f'

const commands = [
  {
    name: 'message.send',
    run: (from: Host, route: string, authorized: readonly string[]) =>
      does(from, 'message.send', { to: `${route}/service/echo`, written: route, body: hello, authorized }),
    result: { body: hello },
  },
  {
    name: 'secure-channel.create',
    run: (from: Host, route: string, authorized: readonly string[]) => does(from, 'secure-channel.create', { to: route, authorized }),
    result: { multiaddr: expect.stringMatching(/^\/service\//) },
  },
]

describe.each(commands)('whoever $name trusts on a route of two secure pieces', ({ run, result }) => {
  test('is asked for at each of them: with both named it gets through', async () => {
    const { a, relay, b, route } = await nested()
    expect(await run(a, route, [identifierOf(relay), identifierOf(b)])).toMatchObject({ value: result })
  })

  test.each(['first', 'second'])('is asked for at each of them: it is refused when the %s alone has whom it names', async (which) => {
    const { a, relay, b, route } = await nested()
    const [named, other] = which === 'first' ? [relay, b] : [b, relay]
    await expect(run(a, route, [identifierOf(named)])).rejects.toMatchObject({
      code: 'secure-channel/untrusted-peer',
      message: expect.stringContaining(identifierOf(other)),
    })
  })
})
