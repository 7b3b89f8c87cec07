/**
 * Locks a directory by a Unix socket that listens in it. The kernel stops answering for it the moment its process is gone, so a connection that
 * is refused proves that the holder is dead; one that is accepted, or fails in any other way, does not.
 *
 * Every attempt has a name of its own (`lock-<pid>-<random>`): first show the name, then look at all the others. Of two attempts at the same time,
 * the one that looks last sees the other, so two can never both win; both may lose, and try again a little later. A name is never used twice,
 * so a dead one can be removed by anybody at any time. The socket is bound under another name and renamed once it listens, because in between it
 * would look dead.
 */

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, readdir, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDescriptor } from './descriptor.ts'
import type { DiskLock } from './disk.ts'
import { storeError, systemCode } from './error.ts'

const ATTEMPTS = 5
/** Longest pause between two attempts. */
const PAUSE_MS = 40

export async function lockBySocket(directory: string): Promise<DiskLock> {
  const opened = await openDescriptor(directory, 'r')
  // The path of a socket may have about a hundred bytes; through the open directory it is always short.
  const shortPath = existsSync('/proc/self/fd') ? `/proc/self/fd/${opened.number}` : directory
  try {
    for (let attempt = 1; ; attempt++) {
      const claim = await announce(directory, shortPath)
      const rival = claim === undefined ? 'another process' : await findRival(directory, shortPath, claim.name)
      if (claim !== undefined && rival === undefined) {
        return {
          async release() {
            await claim.withdraw()
            await opened.close()
          },
        }
      }
      await claim?.withdraw()
      if (attempt === ATTEMPTS)
        throw storeError('store/locked', `The store in ${directory} is already open in ${rival}. Close it there first.`)
      await sleep(Math.random() * PAUSE_MS)
    }
  } catch (error) {
    await opened.close()
    throw error
  }
}

interface Claim {
  readonly name: string
  withdraw(): Promise<void>
}

/** Shows a listening socket in the directory; undefined when somebody who cleans up took it for a remnant. */
async function announce(directory: string, shortPath: string): Promise<Claim | undefined> {
  const id = `${process.pid}-${randomBytes(6).toString('hex')}`
  const name = `lock-${id}`
  const server = await listen(`${shortPath}/claim-${id}`)
  try {
    await chmod(join(directory, `claim-${id}`), 0o600)
    await rename(join(directory, `claim-${id}`), join(directory, name))
  } catch (error) {
    await stop(server)
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  return {
    name,
    async withdraw() {
      await rm(join(directory, name), { force: true })
      await stop(server)
    },
  }
}

/** Who else lives in the directory, after removing the remnants of the dead. */
async function findRival(directory: string, shortPath: string, ownName: string): Promise<string | undefined> {
  let rival: string | undefined
  for (const name of await readdir(directory)) {
    if (name === ownName || !(name.startsWith('lock-') || name.startsWith('claim-'))) continue
    const state = await probe(`${shortPath}/${name}`)
    if (state === 'dead') await rm(join(directory, name), { force: true })
    // Who has only a claim will look after showing its name, and see ours.
    else if (state === 'alive' && name.startsWith('lock-')) rival = `process ${name.split('-')[1]}`
  }
  return rival
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    // Exclusive: in a cluster worker the socket must not belong to the primary process, which outlives the worker.
    server.listen({ path, exclusive: true }, () => {
      // Later errors concern single connections of those who probe.
      server.off('error', reject).on('error', () => undefined)
      server.unref()
      resolve(server)
    })
  })
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
  })
}

function probe(path: string): Promise<'alive' | 'dead' | 'gone'> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const answer = (state: 'alive' | 'dead' | 'gone'): void => {
      socket.destroy()
      resolve(state)
    }
    socket.once('connect', () => answer('alive'))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      answer(error.code === 'ECONNREFUSED' ? 'dead' : error.code === 'ENOENT' ? 'gone' : 'alive')
    })
  })
}
