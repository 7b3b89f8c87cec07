/**
 * What the command-line program of Rust writes to a socket that greets it, in three of its releases: `ockam message send hello --to …/service/uppercase`. The
 * addresses that it made up are as they were.
 */

import { describe, expect, test } from 'vitest'
import { until, withTransport } from './raw-peer.ts'

/** `ockam_command` of that version, the first published one after 0.127.0, and the newest. */
const SINCE = [
  [
    '0.129.0',
    '010000003d848182004975707065726361736581820058203163326139363934613437616561633664653037313435353935346435303063460568656c6c6f627b7d',
  ],
  [
    '0.150.0',
    '010000003d848182004975707065726361736581820058203866373466653766386130343133313238313438303730303433643236393835460568656c6c6f627b7d',
  ],
] as const

/** Without a version in front, two bytes of length, and BARE instead of CBOR. */
const BEFORE = '003b020100097570706572636173650100203561353961303330633262613330316337613233353338656337393661396331060568656c6c6f01027b7d'

describe('a message of the Rust command', () => {
  test.each(SINCE)('of release %s is taken', async (_release, stream) => {
    await withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      peer.write(stream)
      await until(() => services.deliveries.length === 1, 'the message arrived')
      const { message } = services.deliveries[0] as (typeof services.deliveries)[number]
      expect(message.onwardRoute.toString()).toBe('0#uppercase')
      expect(Buffer.from(message.payload).toString('hex')).toBe('0568656c6c6f')
    })
  })

  test('of release 0.127.0 is not: its first byte is no version that we know', async () => {
    await withTransport({}, async ({ services, dial }) => {
      const peer = await dial()
      peer.write(BEFORE)
      await until(() => peer.isClosed, 'the connection was closed')
      expect(services.deliveries).toEqual([])
    })
  })
})
