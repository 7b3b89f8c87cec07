/** Ports for tutorials, which have to name the ports of servers and inlets. */

import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ports that systems give to outgoing connections, so that none of those takes it meanwhile. */
const LOWEST = 15_000
const HIGHEST = 32_000
const TRIES = 100

/** A port of 127.0.0.1 on which nobody listens, chosen at random, so that tests running at the same time choose others. */
export async function freePort(): Promise<number> {
  for (let left = TRIES; left > 0; left--) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await isFree(port)) return port
  }
  throw new Error(`No free port found between ${LOWEST} and ${HIGHEST}.`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
