/**
 * The node API and relays as Rust nodes speak them, as `npm run capture` records them. API messages are read and written alike. Relay conversations are
 * played against our relay service, our relay client and our workers, each in turn in the place of the Rust one.
 */

import { readFileSync } from 'node:fs'
import {
  type ApiMethod,
  type ApiRequest,
  createRelayClient,
  decodeApiError,
  decodeApiRequest,
  decodeApiResponse,
  encodeApiError,
  encodeApiRequest,
  encodeApiResponse,
  startEcho,
  startRelayService,
} from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { until } from './fixture/settle.ts'
import { type RawPeer, rawNode } from './service/fixture/raw-transport.ts'

interface Api {
  readonly name: string
  readonly method: ApiMethod
  readonly path: string
  readonly body?: string
  readonly request: string
  readonly response: string
  readonly outcome: { readonly body?: string; readonly status?: number; readonly message?: string; readonly path?: string }
}

interface Relay {
  readonly name: string
  readonly alias: string | null
  readonly address: string
  readonly frames: Readonly<Record<'registration' | 'registered' | 'asked' | 'forwarded' | 'replied' | 'answered', string>>
}

const casesOf = <T>(name: string): readonly T[] =>
  (JSON.parse(readFileSync(new URL(`vectors/rust/${name}.json`, import.meta.url), 'utf8')) as { readonly cases: readonly T[] }).cases
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe.each(casesOf<Api>('api'))('a request of a Rust node: $name', ({ method, path, body, request, response, outcome }) => {
  test('is read and written alike', () => {
    const decoded = decodeApiRequest(bytesOf(request))
    expect(decoded).toMatchObject({ method, path, body: body === undefined ? undefined : bytesOf(body) })
    const made: ApiRequest = { id: decoded.id, method, path, body: decoded.body }
    expect(hex(encodeApiRequest(made))).toBe(request)
  })

  test('has an answer that is read, and written alike where it has the body it announces', () => {
    const asked = decodeApiRequest(bytesOf(request))
    const decoded = decodeApiResponse(bytesOf(response))
    expect(decoded).toMatchObject({ re: asked.id, status: outcome.status ?? 200 })
    // A Rust node announces its empty body and writes none; we announce none.
    const isUnit = path === '/unit'
    expect(hex(encodeApiResponse(decoded))).toBe(isUnit ? response.replace(/f5$/, 'f4') : response)
    if (outcome.status === undefined) {
      expect(decoded.body).toEqual(outcome.body === undefined ? undefined : bytesOf(outcome.body))
      return
    }
    const error = decodeApiError(decoded.body as Uint8Array)
    expect(error).toEqual({ path: outcome.path, method, message: outcome.message })
    expect(hex(encodeApiError(error))).toBe(hex(decoded.body as Uint8Array))
  })
})

/**
 * Gives the random addresses of our nodes the names they have in a recording: numbers of 32 digits. A name is learned where a frame of ours has it and
 * the recorded one its number.
 */
class Cast {
  readonly #numbers = new Map<string, string>()
  readonly #names = new Map<string, string>()

  /** Our frame, with the numbers of the recorded one, and as a Rust node writes it: {} for the null of tracing. */
  recorded(ours: string, like: string): string {
    const names = [...latin(ours).matchAll(NAME)]
    const numbers = [...latin(like).matchAll(NAME)]
    for (const [at, [name]] of names.entries()) {
      const number = numbers[at]?.[0]
      if (number === undefined || this.#numbers.has(name)) continue
      this.#numbers.set(name, number)
      this.#names.set(number, name)
    }
    return `${rename(ours, this.#numbers).replace(/f6$/, '')}627b7d`
  }

  /** A recorded frame, to our addresses where they are known. */
  played(recorded: string): string {
    return rename(recorded, this.#names)
  }
}

const NAME = /[0-9a-f]{32}/g
const latin = (frame: string): string => Buffer.from(frame, 'hex').toString('latin1')
const rename = (frame: string, names: ReadonlyMap<string, string>): string =>
  Buffer.from(
    latin(frame).replaceAll(NAME, (name) => names.get(name) ?? name),
    'latin1',
  ).toString('hex')

describe.each(casesOf<Relay>('relay'))('$name of Rust nodes', ({ alias, address, frames }) => {
  test('is the conversation of our relay service with a Rust owner and a Rust sender', async () => {
    const { router, accept, quiet } = await rawNode()
    const service = startRelayService(router)
    const cast = new Cast()
    const [owner, sender] = [accept(), accept()]
    owner.write(frames.registration)
    await quiet()
    expect(cast.recorded(owner.received[0] ?? '', frames.registered)).toBe(frames.registered)
    expect(service.relays).toHaveLength(1)
    if (alias !== null) expect(service.relays).toEqual([address])
    sender.write(cast.played(frames.asked))
    await quiet()
    expect(cast.recorded(owner.received[1] ?? '', frames.forwarded)).toBe(frames.forwarded)
    owner.write(cast.played(frames.replied))
    await quiet()
    expect(cast.recorded(sender.received[0] ?? '', frames.answered)).toBe(frames.answered)
    expect([owner.received.length, sender.received.length]).toEqual([2, 1])
  })

  test('is the conversation of our owner with a Rust relay', async () => {
    const { router, transport, quiet } = await rawNode()
    startEcho(router)
    const registering = createRelayClient(router, await router.resolve('/raw/relay'), alias === null ? {} : { name: alias })
    const [relay] = transport.peers as [RawPeer]
    await until(() => relay.received.length === 1)
    const cast = new Cast()
    expect(cast.recorded(relay.received[0] ?? '', frames.registration)).toBe(frames.registration)
    relay.write(cast.played(frames.registered))
    expect((await registering).address.toString()).toBe(`0#${address}`)
    relay.write(cast.played(frames.forwarded))
    await quiet()
    expect(cast.recorded(relay.received[1] ?? '', frames.replied)).toBe(frames.replied)
  })

  test('is the conversation of our sender with a Rust relay', async () => {
    const { router, transport } = await rawNode()
    const to = await router.resolve('/raw/relay')
    const mailbox = router.createMailbox(undefined, { from: 'anyone' })
    const content = bytesOf('0568656c6c6f')
    await mailbox.send([...to.route, address, 'echo'], content)
    const [relay] = transport.peers as [RawPeer]
    await until(() => relay.received.length === 1)
    const cast = new Cast()
    expect(cast.recorded(relay.received[0] ?? '', frames.asked)).toBe(frames.asked)
    relay.write(cast.played(frames.answered))
    const answer = await mailbox.receive()
    expect(hex(answer.payload)).toBe(hex(content))
  })
})
