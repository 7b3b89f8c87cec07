/**
 * A node's status over HTTP, for those who watch over it: `HEAD /` and `GET /` are answered while the node is well, `GET /show` with what
 * `ockam node show --output json` prints. It changes nothing. Whoever reaches the address may read it, and that is why a node has none unless it is asked to.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import { formatSocketAddress, parseSocketAddress } from '../address/socket-address.ts'
import { CommandError } from '../error.ts'

export interface StatusEndpoint {
  /** `host:port`, as it was bound. */
  readonly address: string
  close(): Promise<void>
}

const MAX_CONNECTIONS = 64
const REQUEST_TIMEOUT_MS = 5000
const LIMITS = {
  headersTimeout: REQUEST_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 8192,
} as const

/**
 * @param address `host:port`; 127.0.0.1 for a port alone. @param show what `/show` answers.
 * @throws {CommandError} `cli/usage`, `cli/conflict`
 */
export async function startStatusEndpoint(address: string, show: () => unknown): Promise<StatusEndpoint> {
  const { host, port } = parseSocketAddress(address)
  const server = createServer(LIMITS, (request, response) => {
    try {
      answer(request, response, host, show)
    } catch {
      // Whoever watches shall see that something is wrong, and the node goes on.
      if (!response.headersSent) send(response, 500, '')
    }
  })
  server.maxConnections = MAX_CONNECTIONS
  await listen(server, host, port, address)
  const bound = server.address()
  return {
    address: typeof bound === 'object' && bound !== null ? formatSocketAddress({ host, port: bound.port }) : address,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(request: IncomingMessage, response: ServerResponse, host: string, show: () => unknown): void {
  const { method = '', url = '' } = request
  const [path] = url.split('?')
  // Bodies are of no use, and are not waited for.
  if (request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined)
    response.shouldKeepAlive = false
  if (!isOwnName(request.headers.host, host)) return send(response, 403, '')
  if (method !== 'GET' && method !== 'HEAD') return send(response.setHeader('Allow', 'GET, HEAD'), 405, '')
  if (path === '/') return send(response, 200, '')
  if (path !== '/show') return send(response, 404, '')
  send(response.setHeader('Content-Type', 'application/json'), 200, `${JSON.stringify(show())}\n`)
}

/** A page of somebody else's that has its name lead here must not read it: it comes with that name. */
function isOwnName(given: string | undefined, host: string): boolean {
  const name = given?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return name !== undefined && (isIP(name) !== 0 || name === 'localhost' || name === host)
}

function send(response: ServerResponse, status: number, body: string): void {
  response.setHeader('Cache-Control', 'no-store').setHeader('X-Content-Type-Options', 'nosniff')
  response.writeHead(status, { 'Content-Length': Buffer.byteLength(body) }).end(body)
}

function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const problem = `The status endpoint cannot listen at ${address}: ${cause.message}.`
      reject(new CommandError('cli/conflict', problem, { hint: 'Choose another port, or 0 for any that is free.', cause }))
    })
    server.listen(port, host, resolve)
  })
}
