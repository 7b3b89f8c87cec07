/** The ceiling is only worth something when it does the whole job: right bytes, nothing lost, wrong input noticed. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { receive, send } from '../ceiling.mjs'
import { measure } from '../runner/measure.mjs'

const keys = ['11'.repeat(32), '22'.repeat(32)]
const timing = { warmMs: 50, handshakeWarm: { count: 5, longestMs: 5000 }, windowMs: 100, warmSamples: 10, samples: 100, longestMs: 20_000 }
const run = (module, aCase) => measure({ module: new URL(module, import.meta.url).href }, aCase, { ...aCase, keys }, timing)

const hexOf = (text) => Buffer.from(text.repeat(32)).toString('hex')

describe('the ceiling', () => {
  test('sends the frames of the TCP transport: version byte, u32 length, four elements, 32-character addresses', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    send({ scenario: 'echo', isSecure: false, isRelayed: false, size: 6, keys }, { count: 0, fail() {} }, { port: server.address().port })
    const [socket] = await accepted
    const chunks = []
    for await (const chunk of socket) if (chunks.push(chunk) > 0 && Buffer.concat(chunks).length >= 88) break
    server.close()
    const onward = `8182005820${hexOf('b')}`
    const back = `8182005820${hexOf('a')}`
    expect(Buffer.concat(chunks).toString('hex')).toBe(`010000005384${onward}${back}46000000005a5af6`)
  })

  test('refuses a message that comes out of order', async () => {
    const failures = []
    const { port } = await receive(
      { scenario: 'throughput', isSecure: false, size: 6, keys },
      { count: 1, fail: (error) => failures.push(error) },
    )
    const socket = connect(port, '127.0.0.1')
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
    socket.write(Buffer.from(`010000005384${`8182005820${hexOf('b')}`}${`8182005820${hexOf('a')}`}46000000005a5af6`, 'hex'))
    expect((await thrown).message).toBe('A message was lost or came out of order.')
    socket.destroy()
  })

  for (const isSecure of [false, true])
    for (const isRelayed of [false, true])
      for (const size of [64, 64 * 1024]) {
        const what = `${size} bytes ${isRelayed ? 'through a relay process' : 'directly'}, ${isSecure ? 'encrypted' : 'plain'}`
        test(`delivers ${what}, complete and in order`, async () => {
          const { perSecond, cpuUs } = await run('../ceiling.mjs', { scenario: 'throughput', isSecure, isRelayed, size })
          expect(perSecond).toBeGreaterThan(0)
          expect(Object.keys(cpuUs).sort()).toEqual(isRelayed ? ['receive', 'relay', 'send'] : ['receive', 'send'])
        })
      }

  for (const isSecure of [false, true])
    test(`answers ${isSecure ? 'encrypted' : 'plain'} questions through a relay process`, async () => {
      const { p50Us, p99Us, samples } = await run('../ceiling.mjs', { scenario: 'echo', isSecure, isRelayed: true, size: 64 })
      expect(samples).toBe(100)
      expect(p99Us).toBeGreaterThanOrEqual(p50Us)
    })

  test('sets up channels with both identities checked', async () => {
    const { perSecond, cpuUs } = await run('../ceiling-handshake.mjs', {
      scenario: 'handshake',
      isSecure: true,
      isRelayed: false,
      size: 64,
    })
    expect(perSecond).toBeGreaterThan(0)
    expect(Object.keys(cpuUs).sort()).toEqual(['receive', 'send'])
  })

  test('reports a role that fails as a failure with its reason, not as a number', async () => {
    await expect(run('../not-there.mjs', { scenario: 'echo', isSecure: false, isRelayed: false, size: 64 })).rejects.toThrow(/not-there/)
  })
})
