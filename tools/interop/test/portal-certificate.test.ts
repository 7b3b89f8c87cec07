/** Rust inlets with TLS: when they ask for their certificate, and what clients see while there is none. */

import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { createTcpOutlet } from '@ockam/portals'
import { afterEach, describe, expect, test } from 'vitest'
import { CERTIFICATE, KEY } from './fixture/certificate.ts'
import type { RustPeer } from './fixture/rust-peer.ts'
import { dial, isOver, startTarget } from './fixture/tcp-program.ts'
import { ours, rust, socketOf } from './fixture/world.ts'

/** A Rust node tries again a minute after it got no certificate, and then once more at most. */
const TWO_MINUTES = 150_000

const clients: TLSSocket[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})

/** A TLS inlet of a Rust node to an outlet of ours, whose target says everything back. */
async function inlet(details: { readonly certificate: string; readonly key: string; readonly refusals?: number }) {
  const target = await startTarget((socket) => void socket.pipe(socket))
  const node = await ours()
  await createTcpOutlet(node, 'outlet', { to: target, allowAnyone: true, from: 'anyone' })
  const { address } = await node.listen('/ip4/127.0.0.1/tcp/0')
  const { peer } = await rust()
  const { worker } = await peer.ask('tcp.connect', { to: socketOf(address) })
  const opened = await peer.ask('portal.inlet', { route: [worker, 'outlet'], ...details })
  return { peer, port: Number(opened.address.split(':')[1]) }
}

function dialTls(port: number): TLSSocket {
  const client = connect({ host: '127.0.0.1', port, servername: 'inlet.test', ca: CERTIFICATE })
  clients.push(client)
  return client.on('error', () => undefined)
}

async function echoed(client: TLSSocket, text: string): Promise<string> {
  client.write(text)
  return String((await once(client, 'data'))[0])
}

const asked = (peer: RustPeer): readonly boolean[] => peer.untaken('certificate-asked').map(({ given }) => given)

describe('a Rust inlet with TLS', () => {
  test('asks for its certificate for every client that connects, and carries the bytes inside of TLS to our outlet', async () => {
    const { peer, port } = await inlet({ certificate: CERTIFICATE, key: KEY })
    for (const text of ['first', 'second']) {
      const client = dialTls(port)
      await once(client, 'secureConnect')
      expect(client.getPeerCertificate().subject.CN).toBe('inlet.test')
      expect(await echoed(client, text)).toBe(text)
    }
    await expect.poll(() => asked(peer)).toEqual([true, true])
  })

  test('cuts a client whose handshake it does not understand, and serves the next', async () => {
    const { port } = await inlet({ certificate: CERTIFICATE, key: KEY })
    const plain = await dial(port)
    plain.write('GET / HTTP/1.0\r\n\r\n')
    await isOver(plain)
    const client = dialTls(port)
    await once(client, 'secureConnect')
    expect(await echoed(client, 'after')).toBe('after')
  })

  test('cuts its clients when the certificate comes without a key that it can read', async () => {
    const { peer, port } = await inlet({ certificate: CERTIFICATE, key: CERTIFICATE })
    for (let count = 1; count <= 2; count++) {
      await isOver(await dial(port))
      await expect.poll(() => asked(peer)).toHaveLength(count)
    }
  })

  test(
    'keeps clients waiting while it gets no certificate, and serves them when it has asked again',
    async () => {
      const { peer, port } = await inlet({ certificate: CERTIFICATE, key: KEY, refusals: 1 })
      const client = dialTls(port)
      let hasEnded = false
      client.once('close', () => (hasEnded = true))
      await peer.event('certificate-asked', ({ given }) => !given)
      await once(client, 'secureConnect')
      expect(hasEnded).toBe(false)
      await expect.poll(() => asked(peer)).toEqual([true])
      expect(await echoed(client, 'late')).toBe('late')
    },
    TWO_MINUTES,
  )
})
