/**
 * The bytes of relays, as frames without their length. They are those of the routing specification derived from build-trust/ockam fb8fb64cd
 * (relay_service, remote) in the form with four elements that Elixir nodes need.
 */
import { dropPressure } from '@ockam/core'
import { encodeBareString } from '@ockam/core/bare'
import { createRelayClient, startEcho, startRelayService } from '@ockam/routing'
import { describe, expect, test } from 'vitest'
import { until } from '../fixture/settle.ts'
import { rawNode, routeOf as routeTo } from './fixture/raw-transport.ts'

const text = (value: string): string => Buffer.from(value).toString('hex')

const FORWARDING = `84 81 820052${text('forwarding_service')}`
const STATIC = `84 81 82005819${text('static_forwarding_service')}`
const FROM_RELAY_MAIN = '81 82004a72656c61795f6d61696e'
const RELAY_N1 = '81 82004d666f72776172645f746f5f6e31'
const HELLO = '46 0568656c6c6f'
const ECHO = '8200446563686f'
const CLIENT = '820046636c69656e74'

const compact = (frame: string): string => frame.replaceAll(' ', '')

describe('registering with a relay service', () => {
  test('under a name is the exchange of the Rust nodes', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router)
    const owner = accept()
    owner.write(`${STATIC} ${FROM_RELAY_MAIN} 43 026e31 f6`)
    await quiet()
    expect(owner.received).toEqual([compact(`84 ${FROM_RELAY_MAIN} ${RELAY_N1} 4e 0d666f72776172645f746f5f6e31 f6`)])
  })

  test('without a name is answered with a random one of 32 hexadecimal digits', async () => {
    const { router, accept, quiet } = await rawNode()
    const service = startRelayService(router)
    const owner = accept()
    owner.write(`${FORWARDING} ${FROM_RELAY_MAIN} 49 087265676973746572 f6`)
    await quiet()
    const [name] = service.relays
    expect(name).toMatch(/^forward_to_[0-9a-f]{32}$/)
    const address = text(name as string)
    expect(owner.received).toEqual([compact(`84 ${FROM_RELAY_MAIN} 81 8200582b${address} 582c2b${address} f6`)])
  })

  test('works at both addresses with either body, and with the tracing context of Rust nodes', async () => {
    const { router, accept, quiet } = await rawNode()
    const service = startRelayService(router)
    const owner = accept()
    owner.write(`${FORWARDING} ${FROM_RELAY_MAIN} 43 026e31 62 7b7d`)
    owner.write(`${STATIC.replace('84', '83')} ${FROM_RELAY_MAIN} 49 087265676973746572`)
    await quiet()
    expect(service.relays).toEqual(['forward_to_n1', expect.stringMatching(/^forward_to_[0-9a-f]{32}$/)])
  })

  test.each([
    ['the name and tags', 'a2 01 626e31 02 a1 616b 6176'],
    ['keys in another order', 'a2 02 a1 616b 6176 01 626e31'],
    ['an indefinite map', 'bf 01 626e31 ff'],
  ])('understands the map of Elixir clients: %s', async (_, map) => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router)
    const owner = accept()
    const body = compact(map)
    owner.write(`${STATIC} ${FROM_RELAY_MAIN} ${(0x40 + body.length / 2).toString(16)} ${body} f6`)
    await quiet()
    expect(owner.received).toEqual([compact(`84 ${FROM_RELAY_MAIN} ${RELAY_N1} 4e 0d666f72776172645f746f5f6e31 f6`)])
  })
})

describe('a message through a relay', () => {
  test('arrives without the relay and without the last hop of the registration, its return route longer by one hop', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router)
    const owner = accept()
    owner.write(`${STATIC} ${FROM_RELAY_MAIN} 43 026e31 f6`)
    await quiet()
    const sender = accept()
    sender.write(`84 82 82004d666f72776172645f746f5f6e31 ${ECHO} 81 ${CLIENT} ${HELLO} f6`)
    await quiet()
    const forwarded = owner.received[1] as string
    expect(forwarded).toMatch(new RegExp(compact(`^84 81 ${ECHO} 82 82005820([0-9a-f]{64}) ${CLIENT} ${HELLO} f6$`)))

    // The answer names the hop that was put in front, and reaches the sender without it.
    const hop = /82005820[0-9a-f]{64}/.exec(forwarded)?.[0]
    owner.write(`84 82 ${hop} ${CLIENT} 81 ${ECHO} ${HELLO} 62 7b7d`)
    await quiet()
    expect(sender.received).toHaveLength(1)
    expect(sender.received[0]).toMatch(new RegExp(compact(`^84 81 ${CLIENT} 82 82005820[0-9a-f]{64} ${ECHO} ${HELLO} f6$`)))
  })

  test('takes the hops of the owner that lie before its last one', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router)
    const owner = accept()
    owner.tell('static_forwarding_service', 'gate inner relay_main', encodeBareString('n1'))
    await quiet()
    expect(owner.messages[0]).toMatchObject({ onward: 'gate inner relay_main', back: 'forward_to_n1' })
    accept().tell('forward_to_n1 echo', 'client', Uint8Array.of(7))
    await quiet()
    expect(owner.messages[1]).toMatchObject({ onward: 'gate inner echo', payload: '07' })
  })

  test('needs no return route', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router)
    const owner = accept()
    owner.write(`${STATIC} ${FROM_RELAY_MAIN} 43 026e31 f6`)
    await quiet()
    accept().write(`84 82 82004d666f72776172645f746f5f6e31 ${ECHO} 80 ${HELLO} f6`)
    await quiet()
    expect(owner.received[1]).toMatch(new RegExp(compact(`^84 81 ${ECHO} 81 82005820[0-9a-f]{64} ${HELLO} f6$`)))
  })

  test('that comes from a worker of the relay node has that worker as its return route', async () => {
    const { router, accept, quiet } = await rawNode()
    startRelayService(router)
    const owner = accept()
    owner.tell('static_forwarding_service', 'relay_main', encodeBareString('n1'))
    await quiet()
    dropPressure(router.context.send('forward_to_n1 => echo', Uint8Array.of(1)))
    dropPressure(
      router.context.dispatch({ onwardRoute: routeTo('forward_to_n1 echo'), returnRoute: routeTo(''), payload: Uint8Array.of(2) }),
    )
    await quiet()
    expect(owner.messages.slice(1)).toEqual([
      { onward: 'echo', back: router.context.address.name, payload: '01' },
      { onward: 'echo', back: '', payload: '02' },
    ])
  })
})

describe('the relay client', () => {
  test('sends the registration of the Rust nodes and takes the relay from the return route of the answer', async () => {
    const { router, transport } = await rawNode()
    const to = await router.resolve('/raw/relay')
    const registering = createRelayClient(router, to, { name: 'n1' })
    const [relay] = transport.peers as [(typeof transport.peers)[0]]
    await until(() => relay.received.length === 1)
    expect(relay.received[0]).toMatch(new RegExp(compact(`^${STATIC} 81 82005820[0-9a-f]{64} 43 026e31 f6$`)))
    const worker = relay.messages[0]?.back as string
    relay.write(`84 81 82005820${text(worker)} ${RELAY_N1} 4e 0d666f72776172645f746f5f6e31 62 7b7d`)
    expect((await registering).address.toString()).toBe('0#forward_to_n1')
  })

  test('reaches its workers through relays that strip its address, as Rust nodes do, and through those that leave it in, as Elixir nodes do', async () => {
    const { router, transport, quiet } = await rawNode()
    startEcho(router)
    const to = await router.resolve('/raw/relay')
    const registering = createRelayClient(router, to)
    const [relay] = transport.peers as [(typeof transport.peers)[0]]
    await until(() => relay.received.length === 1)
    expect(relay.received[0]).toMatch(new RegExp(compact(`^${FORWARDING} 81 82005820[0-9a-f]{64} 49 087265676973746572 f6$`)))
    const worker = relay.messages[0]?.back as string
    // Elixir nodes answer with the payload they got.
    relay.write(`84 81 82005820${text(worker)} 81 820049${text('FWD_abcde')} 49 087265676973746572 f6`)
    expect((await registering).address.toString()).toBe('0#FWD_abcde')

    relay.write(`84 81 ${ECHO} 82 820046${text('sender')} ${CLIENT} ${HELLO} f6`)
    relay.write(`84 82 82005820${text(worker)} ${ECHO} 82 820046${text('sender')} ${CLIENT} ${HELLO} f6`)
    await quiet()
    const answer = compact(`84 82 820046${text('sender')} ${CLIENT} 81 ${ECHO} ${HELLO} f6`)
    expect(relay.received.slice(1)).toEqual([answer, answer])
  })
})
