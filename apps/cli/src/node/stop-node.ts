/** Ends a background node: asked first, told by signal if that does not help, by force when that is wanted. */

import { setTimeout as sleep } from 'node:timers/promises'
import { control } from '../control/control-client.ts'
import { CommandError } from '../error.ts'
import type { Home } from '../home.ts'

const CLOSE_TIMEOUT_MS = 20_000
const GONE_TIMEOUT_MS = 5000
const CHECK_EVERY_MS = 20

/** @returns false when it was not running. @throws {CommandError} `cli/timeout` */
export async function stopNode(home: Home, name: string, isForced: boolean): Promise<boolean> {
  const running = home.running(name)
  if (running === undefined) return false
  const { pid } = running
  if (isForced) signal(pid, 'SIGKILL')
  else await ask(home, name, pid)
  const deadline = Date.now() + GONE_TIMEOUT_MS
  while (home.running(name)?.pid === pid) {
    if (Date.now() > deadline) {
      throw new CommandError('cli/timeout', `Node "${name}" (process ${pid}) does not end.`, {
        hint: `End it by force: ockam node stop ${name} --force`,
      })
    }
    await sleep(CHECK_EVERY_MS)
  }
  home.setRunning(name, undefined)
  return true
}

async function ask(home: Home, name: string, pid: number): Promise<void> {
  try {
    await control({ name, socketPath: home.controlPath(name) }, 'node.stop', {}, { timeoutMs: CLOSE_TIMEOUT_MS, untilClosed: true })
  } catch (error) {
    if (!CommandError.isCommandError(error)) throw error
    signal(pid, 'SIGTERM')
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has just ended.
  }
}
