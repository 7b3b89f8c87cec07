import { describe, expect, test } from 'vitest'
import { remoteNetwork } from '../src/index.ts'

describe('The network of a remote address', () => {
  test('of IPv4 is the address itself', () => {
    expect(remoteNetwork('192.0.2.1')).toBe('192.0.2.1')
  })

  test('of IPv6 is its /64, because whoever has one address of it has them all', () => {
    expect(remoteNetwork('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(remoteNetwork('2001:0DB8:1:2::ffff')).toBe('2001:db8:1:2::/64')
    expect(remoteNetwork('2001:db8:1:3::1')).toBe('2001:db8:1:3::/64')
    expect(remoteNetwork('::1')).toBe('::/64')
  })

  test('of IPv4 mapped into IPv6 is the IPv4 address, in each of its spellings', () => {
    for (const text of ['::ffff:192.0.2.1', '::FFFF:192.0.2.1', '::ffff:c000:201', '0:0:0:0:0:ffff:c000:0201'])
      expect(remoteNetwork(text)).toBe('192.0.2.1')
  })

  test('does not depend on the interface of this machine', () => {
    expect(remoteNetwork('fe80::1%eth0')).toBe(remoteNetwork('fe80::2'))
  })

  test('of anything else is what the transport called it', () => {
    for (const name of ['/memory/client', 'AA:BB:CC:DD:EE:FF', 'host.example', '1.2.3', '']) expect(remoteNetwork(name)).toBe(name)
  })
})
