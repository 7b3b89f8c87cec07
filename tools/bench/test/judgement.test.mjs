/** What the benchmark says of its numbers: what is absent is never met, and a slow ceiling makes the run invalid. */
import { once } from 'node:events'
import { connect, createServer } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { createCertificates } from '../runner/certificate.mjs'
import { median, medianRecord } from '../runner/median.mjs'
import { plan } from '../runner/plan.mjs'
import { absenceOf, measureStart, PROGRAMS } from '../runner/start-up.mjs'
import { judge, judgeCeiling } from '../runner/target.mjs'

const verdictOf = (entries, part) => entries.find(({ name }) => name.includes(part)).verdict

describe('goals', () => {
  test('are "not measured" as long as ours is absent', () => {
    const results = { 'throughput secure direct 64 B': { ours: { absent: 'its program is not there' }, ceiling: { perSecond: 100 } } }
    for (const { verdict } of judge(results, {})) expect(verdict).toBe('not measured')
  })

  test('are met from their limit on and not below it', () => {
    const results = (perSecond) => ({ 'throughput secure direct 64 B': { ours: { perSecond }, ceiling: { perSecond: 100 } } })
    expect(verdictOf(judge(results(70), {}), 'secure direct 64 B: ours / ceiling')).toBe('met')
    expect(verdictOf(judge(results(69), {}), 'secure direct 64 B: ours / ceiling')).toBe('not met')
  })

  test('of the native AEAD look at it alone', () => {
    const results = (ours, native) => ({
      'throughput secure direct 64 KiB': {
        ours: { perSecond: ours },
        'ours, native': native,
        'secret-stream': { perSecond: 100 },
      },
    })
    const verdict = (ours, native) => verdictOf(judge(results(ours, native), {}), 'ours, native / secret-stream')
    expect(verdict(1, { perSecond: 135 })).toBe('met')
    expect(verdict(200, { perSecond: 134 })).toBe('not met')
    expect(verdict(200, { absent: 'not built' })).toBe('not measured')
  })

  test('compare the CPU of both sides of a channel set-up', () => {
    const cost = (send, receive) => ({ cpuUs: { send, receive } })
    const handshakes = (ours) => judge({ 'handshake direct': { ours, tls: cost(500, 500) } }, {})
    expect(verdictOf(handshakes(cost(300, 300)), 'handshake')).toBe('met')
    expect(verdictOf(handshakes(cost(300, 301)), 'handshake')).toBe('not met')
  })

  test('name only cases that the full plan runs', () => {
    const names = plan({ isQuick: false, canPin: true }).map(({ name }) => name)
    const goals = [...judge({}, {})].filter(({ name }) => !/^(routing header|start-up)/.test(name))
    for (const { name } of goals) expect(names).toContain(name.slice(0, name.indexOf(':')))
  })
})

describe('start-up', () => {
  const verdict = (starts) => verdictOf(judge({}, {}, starts), 'start-up: ockam --version')

  test('may take two and a half times what Node alone takes', () => {
    expect(verdict({ 'node -e 0': { ms: 40 }, 'ockam --version': { ms: 100 } })).toBe('met')
    expect(verdict({ 'node -e 0': { ms: 40 }, 'ockam --version': { ms: 101 } })).toBe('not met')
    expect(verdict({ 'node -e 0': { ms: 40 }, 'ockam --version': { absent: 'not built' } })).toBe('not measured')
  })

  test('is measured of the programs that the goal names, and of none that is not there', async () => {
    const [node, version, ...others] = PROGRAMS
    expect([node.name, version.name]).toEqual(['node -e 0', 'ockam --version'])
    expect([absenceOf(node, '/nowhere'), absenceOf(version, '/nowhere')]).toEqual([undefined, 'the ockam command is not built'])
    expect(others.every((program) => absenceOf(program, '/nowhere') !== undefined)).toBe(true)
    expect((await measureStart(node, { starts: 2, longestMs: 20_000 })).ms).toBeGreaterThan(0)
  })

  test('of a program that fails is no number', async () => {
    const program = { name: 'node -e 1', argv: ['-e', 'console.error("broken"); process.exit(1)'] }
    await expect(measureStart(program, { starts: 1, longestMs: 20_000 })).rejects.toThrow('node -e 1 failed: broken')
  })
})

describe('the ceiling is believed', () => {
  const results = (plain, secure) => ({
    'throughput plain direct 64 B': { ceiling: { perSecond: plain }, net: { perSecond: 100 } },
    'throughput secure direct 64 B': { ceiling: { perSecond: secure } },
  })

  test('when it stands at least 0.85 of the documented ratios above net writes', () => {
    expect(judgeCeiling(results(774, 48)).map(({ verdict }) => verdict)).toEqual(['met', 'met'])
    expect(judgeCeiling(results(773, 47)).map(({ verdict }) => verdict)).toEqual(['not met', 'not met'])
  })

  test('not when net was not measured in the same run', () => {
    expect(judgeCeiling({}).map(({ verdict }) => verdict)).toEqual(['not measured', 'not measured'])
  })
})

describe('medians', () => {
  test('take the middle of an odd and the mean of the middle two of an even number of rounds', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([9, 1, 5, 7])).toBe(6)
  })

  test('are taken field by field', () => {
    const records = [1, 2, 9].map((value) => ({ perSecond: value, cpuUs: { send: value * 10 } }))
    expect(medianRecord(records)).toEqual({ perSecond: 2, cpuUs: { send: 20 } })
  })
})

describe('certificates made for the TLS peer', () => {
  const handshake = async (server, client) => {
    const listener = createServer({
      ...server.server,
      ca: server.authority,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const outcome = Promise.race([
      once(listener, 'secureConnection').then(([{ authorized }]) => authorized),
      once(listener, 'tlsClientError').then(() => false),
    ])
    const socket = connect({ port: listener.address().port, servername: 'localhost', ca: server.authority, ...client.client })
    socket.on('error', () => {})
    const isAuthorized = await outcome
    socket.destroy()
    listener.close()
    return isAuthorized
  }

  test('are accepted by TLS 1.3 on both sides', async () => {
    const certificates = createCertificates()
    expect(await handshake(certificates, certificates)).toBe(true)
  })

  test('of another authority are refused', async () => {
    expect(await handshake(createCertificates(), createCertificates())).toBe(false)
  })
})
