/** What a node says of itself over HTTP, to whom, and what it does not take. */

import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { type StatusEndpoint, startStatusEndpoint } from '../src/node/status-endpoint.ts'

const open: StatusEndpoint[] = []
afterEach(async () => {
  for (const endpoint of open.splice(0)) await endpoint.close()
})

async function started(address = '0', show: () => unknown = () => ({ name: 'n1' })): Promise<StatusEndpoint> {
  const endpoint = await startStatusEndpoint(address, show)
  open.push(endpoint)
  return endpoint
}

interface Answer {
  readonly status: number | undefined
  readonly body: string
  readonly type: string | undefined
  readonly connection: string | undefined
}

function ask(address: string, method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(`http://${address}${path}`, { method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        const { 'content-type': type, connection } = response.headers
        resolve({ status: response.statusCode, body: text, type, connection })
      })
    })
    asking.on('error', reject).end(body)
  })
}

describe('the status endpoint', () => {
  test.each(['0', '127.0.0.1:0', 'localhost:0', '[::1]:0'])('at %s answers while the node is well, and says what it has', async (given) => {
    const { address } = await started(given)
    expect(await ask(address, 'GET', '/')).toMatchObject({ status: 200, body: '' })
    expect(await ask(address, 'HEAD', '/')).toMatchObject({ status: 200, body: '' })
    const shown = await ask(address, 'GET', '/show?pretty')
    expect([shown.status, shown.type, JSON.parse(shown.body)]).toEqual([200, 'application/json', { name: 'n1' }])
  })

  test('is for this machine alone when only a port is given', async () => {
    expect((await started('0')).address).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('has nothing else, and changes nothing', async () => {
    const { address } = await started()
    expect(await ask(address, 'GET', '/other')).toMatchObject({ status: 404, body: '' })
    expect(await ask(address, 'GET', '/show/more')).toMatchObject({ status: 404 })
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect(await ask(address, method, '/show', {}, 'x')).toMatchObject({ status: 405, body: '' })
  })

  test('waits for no body', async () => {
    const { address } = await started()
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
    socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\nContent-Length: 1000\r\n\r\nx`)
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*\r\nConnection: close\r\n/s)
  })

  test('tells nothing to a page whose name was made to lead here', async () => {
    const { address } = await started()
    const port = address.split(':')[1]
    for (const host of [`rebound.example:${port}`, 'rebound.example', '127.0.0.1.example', 'localhost.example'])
      expect(await ask(address, 'GET', '/show', { Host: host }), host).toMatchObject({ status: 403, body: '' })
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, '192.0.2.7'])
      expect(await ask(address, 'GET', '/show', { Host: host }), host).toMatchObject({ status: 200 })
  })

  test('says that something is wrong when the node cannot say how it is, and goes on', async () => {
    let isWell = false
    const { address } = await started('0', () => {
      if (!isWell) throw new Error('secret of the node')
      return { name: 'n1' }
    })
    expect(await ask(address, 'GET', '/show')).toMatchObject({ status: 500, body: '' })
    isWell = true
    expect(await ask(address, 'GET', '/show')).toMatchObject({ status: 200 })
  })

  test('takes no more connections than it may have, and others again when those end', async () => {
    const { address } = await started()
    const port = Number(address.split(':')[1])
    const sockets = await Promise.all(
      Array.from({ length: 64 }, async () => {
        const socket = connect(port, '127.0.0.1').on('error', () => undefined)
        await once(socket, 'connect')
        return socket
      }),
    )
    await expect(ask(address, 'GET', '/')).rejects.toThrow(/socket hang up|ECONNRESET/)
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => ask(address, 'GET', '/').catch(() => undefined)).toMatchObject({ status: 200 })
  })

  test('does not start where somebody listens already, and says so', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    await expect(startStatusEndpoint(String(port), () => ({}))).rejects.toMatchObject({ code: 'cli/conflict' })
    await new Promise((resolve) => other.close(resolve))
    await expect(startStatusEndpoint('nowhere', () => ({}))).rejects.toMatchObject({ code: 'cli/usage' })
  })
})
