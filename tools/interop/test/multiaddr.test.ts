/** MultiAddr as Rust nodes read and write it, beside ours. What an address then leads to is not part of this. */

import { MultiAddr } from '@ockam/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RustPeer } from './fixture/rust-peer.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

let peer: RustPeer
beforeAll(async () => {
  peer = await RustPeer.start()
})
afterAll(() => peer.stop())

describe('an address', () => {
  test.each([
    ['', '', ''],
    ['/dnsaddr/h/tcp/4000/secure/api', '/dnsaddr/h/tcp/4000/secure/api', '380168 060fa0 c6890603617069'],
    ['/ip4/127.0.0.1/tcp/65535', '/ip4/127.0.0.1/tcp/65535', '047f000001 06ffff'],
    ['/node/n1/worker/x/project/p/space/s', '/node/n1/worker/x/project/p/space/s', 'ceb604026e31 fea0060178 de84050170 eed2050173'],
    ['/service/forward_to_x/service/ä b', '/service/forward_to_x/service/ä b', 'bee8030c666f72776172645f746f5f78 bee80304c3a42062'],
    ['dnsaddr/h/tcp/4000', '/dnsaddr/h/tcp/4000', '380168 060fa0'],
    ['self', '/secure/api', 'c6890603617069'],
    ['/service//secure/api', '/service//secure/api', 'bee80300 c6890603617069'],
    ['/service/', '/service/', 'bee80300'],
    ['/service/a%2Fb', '/service/a%2Fb', 'bee803056125324662'],
    ['/ip6/2001:DB8:0:0:0:0:0:1/tcp/0', '/ip6/2001:db8::1/tcp/0', '2920010db8000000000000000000000001 060000'],
    ['/ip6/::ffff:1.2.3.4', '/ip6/::ffff:1.2.3.4', '2900000000000000000000ffff01020304'],
    ['/ip6/::1.2.3.4', '/ip6/::102:304', '2900000000000000000000000001020304'],
    ['/ip6/1:0:0:2::', '/ip6/1:0:0:2::', '2900010000000000020000000000000000'],
    ['/ip6/1:2:3:4:5:6:7::', '/ip6/1:2:3:4:5:6:7:0', '2900010002000300040005000600070000'],
  ])('that is written %j is %j to both kinds of nodes, and the same bytes', async (given, text, spaced) => {
    const binary = spaced.replaceAll(' ', '')
    expect(await peer.ask('multiaddr.parse', { text: given })).toEqual({ text, binary })
    expect(await peer.ask('multiaddr.decode', { binary })).toEqual({ text, binary })
    expect([MultiAddr.parse(given).toString(), hex(MultiAddr.parse(given).encode())]).toEqual([text, binary])
    expect(MultiAddr.decode(unhex(binary)).toString()).toBe(text)
  })

  test.each([
    ['/', 'unregistered protocol prefix'],
    ['/nope/x', 'unregistered protocol prefix'],
    ['/Service/x', 'unregistered protocol prefix'],
    ['//service/x', 'unregistered protocol prefix'],
    ['/service/x/', 'unregistered protocol prefix'],
    ['/service/x//', 'unregistered protocol prefix'],
    ['/self', 'unregistered protocol prefix'],
    ['/tcp', 'cannot parse integer'],
    ['/tcp/', 'cannot parse integer'],
    ['/tcp/65536', 'number too large'],
    ['/tcp/ 5', 'invalid digit'],
    ['/ip4/1.2.3', 'invalid IPv4'],
    ['/ip4/01.2.3.4', 'invalid IPv4'],
    ['/ip6/fe80::1%eth0', 'invalid IPv6'],
    ['/ip6/1:2:3:4:5:6:7:8:9', 'invalid IPv6'],
  ])('that is written %j is none, to both', async (text, reason) => {
    await expect(peer.ask('multiaddr.parse', { text })).rejects.toThrow(reason)
    expect(() => MultiAddr.parse(text)).toThrow(/./)
  })

  test.each([
    ['a port of one byte', '060f', 'requires 2 bytes'],
    ['an address of three bytes', '047f0000', 'requires 4 bytes'],
    ['a code that nobody knows', '07', 'unregistered protocol'],
    ['a code in more bytes than it needs', '86000fa0', 'not minimal'],
    ['a length in more bytes than it needs', 'c68906810061', 'not minimal'],
    ['a length that goes beyond the end', 'c689060261', 'requires 2 bytes'],
    ['no length', 'c68906', 'not enough input bytes'],
    ['text that is not UTF-8', 'c6890601ff', 'invalid protocol value'],
  ])('in binary with %s is none, to both', async (_what, binary, reason) => {
    await expect(peer.ask('multiaddr.decode', { binary })).rejects.toThrow(reason)
    expect(() => MultiAddr.decode(unhex(binary))).toThrow(/./)
  })
})

describe('we are stricter', () => {
  test.each([
    ['ports with a sign or zeros in front', '/tcp/+5', '/tcp/05'],
    ['control characters', '/service/\u0000x', '/service/x\n'],
    ['a transport that is not there', '/ip4/127.0.0.1/udp/5', '/udp/5'],
  ])('with %s', async (_what, ...texts) => {
    for (const text of texts) {
      await expect(peer.ask('multiaddr.parse', { text })).resolves.toMatchObject({ text: /udp|service/.test(text) ? text : '/tcp/5' })
      expect(() => MultiAddr.parse(text)).toThrow(/./)
    }
  })

  test('with a slash inside a value, which binary can hold and text cannot', async () => {
    const [binary, text] = ['bee80303612f62', '/service/a/b']
    expect((await peer.ask('multiaddr.decode', { binary })).text).toBe(text)
    await expect(peer.ask('multiaddr.parse', { text })).rejects.toThrow('unregistered')
    expect(() => MultiAddr.decode(unhex(binary))).toThrow(/./)
  })
})
