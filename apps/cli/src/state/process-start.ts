/**
 * Tells a process from a later one that got the same number: by when it started. Linux says so in `/proc` (proc_pid_stat(5), fields 3 and 22), other
 * Unix systems through `ps`. On Windows nothing is compared but whether there is such a process.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const PS_TIMEOUT_MS = 5000

export interface ProcessMark {
  readonly pid: number
  /** When it started, in the system's own words. Empty where the system does not say. */
  readonly startedAt: string
}

/** The mark of a process; undefined when there is none, or it has ended and only its parent has not noticed. */
export function markOf(pid: number): ProcessMark | undefined {
  if (!exists(pid)) return undefined
  const startedAt = process.platform === 'win32' ? '' : existsSync('/proc/self/stat') ? startInProc(pid) : startInPs(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** Whether the marked process still runs. */
export function isRunning({ pid, startedAt }: ProcessMark): boolean {
  return markOf(pid)?.startedAt === startedAt
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function startInProc(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may contain anything, so count from its end.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state, ticks] = [fields[0], fields[19]]
    if (state === 'Z' || state === 'X' || ticks === undefined) return undefined
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${ticks}`
  } catch {
    return undefined
  }
}

function startInPs(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: PS_TIMEOUT_MS,
      // Other languages write the time in other ways.
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [state = '', ...start] = text.trim().split(/\s+/)
    return state === '' || state.startsWith('Z') ? undefined : start.join(' ')
  } catch {
    return undefined
  }
}
