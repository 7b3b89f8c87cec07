/**
 * Defaults of the platform interfaces, made from globals that browsers, Node, Deno and Bun all have. Nothing is touched at import;
 * nothing here is specific to one runtime, but faster turns are used where the runtime offers them.
 */

import { OckamError } from './error.ts'
import type { Clock, Diagnostics, Random, Timer, Turns } from './platform.ts'

interface NodeLikeGlobals {
  readonly process?: { readonly nextTick?: (task: () => void) => void }
  readonly setImmediate?: (task: () => void) => unknown
}

/** The machine's clock and timers. Timers do not keep a Node process alive unless asked to. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, task, options): Timer {
    const timer: unknown = setTimeout(task, delayMs)
    if (options?.isBackground !== false) (timer as { unref?: () => void }).unref?.()
    return { cancel: () => clearTimeout(timer as number) }
  },
}

/** Web Crypto's random source. */
export const systemRandom: Random = {
  bytes(length) {
    if (!Number.isInteger(length) || length < 0 || length > 65_536) {
      throw new OckamError('core/invalid-argument', `Random.bytes: length must be an integer from 0 to 65536, got ${length}.`)
    }
    return crypto.getRandomValues(new Uint8Array(length))
  },
}

/** `process.nextTick` and `setImmediate` where they exist, otherwise microtasks and a message channel. */
export function systemTurns(): Turns {
  const { process, setImmediate } = globalThis as NodeLikeGlobals
  const nextTick = process?.nextTick
  return {
    soon: nextTick === undefined ? (task) => queueMicrotask(task) : (task) => nextTick(task),
    afterIo: setImmediate === undefined ? messageChannelTurns() : (task) => void setImmediate(task),
  }
}

function messageChannelTurns(): (task: () => void) => void {
  const waiting: (() => void)[] = []
  let channel: MessageChannel | undefined
  return (task) => {
    if (channel === undefined) {
      channel = new MessageChannel()
      channel.port1.onmessage = () => waiting.shift()?.()
    }
    waiting.push(task)
    channel.port2.postMessage(0)
  }
}

/** Discards every event. */
export const silentDiagnostics: Diagnostics = { event: () => undefined }
