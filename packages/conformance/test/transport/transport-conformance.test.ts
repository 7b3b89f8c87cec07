import { describe, expect, test } from 'vitest'
import { transportConformance } from '../../src/index.ts'
import { type Fault, loopback } from './loopback-transport.ts'

const options = { listenAt: '/loop/0', silentAddress: () => '/loop/65535', maxPayloadBytes: 128 * 1024, timeoutMs: 400, quietMs: 15 }

/** For every check of the kit one transport that breaks its promise. */
const broken: Readonly<Record<string, readonly Fault[]>> = {
  'reports the address it really listens on, in a form that can be connected to': ['reports the address that was asked for'],
  'names the place a connection comes from, if it does, the same for all connections from there': [
    'names another place for every connection',
    'names a place with control characters',
  ],
  'tells the node of a connection, with its listener, before its first message': ['delivers before accepting'],
  'delivers nothing on a connection before connect has returned it': ['delivers before connect returns'],
  'serves many connections at the same time and mixes nothing up': ['mixes connections up'],
  'listens on two addresses at the same time': ['takes the first listener for all'],
  'refuses to listen where something listens already': ['listens twice on one address'],
  'fails to connect where nobody listens': ['connects where nobody listens'],
  'refuses addresses that are not its own': ['takes any address'],
  'rejects with the reason of an abort, before and while it connects': ['ignores aborts'],
  'does not mind an abort after it has connected': ['closes on a late abort'],
  'gives up connecting after timeoutMs where nobody answers': ['ignores timeoutMs'],
  'carries routes and payload in both directions as they are': ['drops return routes'],
  'carries as many addresses as the receiving node allows': ['has a limit of addresses of its own'],
  'carries payloads of every size from nothing to the limit': ['damages large payloads'],
  'delivers many small messages once each and in order': ['loses a message', 'delivers a message twice', 'swaps two messages'],
  'keeps the order of messages of mixed sizes, sent singly and in batches': ['reverses batches'],
  'carries both directions at the same time': ['loses when both sides send'],
  'delivers payloads as plain Uint8Array': ['hands out Buffers'],
  'never changes a payload after it was delivered': ['reuses the memory it reads into'],
  'marks a payload exclusive only when overwriting it harms no other message': ['marks shared memory exclusive'],
  'does not write to what it sends': ['wipes what it sends'],
  'sends payloads that nobody else holds, singly and in batches, before it uses their memory for anything else': [
    'gives memory back before it has sent it',
  ],
  'refuses a message over its limit and carries on': ['has no limit'],
  'delivers nothing more on a connection while the receiver asks to wait': ['does not wait for the receiver'],
  'resumes in order however often the receiver asks to wait': ['resumes with the newest message'],
  'asks the sender to wait when the receiver does, and loses nothing': ['never asks the sender to wait'],
  'lets other connections go on while one waits': ['holds all connections up when one waits'],
  'ends the wait of a sender when the connection ends, without an error': ['forgets who waits when it closes'],
  'sends what was accepted before it closes, and tells both sides who closed': [
    'drops what waits when it closes',
    'never tells the other side of the end',
  ],
  'tells the side that dialled when the listening side closes': ['tells the dialling side nothing'],
  'delivers what came before the end even when the receiver asked to wait': ['drops what waits for the receiver at the end'],
  'can be closed twice, and from both sides at once': ['closes once only'],
  'swallows what is sent over a closed connection': ['throws after closing'],
  'delivers nothing to a side that has closed': ['delivers after closing'],
  'closes connections that the node does not accept, and delivers nothing of them': ['keeps refused connections'],
  'keeps the connections of a listener that stops, and takes no more': ['closes connections with their listener'],
  'closes its listeners and connections when the transport closes, and opens no more': ['opens after closing'],
  'closes one connection and leaves the others alone': ['closes all connections with one'],
}

const checkNamed = (name: string, fault?: Fault) => {
  const check = transportConformance({ ...options, factory: () => loopback(fault) }).find((one) => one.name === name)
  if (check === undefined) throw new Error(`The kit has no check named "${name}".`)
  return check
}

describe('The transport kit', () => {
  test('has a transport that fails it for every check', () => {
    const names = transportConformance({ ...options, factory: loopback() }).map(({ name }) => name)
    expect(names).toEqual(Object.keys(broken))
  })

  test('asks about timeouts only when it is told where nobody answers', () => {
    const { silentAddress: _, ...others } = options
    const names = transportConformance({ ...others, factory: loopback() }).map(({ name }) => name)
    expect(names).not.toContain('gives up connecting after timeoutMs where nobody answers')
  })

  describe('passes a transport that keeps its promises', () => {
    for (const check of transportConformance({ ...options, timeoutMs: 10_000, factory: () => loopback() })) test(check.name, check.run)
  })

  for (const [name, faults] of Object.entries(broken)) {
    for (const fault of faults) {
      test(`fails a transport that ${fault}: ${name}`, async () => {
        const failure: unknown = await checkNamed(name, fault)
          .run()
          .catch((error: unknown) => error)
        // Not a TypeError or the like: the kit must find it, not fall over it.
        expect((failure as Error | undefined)?.name).toMatch(/^(Error|OckamError)$/)
      })
    }
  }
})
