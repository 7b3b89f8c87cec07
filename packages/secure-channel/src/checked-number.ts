/** Checks of numbers that callers give. */

import { channelError } from './error.ts'

/** Timers of JavaScript run at once when asked for more. */
const MAX_TIMER_MS = 2_147_483_647

/** @throws {OckamError} `secure-channel/invalid-argument` unless it is a number above zero. */
export function checkedNumber(name: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value
  throw channelError('secure-channel/invalid-argument', `${name} must be a number above 0; got ${String(value)}.`)
}

/** Milliseconds for a timer: what is longer than timers can be, Infinity included, is as long as they can be. */
export function checkedDuration(name: string, value: number): number {
  return Math.min(checkedNumber(name, value), MAX_TIMER_MS)
}
