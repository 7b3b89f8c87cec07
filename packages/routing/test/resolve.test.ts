import {
  dropPressure,
  type HopResolver,
  type ResolveOptions,
  type ResolvedRoute,
  Route,
  type SecureHop,
  type TrustPolicy,
} from '@ockam/core'
import { createRouter } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { ScriptedTransport } from './fixture/scripted-transport.ts'
import { isResolved } from './fixture/settle.ts'

const trust: TrustPolicy = { description: 'nobody in particular', isTrusted: () => true }

/** Opens imaginary channels and writes down what it was asked for. */
class ScriptedChannels implements HopResolver {
  readonly hops = [['secure']] as const
  readonly asked: { readonly name: string | undefined; readonly before: string; readonly secure: SecureHop | undefined }[] = []
  readonly closed: string[] = []
  failAt = ''
  readonly #router: ReturnType<typeof createRouter>
  readonly #ends = new Map<string, () => void>()

  constructor(router: ReturnType<typeof createRouter>) {
    this.#router = router
  }

  async resolve(
    hop: Parameters<HopResolver['resolve']>[0],
    before: ResolvedRoute | undefined,
    options: ResolveOptions & { readonly secure?: SecureHop },
  ): Promise<ResolvedRoute> {
    const name = hop.pieces[0]?.value ?? ''
    this.asked.push({ name, before: before?.route.toString() ?? '', secure: options.secure })
    if (name === this.failAt) throw new Error('the handshake failed')
    const closed = new Promise<void>((resolve) => {
      this.#ends.set(name, resolve)
    })
    return {
      route: Route.of(`encryptor-${name}`),
      producer: this.#router.flowControls.createProducer('channel'),
      closed,
      close: async () => {
        this.closed.push(name)
        this.end(name)
      },
    }
  }

  end(name: string): void {
    this.#ends.get(name)?.()
  }
}

function prepared(): { router: ReturnType<typeof createRouter>; transport: ScriptedTransport; channels: ScriptedChannels } {
  const transport = new ScriptedTransport()
  const router = createRouter({ transports: [transport] })
  const channels = new ScriptedChannels(router)
  router.addHopResolver(channels)
  return { router, transport, channels }
}

describe('resolving', () => {
  test('a connection and services behind it gives a route that begins with the connection', async () => {
    const { router, transport } = prepared()
    const resolved = await router.resolve('/script/a/service/hop/worker/echo')
    const [first, ...rest] = resolved.route
    expect(rest.join(' ')).toBe('0#hop 0#echo')
    expect(resolved.producer).toBe(router.flowControls.producerAt(first!))
    expect(await isResolved(resolved.closed)).toBe(false)
    transport.connections[0]!.cut('peer')
    await resolved.closed
  })

  test('local services needs no connection', async () => {
    const { router, transport } = prepared()
    const resolved = await router.resolve('/service/echo')
    expect(resolved.route.toString()).toBe('0#echo')
    expect(resolved.producer).toBeUndefined()
    expect(transport.connections.length).toBe(0)
    await resolved.close()
    await resolved.closed
  })

  test('folds from the left: each channel is opened along the route so far and replaces it', async () => {
    const { router, channels } = prepared()
    const own = { identity: 'device', trust }
    const outer = { identity: 'device-for-relay', trust }
    const resolved = await router.resolve('/script/a/service/relay/secure/outer/service/x/secure/inner/service/echo', {
      ...own,
      hops: [outer],
    })
    expect(resolved.route.toString()).toBe('0#encryptor-inner => 0#echo')
    expect(resolved.producer?.kind).toBe('channel')
    expect(channels.asked.map(({ name, secure }) => [name, secure])).toEqual([
      ['outer', outer],
      ['inner', own],
    ])
    expect(channels.asked[0]?.before).toMatch(/^0#[0-9a-f]{32} => 0#relay$/)
    expect(channels.asked[1]?.before).toBe('0#encryptor-outer => 0#x')
    await resolved.close()
    expect(channels.closed).toEqual(['inner', 'outer'])
    expect(router.statistics().connections).toBe(0)
  })

  test('a trailing secure piece opens a channel', async () => {
    const { router } = prepared()
    const resolved = await router.resolve('/script/a/secure/api', { identity: 'me', trust })
    expect(resolved.route.toString()).toBe('0#encryptor-api')
  })

  test('tells when anything it depends on is gone', async () => {
    const { router, channels } = prepared()
    const resolved = await router.resolve('/script/a/secure/api/service/x', { identity: 'me', trust })
    channels.end('api')
    await resolved.closed
  })

  test.each<[string, ResolveOptions]>([
    ['/script/a/secure/api', {}],
    ['/script/a/secure/api', { identity: 'me' }],
    ['/script/a/secure/api', { trust }],
    ['/script/a/secure/outer/secure/inner', { identity: 'me', trust }],
    ['/script/a/secure/outer/secure/inner', { hops: [{ identity: 'me', trust }] }],
    ['/script/a/secure/1/secure/2/secure/3', { identity: 'me', trust, hops: [{ identity: 'me', trust }] }],
  ])('%s without identity and trust for each of its channels dials nothing (%#)', async (address, options) => {
    const { router, transport, channels } = prepared()
    await expect(router.resolve(address, options)).rejects.toMatchObject({ code: 'secure-channel/trust-missing' })
    expect(transport.connections.length).toBe(0)
    expect(channels.asked).toEqual([])
  })

  test.each([
    '/script/a/project/p',
    '/node/n/service/x',
    '/script/a/script/b',
    '/service/x/script/a',
    '/ip4/127.0.0.1/tcp/1/service/x',
    '',
  ])('"%s" dials nothing, because a hop of it can be opened by nobody', async (address) => {
    const { router, transport } = prepared()
    await expect(router.resolve(address)).rejects.toMatchObject({ code: 'routing/unresolvable' })
    expect(transport.connections.length).toBe(0)
  })

  test('closes what it opened when a later hop fails', async () => {
    const { router, transport, channels } = prepared()
    channels.failAt = 'inner'
    const options = { identity: 'me', trust, hops: [{ identity: 'me', trust }] }
    await expect(router.resolve('/script/a/secure/outer/secure/inner', options)).rejects.toThrow('the handshake failed')
    expect(channels.closed).toEqual(['outer'])
    expect(transport.connections[0]?.isClosing).toBe(true)
    expect(router.statistics().connections).toBe(0)
  })

  test('rejects with the reason of its signal and closes what it opened', async () => {
    const { router, transport, channels } = prepared()
    const controller = new AbortController()
    const reason = new Error('never mind')
    transport.onDial = () => controller.abort(reason)
    const options = { identity: 'me', trust, signal: controller.signal }
    await expect(router.resolve('/script/a/secure/api', options)).rejects.toBe(reason)
    expect(channels.asked).toEqual([])
    expect(transport.connections[0]?.isClosing).toBe(true)
    await expect(router.resolve('/script/b', options)).rejects.toBe(reason)
    expect(transport.connections.length).toBe(1)
  })
})

describe('messages from outside', () => {
  test('never cause dialling or resolving', async () => {
    const { router, transport, channels } = prepared()
    await router.connect('/script/a')
    router.startWorker('open', (message, context) => context.forward(message, message.onwardRoute.step()), { from: 'anyone' })
    for (const hop of ['1#127.0.0.1:4000', '2#host:1', '/script/b', '/secure/api']) {
      dropPressure(
        transport.services.deliver(
          transport.connections[0]!,
          { onwardRoute: Route.of('open', hop, 'echo'), returnRoute: Route.empty, payload: new Uint8Array(1) },
          true,
        ),
      )
    }
    await isResolved(Promise.resolve())
    expect(router.statistics().dropped).toEqual({ 'unknown-address': 4 })
    expect(transport.connections.length).toBe(1)
    expect(channels.asked).toEqual([])
  })
})
