/**
 * The Unix socket that a killed program has left behind, in the way of one that starts. Only such a one is removed: not a file of another kind, which
 * refuses connections too, and not the socket of a program that has just been quicker, though that may happen between any two of these steps.
 */

import { randomBytes } from 'node:crypto'
import { link, lstat, rename, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { systemCode } from './error.ts'

/** @returns whether there was one, and the path is free now, as far as this can know. */
export async function removeLeftBehind(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isSocket() !== true || (await isAnswered(path))) return false
  // Whatever is at the path by now is taken away in one step, and looked at then: nobody can put another one in its place meanwhile.
  const aside = join(dirname(path), `.${randomBytes(4).toString('hex')}`)
  try {
    await rename(path, aside)
  } catch {
    return false
  }
  const taken = await lstat(aside)
  const isSame = taken.ino === found.ino && taken.dev === found.dev && !(await isAnswered(aside))
  // The name is given back, unless somebody has it again.
  if (!isSame) await link(aside, path).catch(() => undefined)
  await unlink(aside)
  return isSame
}

/** Whether a program listens at that path. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const settle = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => settle(true)).once('error', (error) => settle(systemCode(error) !== 'ECONNREFUSED'))
  })
}
