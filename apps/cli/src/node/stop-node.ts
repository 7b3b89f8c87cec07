/** Ends a background node: asked first, told by signal if that does not help, by force when that is wanted. */

import { setTimeout as sleep } from 'node:timers/promises'
import { control } from '../control/control-client.ts'
import { CommandError } from '../error.ts'
import type { State } from '../state/state.ts'

const CLOSE_TIMEOUT_MS = 20_000
const GONE_TIMEOUT_MS = 5000
const CHECK_EVERY_MS = 20

/** @returns false when it was not running. @throws {CommandError} `cli/timeout` */
export async function stopNode(state: State, name: string, isForced: boolean): Promise<boolean> {
  const running = state.nodes.running(name)
  if (running === undefined) return false
  const { pid } = running
  if (isForced) signal(pid, 'SIGKILL')
  else await ask(state, name, pid)
  const deadline = Date.now() + GONE_TIMEOUT_MS
  while (state.nodes.running(name)?.pid === pid) {
    if (Date.now() > deadline) {
      throw new CommandError('cli/timeout', `Node "${name}" (process ${pid}) does not end.`, {
        hint: `End it by force: ockam node stop ${name} --force`,
      })
    }
    await sleep(CHECK_EVERY_MS)
  }
  return true
}

async function ask(state: State, name: string, pid: number): Promise<void> {
  try {
    await control({ name, socketPath: state.nodes.controlPath(name) }, 'node.stop', {}, { timeoutMs: CLOSE_TIMEOUT_MS, untilClosed: true })
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
