import { ManualClock, RecordingServices } from '@ockam/conformance'
import { Route } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { type RawPeer, settle, until, withTransport } from './raw-peer.ts'

const INTERVAL_MS = 30_000
const MESSAGE = { onwardRoute: Route.of('a'), returnRoute: Route.of('b') }

/** A frame of 16 MiB - 1 is announced. */
const LARGE = '01 00ffffff 83 80 80 5a00fffff7'

const withClock = (
  body: (bench: { clock: ManualClock; services: RecordingServices; dial: () => Promise<RawPeer> }) => Promise<void>,
): Promise<void> => {
  const clock = new ManualClock()
  const services = new RecordingServices(clock)
  return withTransport({}, ({ dial }) => body({ clock, services, dial }), services)
}

describe('A peer that is slow', () => {
  test('is dropped when it does not say its version', () =>
    withClock(async ({ clock, dial }) => {
      const peer = await dial()
      await until(() => peer.received === '01', 'it is connected')
      clock.advance(9_999)
      await settle()
      expect(peer.isClosed).toBe(false)
      clock.advance(1)
      await until(() => peer.isClosed, 'it is dropped')
    }))

  test('is dropped when it sends one byte a second, and nobody else suffers', () =>
    withClock(async ({ clock, services, dial }) => {
      const [slow, honest] = [await dial(), await dial()]
      honest.write('01')
      slow.write(LARGE)
      await settle()
      for (let second = 0; second <= INTERVAL_MS / 1000 && !slow.isClosed; second++) {
        slow.write('00')
        await settle()
        clock.advance(1_000)
      }
      await until(() => slow.isClosed, 'the slow peer is dropped')
      honest.write('0000001a 83818200446563686f81820046636c69656e74460568656c6c6f')
      await until(() => services.deliveries.length === 1, 'the honest peer is served')
      expect(services.events).toEqual(['transport/connection-failed'])
    }))

  test('is dropped when it stops in the middle of a header', () =>
    withClock(async ({ clock, dial }) => {
      const peer = await dial()
      peer.write('01 00')
      await settle()
      clock.advance(INTERVAL_MS)
      await until(() => peer.isClosed, 'it is dropped')
    }))

  test('is served however long a large frame takes, as long as it grows', () =>
    withClock(async ({ clock, services, dial }) => {
      const peer = await dial()
      // 20 000 bytes of payload, 1 KiB in each interval: ten minutes.
      peer.write('01 00004e2a 83 81820041 61 80 594e20')
      await until(() => clock.waiting === 1, 'the frame begins')
      await settle()
      for (let sent = 0; sent < 20_000; sent += 1_024) {
        clock.advance(INTERVAL_MS - 1)
        await settle()
        peer.socket.write(new Uint8Array(Math.min(1_024, 20_000 - sent)))
        await settle()
      }
      await until(() => services.deliveries.length === 1, 'the message arrives')
      expect(services.deliveries[0]?.message.payload.length).toBe(20_000)
      expect(peer.isClosed).toBe(false)
    }))

  test('may be silent between frames for as long as it likes', () =>
    withClock(async ({ clock, services, dial }) => {
      const peer = await dial()
      peer.write('01')
      for (let i = 0; i < 5; i++) {
        await settle()
        clock.advance(24 * 3_600_000)
      }
      peer.write('0000001a 83818200446563686f81820046636c69656e74460568656c6c6f')
      await until(() => services.deliveries.length === 1, 'it is served')
    }))

  test('is not judged while this node itself does not read', () =>
    withClock(async ({ clock, services, dial }) => {
      let resume: () => void = () => undefined
      services.onDeliver = () =>
        new Promise((resolve) => {
          resume = resolve
        })
      const frame = '0000001a 83818200446563686f81820046636c69656e74460568656c6c6f'
      const peer = await dial()
      peer.write(`01 ${frame} ${frame.slice(0, 19)}`)
      await until(() => services.deliveries.length === 1, 'the first message arrives')
      clock.advance(10 * INTERVAL_MS)
      await settle()
      expect(peer.isClosed).toBe(false)
      services.onDeliver = () => undefined
      resume()
      await settle()
      peer.write(frame.slice(19))
      await until(() => services.deliveries.length === 2, 'the second message arrives')
    }))

  test('gets the time to take what was sent before it is cut, but not for ever', () =>
    withTransport({ closeTimeoutMs: 150 }, async ({ services, dial }) => {
      const peer = await dial({ allowHalfOpen: true })
      await until(() => services.acceptances.length === 1, 'it is accepted')
      const { connection } = services.acceptances[0] as (typeof services.acceptances)[0]
      // It reads, but never ends its own side.
      await connection.close()
      expect(await connection.closed).toBe('local')
      await until(() => peer.isEnded, 'it hears of the end')
    }))

  test('that ends its half and never reads is cut in the end', () =>
    withTransport({ closeTimeoutMs: 150, maxUnsentBytes: 100_000_000 }, async ({ services, dial }) => {
      const peer = await dial({ allowHalfOpen: true })
      await until(() => services.acceptances.length === 1, 'it is accepted')
      const { connection } = services.acceptances[0] as (typeof services.acceptances)[0]
      peer.socket.pause()
      const pressure = connection.send({ ...MESSAGE, payload: new Uint8Array(15_000_000) })
      peer.socket.end('01', 'hex')
      expect(await connection.closed).toBe('peer')
      await pressure
    }))

  test('is dropped after idleTimeoutMs when the owner wants that', () =>
    withTransport({ idleTimeoutMs: 60 }, async ({ dial }) => {
      const peer = await dial()
      peer.write('01')
      await until(() => peer.isClosed, 'it is dropped')
    }))
})
