import { dropPressure, type Pressure, Route } from '@ockam/core'
import { describe, expect, test } from 'vitest'
import { settle, until, withTransport } from './raw-peer.ts'

const message = (length: number, fill = 0) => ({
  onwardRoute: Route.of('a'),
  returnRoute: Route.of('b'),
  payload: new Uint8Array(length).fill(fill),
})

describe('A peer that does not read', () => {
  test('makes the sender wait, and gets everything in order when it reads again', () =>
    withTransport({}, async ({ accept }) => {
      const { peer, connection } = await accept()
      peer.socket.pause()
      let sent = 0
      const sendOne = (): Pressure => {
        // Small and large ones, so that copies and references mix.
        const pressure = connection.send(message(sent % 3 === 0 ? 60_000 : 500, sent))
        sent++
        return pressure
      }
      // The kernel takes some megabytes before the peer's not reading is felt for good.
      let isOver = true
      let over: Pressure
      while (isOver && sent < 10_000) {
        const pressure = sendOne()
        if (pressure === undefined) continue
        isOver = false
        over = pressure.then(() => {
          isOver = true
        })
        await settle()
      }
      expect(isOver).toBe(false)
      peer.socket.resume()
      await over
      await connection.close()
      await until(() => peer.isClosed, 'all was read')
      const bytes = Buffer.from(peer.received, 'hex')
      let at = 1
      for (let index = 0; index < sent; index++) {
        const length = bytes.readUInt32BE(at)
        expect(bytes[at + length + 2]).toBe(index & 0xff)
        at += 4 + length
      }
      expect(at).toBe(bytes.length)
    }))

  test('cannot make a sender that never waits fill the memory', () =>
    withTransport({ maxMessageBytes: 100_000, maxUnsentBytes: 8_000_000 }, async ({ services, accept }) => {
      const { peer, connection } = await accept()
      peer.socket.pause()
      let isClosed = false
      const closed = connection.closed.then((reason) => {
        isClosed = true
        return reason
      })
      for (let i = 0; i < 5_000 && !isClosed; i++) {
        dropPressure(connection.send(message(50_000)))
        if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      expect(await closed).toBe('error')
      expect(services.events).toEqual(['transport/connection-failed'])
    }))
})

describe('A receiver that asks to wait', () => {
  const FRAME = '0000001a83818200446563686f81820046636c69656e74460568656c6c6f'

  test('gets no further message of the same chunk, on either kind of connection', () =>
    withTransport({}, async ({ services, dial, accept }) => {
      const peers = [await dial(), (await accept()).peer]
      for (const peer of peers) {
        services.deliveries.length = 0
        let resume: () => void = () => undefined
        services.onDeliver = () =>
          new Promise((resolve) => {
            resume = resolve
          })
        peer.write(`01 ${FRAME.repeat(10)}`)
        for (let count = 1; count <= 10; count++) {
          await until(() => services.deliveries.length >= count, `message ${count} arrives`)
          await new Promise((resolve) => setTimeout(resolve, 3))
          expect(services.deliveries.length).toBe(count)
          resume()
        }
      }
    }))

  test('stops the other side in the end: what this process holds is bounded', () =>
    withTransport({}, async ({ services, dial, accept }) => {
      services.onDeliver = () => new Promise(() => undefined)
      for (const peer of [await dial(), (await accept()).peer]) {
        peer.socket.write(Uint8Array.of(1))
        const frames = Buffer.from(FRAME.repeat(2_000), 'hex')
        let offered = 0
        const before = process.memoryUsage().arrayBuffers
        while (offered < 40_000_000 && peer.socket.writableLength < 1_000_000) {
          peer.socket.write(frames)
          offered += frames.length
          await new Promise((resolve) => setImmediate(resolve))
        }
        expect(offered).toBeLessThan(40_000_000)
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000)
      }
      expect(services.deliveries.length).toBe(2)
    }))

  test('gets what was sent before a reset, too', () =>
    withTransport({}, async ({ services, dial }) => {
      let resume: () => void = () => undefined
      services.onDeliver = () =>
        new Promise((resolve) => {
          resume = resolve
        })
      const peer = await dial()
      peer.write(`01 ${FRAME.repeat(5)}`)
      await until(() => services.deliveries.length === 1, 'the first message arrives')
      peer.socket.resetAndDestroy()
      await settle()
      services.onDeliver = () => undefined
      resume()
      const [acceptance] = services.acceptances
      expect(await acceptance?.connection.closed).toBe('peer')
      expect(services.deliveries.length).toBe(5)
    }))

  test('may answer what was sent before the end of the other side', () =>
    withTransport({}, async ({ services, dial }) => {
      let resume: () => void = () => undefined
      services.onDeliver = ({ connection, message: { returnRoute, onwardRoute, payload } }) => {
        dropPressure(connection.send({ onwardRoute: returnRoute, returnRoute: onwardRoute, payload }))
        return new Promise((resolve) => {
          resume = resolve
        })
      }
      const peer = await dial({ allowHalfOpen: true })
      peer.socket.end(Buffer.from(`01${FRAME.repeat(3)}`, 'hex'))
      for (let count = 1; count <= 3; count++) {
        await until(() => services.deliveries.length === count, `message ${count} arrives`)
        await settle()
        resume()
      }
      await until(() => peer.isClosed, 'the connection ends')
      expect(peer.received.length / 2).toBe(1 + 3 * 31)
      expect(await services.acceptances[0]?.connection.closed).toBe('peer')
      expect(services.events).toEqual([])
    }))
})
