import { dropPressure, Route } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { settle, until, withTransport } from './raw-peer.ts'

// Exchanges of build-trust/ockam fb8fb64cd, ockam_transport_tcp (transport_message.rs, workers), re-encoded with minicbor 0.24.
const ECHO_REQUEST = '83 81 8200446563686f 81 820046636c69656e74 46 0568656c6c6f'
const ECHO_ANSWER = '84 81 820046636c69656e74 81 8200446563686f 46 0568656c6c6f'
const HELLO = '0568656c6c6f'
const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')

describe('The bytes of a Rust or Elixir node', () => {
  test('each side says version 1 at once and waits for nothing', () =>
    withTransport({}, async ({ dial, accept }) => {
      const dialling = await dial()
      await until(() => dialling.received === '01', 'the listening side says its version')
      const { peer } = await accept()
      await until(() => peer.received === '01', 'the dialling side says its version')
    }))

  test('an echo request of a Rust node is delivered, and answered in four elements', () =>
    withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      peer.write(`01 0000001a ${ECHO_REQUEST}`)
      await until(() => services.deliveries.length === 1, 'the request arrives')
      const [{ connection, message }] = services.deliveries as [(typeof services.deliveries)[0]]
      expect(message.onwardRoute.toString()).toBe('0#echo')
      expect(message.returnRoute.toString()).toBe('0#client')
      expect(hexOf(message.payload)).toBe(HELLO)
      dropPressure(connection.send({ onwardRoute: message.returnRoute, returnRoute: Route.of('echo'), payload: message.payload }))
      await until(() => peer.received.length > 2, 'the answer arrives')
      expect(peer.received).toBe(`010000001b${ECHO_ANSWER.replaceAll(' ', '')}f6`)
    }))

  test('an answer with a tracing context arrives at the side that dialled', () =>
    withTransport({}, async ({ services, accept }) => {
      const { peer, connection } = await accept()
      dropPressure(
        connection.send({ onwardRoute: Route.of('uppercase'), returnRoute: Route.of('client'), payload: Buffer.from(HELLO, 'hex') }),
      )
      await until(() => peer.received.length > 2, 'the request arrives')
      expect(peer.received).toBe('01000000208481820049757070657263617365' + '81820046636c69656e74' + '460568656c6c6f' + 'f6')
      peer.write('01 00000022 84 81 820046636c69656e74 81 820049757070657263617365 46 0548454c4c4f 62 7b7d')
      await until(() => services.deliveries.length === 1, 'the answer arrives')
      expect(hexOf(services.deliveries[0]?.message.payload)).toBe('0548454c4c4f')
    }))

  test('the first message of a handshake is the frame that a Rust node sends', () =>
    withTransport({}, async ({ accept }) => {
      const { peer, connection } = await accept()
      const payload = Buffer.from('358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254', 'hex')
      dropPressure(connection.send({ onwardRoute: Route.of('api'), returnRoute: Route.of('00112233445566778899aabbccddeeff'), payload }))
      await until(() => peer.received.length > 2, 'the frame arrives')
      expect(peer.received).toBe(
        '01 00000050 84 81 820043617069 81 82005820 3030313132323333343435353636373738383939616162626363646465656666 5820 358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254 f6'.replaceAll(
          ' ',
          '',
        ),
      )
    }))

  test('a ciphertext leaves with an empty return route', () =>
    withTransport({}, async ({ accept }) => {
      const { peer, connection } = await accept()
      const payload = Buffer.from('0000000000000000730a7db78918da6f632767306fdfd7b9abac253c30', 'hex')
      dropPressure(connection.send({ onwardRoute: Route.of('0'.repeat(32)), returnRoute: Route.empty, payload }))
      await until(() => peer.received.length > 2, 'the frame arrives')
      expect(peer.received).toBe(`01000000478481820058203030${'30'.repeat(30)}80581d${hexOf(payload)}f6`)
    }))

  test('messages of three, four and more elements are accepted', () =>
    withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      const rest = ECHO_REQUEST.slice(2)
      peer.write(
        `01 0000001a 83 ${rest} 0000001b 84 ${rest} f6 0000001d 84 ${rest} 62 7b7d 0000001e 85 ${rest} 62 7b7d 01 0000001d 86 ${rest} f6 80 80`,
      )
      await until(() => services.deliveries.length === 5, 'all five arrive')
      expect(services.deliveries.map(({ message }) => hexOf(message.payload))).toEqual(Array.from({ length: 5 }, () => HELLO))
    }))

  test('a message without an onward route is a heartbeat and is delivered to nobody', () =>
    withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      peer.write(`01 00000004 83 80 80 40 0000001a ${ECHO_REQUEST}`)
      await until(() => services.deliveries.length === 1, 'the message behind the heartbeat arrives')
      await settle()
      expect(services.deliveries.length).toBe(1)
      expect(peer.isClosed).toBe(false)
    }))

  test('frames that come byte by byte arrive as if they came at once', () =>
    withTransport({}, async ({ services, dial, accept }) => {
      const dialling = await dial()
      const { peer: listening } = await accept()
      const bytes = Buffer.from(
        `010000001a${ECHO_REQUEST.replaceAll(' ', '')}`.concat(`0000001b${ECHO_ANSWER.replaceAll(' ', '')}f6`),
        'hex',
      )
      for (const byte of bytes) {
        for (const { socket } of [dialling, listening]) socket.write(Uint8Array.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      await until(() => services.deliveries.length === 4, 'two messages arrive on each of two connections')
      expect(services.deliveries.map(({ message }) => hexOf(message.payload))).toEqual([HELLO, HELLO, HELLO, HELLO])
    }))
})
