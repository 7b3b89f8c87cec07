/** The request and response API: what the crate's client asks and what a service made with the crate answers. */

import { TransportMessageDecoder } from '@ockam/core'
import type { Json } from '../../../interop/test/fixture/rust-peer.ts'
import { hex, rust } from '../../../interop/test/fixture/world.ts'
import { proxyTo } from './proxy.ts'
import type { Recording } from './recording.ts'

interface Question {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly tell?: true
}

const QUESTIONS: readonly Question[] = [
  { name: 'an answer without a body', method: 'GET', path: '/none', tell: true },
  { name: 'an answer with the empty body', method: 'GET', path: '/unit', tell: true },
  { name: 'a body each way', method: 'POST', path: '/body', body: '83010203' },
  { name: 'a long body each way', method: 'PUT', path: '/body', body: `58c8${'ab'.repeat(200)}` },
  { name: 'a refusal', method: 'DELETE', path: '/forbidden' },
  { name: 'an unknown path', method: 'PATCH', path: '/a/b?c=ü' },
]

export async function recordApi(): Promise<Recording> {
  const { peer: service, socket, flow } = await rust()
  await service.ask('worker.start', { address: 'api', kind: 'api', consumerOf: [flow] })
  const proxy = await proxyTo(socket)
  const { peer: client } = await rust()
  const { worker } = await client.ask('tcp.connect', { to: proxy.socket })
  const decoder = new TransportMessageDecoder()
  const ids = new RequestIds()
  const cases: object[] = []
  for (const { name, ...question } of QUESTIONS) {
    const ask = async () => {
      const before = proxy.frames.length
      const outcome = (await client.ask('message.api', { route: [worker, 'api'], ...question })) as unknown as Json
      const payloads = proxy.frames.slice(before).map(({ bytes }) => hex(decoder.decode(bytes, 0, bytes.length).payload))
      return { outcome, payloads }
    }
    let asked = await ask()
    // An id below 65536, which is rare, is written in fewer bytes.
    while (!asked.payloads.every(hasLongId)) asked = await ask()
    const [request, response] = asked.payloads.map((payload) => ids.fix(payload))
    cases.push({ name, ...question, request, response, outcome: asked.outcome })
  }
  return {
    file: 'packages/routing/test/vectors/rust/api.json',
    content: 'Requests of the API client of a Rust node, the responses of a Rust service, and what the client made of them.',
    notes: ['Ids, which both make up, are numbers from 0x01000001 on, in order of appearance. Without tell the client waits for a body.'],
    cases,
  }
}

const hasLongId = (payload: string): boolean => /^(..){1,2}a4011a/.test(payload)

/** Ids in the headers of requests and responses, both first in their map; a response names that of its request behind its own. */
class RequestIds {
  readonly #known = new Map<string, string>()

  fix(payload: string): string {
    return payload.replace(/a4011a(.{8})(?:021a(.{8}))?/, (_, id: string, re?: string) =>
      re === undefined ? `a4011a${this.#numberOf(id)}` : `a4011a${this.#numberOf(id)}021a${this.#numberOf(re)}`,
    )
  }

  #numberOf(id: string): string {
    const number = this.#known.get(id) ?? (0x0100_0001 + this.#known.size).toString(16).padStart(8, '0')
    this.#known.set(id, number)
    return number
  }
}
