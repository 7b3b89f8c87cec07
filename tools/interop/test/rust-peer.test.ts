/** The Rust peer itself: that it is there, what it is made of, and that wrong requests do it no harm. Without it this file is all that runs. */

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { rustPeerPath } from '../../rust-peer/path.mjs'
import { rustPeerSources } from '../../rust-peer/sources.mjs'
import { RustPeer, stopRustPeers } from './fixture/rust-peer.ts'

const isThere = existsSync(rustPeerPath())

afterEach(stopRustPeers)

test('the Rust peer is there (npm run interop builds it where cargo is installed)', (context) => {
  // Whoever requires every test gets a failure; how the tests were started makes no difference.
  if (!isThere && process.env.OCKAM_TEST_REQUIRE !== 'all') context.skip()
  expect(isThere, `there is no ${rustPeerPath()}`).toBe(true)
})

if (isThere) {
  describe('the Rust peer', () => {
    test('is made of the crates that docs/compatibility.md names', async () => {
      const peer = await RustPeer.start()
      const { protocol, crates } = await peer.ask('peer.version')
      expect(protocol).toBe(1)
      const document = await readFile(new URL('../../../docs/compatibility.md', import.meta.url), 'utf8')
      const rows = [...document.matchAll(/^\| `(ockam\w*)` \| (\S+) \|$/gm)].map(([, name, version]) => [name, version])
      expect(rows.length).toBeGreaterThan(5)
      expect(crates).toMatchObject(Object.fromEntries(rows))
    })

    test('is built from the sources that are here', async () => {
      const peer = await RustPeer.start()
      const { sources } = await peer.ask('peer.version')
      expect(sources, `${rustPeerPath()} was built from other sources than tools/rust-peer: build it with npm run interop`).toBe(
        rustPeerSources(),
      )
    })

    test('answers wrong requests with errors and goes on', async () => {
      const peer = await RustPeer.start()
      for (const line of ['no JSON', '[]', '{}', '{"command":7}']) {
        peer.write(line)
        expect((await peer.event('reply')).error.message).toMatch(/request/)
      }
      await expect(peer.ask('no.command')).rejects.toThrow('there is no command')
      await expect(peer.ask('identity.import', { history: 'xy' })).rejects.toThrow('hexadecimal')
      await expect(peer.ask('worker.start', { address: 'a#b#c', kind: 'echo' })).rejects.toThrow('address')
      await expect(peer.ask('message.send', { route: ['nobody'], payload: '00' })).rejects.toThrow('No such alias')
      await expect(peer.ask('identity.create')).resolves.toMatchObject({ changes: 1 })
    })

    test('ends when its input ends', async () => {
      const peer = await RustPeer.start()
      await peer.ask('tcp.listen')
      await peer.stop()
      await expect(peer.ask('peer.version')).rejects.toThrow('has ended')
    })
  })
}
