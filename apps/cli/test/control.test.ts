/** The private interface between command and node: what it takes, what it refuses, and how much of a stranger's bytes it keeps. */

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { control } from '../src/control/control-client.ts'
import { type ControlServer, startControlServer } from '../src/control/control-server.ts'
import { encodeFrame, MAX_FRAME_BYTES } from '../src/control/frame.ts'
import { CONTROL_VERSION, resultOf } from '../src/control/protocol.ts'
import { CommandError, conflictError } from '../src/error.ts'

let folder: string
let socketPath: string
let server: ControlServer
let calls: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'control-'))
  socketPath = join(folder, 'control.sock')
  calls = []
  server = await startControlServer(socketPath, async (method, parameters, signal) => {
    calls.push(method)
    if (method === 'echo') return parameters
    if (method === 'fail') throw conflictError('It is taken.', 'Take another one.')
    if (method === 'wait') await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    calls.push(`${method} ended`)
    return undefined
  })
})
afterEach(async () => {
  server.close()
  server.release()
  await rm(folder, { recursive: true })
})

const target = (): { name: string; socketPath: string } => ({ name: 'n1', socketPath })

/** Sends bytes as they are, and resolves with what comes back until the other side ends. */
async function raw(bytes: Uint8Array, isEnding = false): Promise<Uint8Array> {
  const socket = await opened()
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  const closed = once(socket, 'close')
  if (isEnding) socket.end(bytes)
  else socket.write(bytes)
  await Promise.race([closed, once(socket, 'data').catch(() => closed)])
  socket.destroy()
  await closed
  return Buffer.concat(chunks)
}

async function opened(): Promise<Socket> {
  const socket = connect(socketPath)
  await once(socket, 'connect')
  return socket
}

const answerIn = (bytes: Uint8Array): { error?: { code: string; message: string } } => JSON.parse(Buffer.from(bytes.subarray(4)).toString())

describe('the control socket', () => {
  test('is closed to other users of the machine', async () => {
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600)
  })

  test('carries a request and its result', async () => {
    expect(await control(target(), 'echo', { a: [1, 'ü', null] })).toEqual({ a: [1, 'ü', null] })
    expect(await control(target(), 'nothing', {})).toBeNull()
  })

  test('carries a failure with its code and hint', async () => {
    const failure = await control(target(), 'fail', {}).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CommandError)
    expect(failure).toMatchObject({ code: 'cli/conflict', message: 'It is taken.', hint: 'Take another one.' })
  })

  test('takes the place of one that a killed node left behind', async () => {
    server.close()
    server.release()
    server = await startControlServer(socketPath, async () => 'new')
    expect(await control(target(), 'any', {})).toBe('new')
  })

  test('where nobody listens means that the node is down', async () => {
    await expect(control({ name: 'n9', socketPath: join(folder, 'none.sock') }, 'echo', {})).rejects.toMatchObject({
      code: 'cli/node-down',
      message: 'Node "n9" is not running.',
    })
  })

  test('tells the handler when whoever asked has gone', async () => {
    const socket = await opened()
    socket.write(encodeFrame({ version: CONTROL_VERSION, method: 'wait', parameters: {} }))
    await expect.poll(() => calls).toEqual(['wait'])
    socket.destroy()
    await expect.poll(() => calls).toEqual(['wait', 'wait ended'])
  })

  test('gives up waiting for an answer after the time that was given', async () => {
    await expect(control(target(), 'wait', {}, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'cli/timeout',
      message: 'Node "n1" did not answer within 50 ms.',
    })
  })

  test.each([
    ['what is done at once', {}, 60_000],
    ['what takes longer by its own limit', { operationMs: 240_000 }, 300_000],
    ['what may take longer than timers can', { operationMs: 2_147_483_647 }, 2_147_483_647],
  ])('waits long enough for %s', async (_, options, limitMs) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      let outcome = 'waiting'
      const asked = control(target(), 'wait', {}, options).catch((error: CommandError) => (outcome = error.code))
      // What polls would move these timers.
      for (let i = 0; i < 10_000 && !calls.includes('wait'); i++) await new Promise((resolve) => setImmediate(resolve))
      expect(calls).toContain('wait')
      vi.advanceTimersByTime(limitMs - 1)
      await new Promise((resolve) => setImmediate(resolve))
      expect(outcome).toBe('waiting')
      vi.advanceTimersByTime(1)
      await asked
      expect(outcome).toBe('cli/timeout')
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a stranger on the control socket', () => {
  const frame = (json: string): Uint8Array => {
    const bytes = Buffer.from(json)
    const header = Buffer.alloc(4)
    header.writeUInt32BE(bytes.length)
    return Buffer.concat([header, bytes])
  }

  test('is cut off at the header of a frame that is too large, before its bytes are kept', async () => {
    const header = Buffer.alloc(4)
    header.writeUInt32BE(MAX_FRAME_BYTES + 1)
    expect(await raw(header)).toHaveLength(0)
    expect(calls).toEqual([])
  })

  test.each([
    ['no JSON', 'hello'],
    ['nothing that is UTF-8', Buffer.from([0xff, 0xfe]).toString('latin1')],
  ])('is cut off when it sends %s', async (_, json) => {
    expect(await raw(frame(json))).toHaveLength(0)
    expect(calls).toEqual([])
  })

  test.each([
    ['a list', '[]'],
    ['null', 'null'],
    ['a request without a method', '{"version":1}'],
    ['a method of a thousand letters', JSON.stringify({ version: 1, method: 'm'.repeat(1000) })],
  ])('gets an error when it sends %s, and nothing is called', async (_, json) => {
    expect(answerIn(await raw(frame(json))).error?.code).toBe('cli/failed')
    expect(calls).toEqual([])
  })

  test('of another version is told so, and nothing is called', async () => {
    expect(answerIn(await raw(frame('{"version":2,"method":"echo"}'))).error?.code).toBe('cli/version-mismatch')
    expect(calls).toEqual([])
  })

  test('that sends more than one request is cut off', async () => {
    const request = encodeFrame({ version: CONTROL_VERSION, method: 'echo', parameters: {} })
    expect(await raw(Buffer.concat([request, request]))).toHaveLength(0)
    expect(calls).toEqual([])
  })

  test('that ends in the middle of a frame is forgotten', async () => {
    expect(await raw(frame('{"version":1,"method":"echo"}').subarray(0, 9), true)).toHaveLength(0)
    expect(calls).toEqual([])
  })

  test('that opens many connections gets no more than the node allows, and others get through again afterwards', async () => {
    const sockets = await Promise.all(Array.from({ length: 64 }, opened))
    const oneMore = connect(socketPath).on('error', () => undefined)
    await once(oneMore, 'close')
    await Promise.all(
      sockets.map((socket) => {
        socket.destroy()
        return once(socket, 'close')
      }),
    )
    await expect.poll(() => control(target(), 'echo', 1).catch(() => 'refused')).toBe(1)
  })
})

describe('a connection that has had its answer', () => {
  const request = (method: string, version = CONTROL_VERSION): Uint8Array => encodeFrame({ version, method, parameters: {} })
  /** A client that keeps its own side open, and reads until the other side ends. */
  const kept = async (): Promise<Socket> => {
    const socket = connect({ path: socketPath, allowHalfOpen: true })
    await once(socket.resume(), 'connect')
    return socket
  }

  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([
    ['a result', request('echo')],
    ['a failure', request('fail')],
    ['the error of another version', request('node.stop', 2)],
  ])('is ended after %s', async (_, bytes) => {
    const socket = await opened()
    const closed = once(socket.resume(), 'close')
    socket.write(bytes)
    await closed
  })

  test('is taken from a client that does not end it, so that idle ones do not keep others out', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const sockets = await Promise.all(Array.from({ length: 64 }, kept))
    await Promise.all(
      sockets.map((socket) => {
        socket.on('error', () => undefined).write(request('echo'))
        return once(socket, 'end')
      }),
    )
    const oneMore = connect(socketPath).on('error', () => undefined)
    await once(oneMore, 'close')
    vi.advanceTimersByTime(5000)
    vi.useRealTimers()
    await expect.poll(() => control(target(), 'echo', 1).catch(() => 'refused')).toBe(1)
    for (const socket of sockets) socket.destroy()
  })

  test('stays open for whoever has asked the node to end, until it has', async () => {
    let isClosed = false
    const asked = control(target(), 'node.stop', {}, { untilClosed: true }).finally(() => {
      isClosed = true
    })
    await expect.poll(() => calls).toContain('node.stop ended')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(isClosed).toBe(false)
    server.release()
    expect(await asked).toBeNull()
  })
})

describe('an answer', () => {
  test.each(['constructor', 'toString', '__proto__', 'cli/nonsense'])('with the code %s is a failure like any other', (code) => {
    const answer = { version: CONTROL_VERSION, error: { code, message: 'No.' } }
    expect(() => resultOf(answer)).toThrow(expect.objectContaining({ code: 'cli/failed', exitCode: 1, message: 'No.' }))
  })

  test('that is larger than a frame may be becomes an error', async () => {
    expect(() => encodeFrame('x'.repeat(MAX_FRAME_BYTES))).toThrow('bytes')
  })
})
