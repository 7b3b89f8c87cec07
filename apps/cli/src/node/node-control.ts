/**
 * What a node does when it is asked through its control socket, and what it remembers of that: things that were made are made again when the node
 * starts the next time. What cannot be made then, because the other side is not there yet, is tried again until it can.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../error.ts'
import { absentThing, isNamed } from './absent-thing.ts'
import type { Host } from './host.ts'
import type { KeptThings } from './kept-thing.ts'
import type { MethodResult } from './method/method.ts'
import { methodNamed } from './method/method-table.ts'

export interface NodeControlOptions {
  readonly host: Host
  readonly kept: KeptThings
  /** Writes down what is remembered. */
  readonly save: (things: KeptThings) => void
  readonly log: (line: string) => void
}

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 30_000

const makerOf = (deleter: string): string => deleter.replace(/\.delete$/, '.create')

export class NodeControl {
  readonly #options: NodeControlOptions
  readonly #stopped = new AbortController()
  #kept: KeptThings

  constructor(options: NodeControlOptions) {
    this.#options = options
    this.#kept = options.kept
  }

  async call(name: string, parameters: unknown, signal: AbortSignal): Promise<unknown> {
    const { value, kept, forgotten } = await this.#run(name, parameters, signal)
    if (kept !== undefined)
      this.#remember([...this.#kept.filter((thing) => thing.method !== name || thing.key !== kept.key), { method: name, ...kept }])
    if (forgotten !== undefined) {
      const maker = makerOf(name)
      const others = this.#kept.filter((thing) => !(thing.method === maker && thing.key === forgotten))
      // The next start would offer a default again.
      const isNews = this.#options.host.defaults.get(name) === forgotten && !others.some((thing) => thing.method === name)
      this.#remember(isNews ? [...others, { method: name, key: forgotten, parameters: { name: forgotten } }] : others)
    }
    return value
  }

  /** Deletes also what is remembered and could not be made again yet. */
  async #run(name: string, parameters: unknown, signal: AbortSignal): Promise<MethodResult> {
    const { host } = this.#options
    try {
      return await methodNamed(name).run(parameters, host, signal)
    } catch (error) {
      if (!name.endsWith('.delete') || !CommandError.isCommandError(error) || error.code !== 'cli/not-found') throw error
      const absent = this.#kept.find((thing) => thing.method === makerOf(name) && isNamed(thing, parameters))
      if (absent === undefined) throw error
      return { value: await absentThing(absent, host), forgotten: absent.key }
    }
  }

  /** Makes what is remembered. @returns when each has been tried once; the rest is tried again in the background. */
  async restore(): Promise<void> {
    const failed: KeptThings = []
    const made = this.#kept.filter(({ method }) => !method.endsWith('.delete'))
    for (const thing of made) if (this.#kept.includes(thing) && !(await this.#make(thing))) failed.push(thing)
    for (const thing of failed) this.#keepTrying(thing).catch(() => undefined)
  }

  /** Tries no more. */
  stop(): void {
    this.#stopped.abort()
  }

  async #keepTrying(thing: KeptThings[number]): Promise<void> {
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(2 * waitMs, LAST_RETRY_MS)) {
      await sleep(waitMs, undefined, { signal: this.#stopped.signal })
      if (!this.#kept.includes(thing) || (await this.#make(thing))) return
    }
  }

  async #make(thing: KeptThings[number]): Promise<boolean> {
    const { method, key, parameters } = thing
    const { host, log } = this.#options
    const what = `${method.replace('.', ' ')} ${key}`
    try {
      await methodNamed(method).run(parameters, host, this.#stopped.signal)
      // Deleted while it was being made.
      if (!this.#kept.includes(thing)) {
        await methodNamed(method.replace(/\.create$/, '.delete')).run({ name: key }, host, this.#stopped.signal)
        return true
      }
      log(`${new Date().toISOString()} ${what}: made again`)
      return true
    } catch (error) {
      log(`${new Date().toISOString()} ${what}: not yet (${error instanceof Error ? error.message : String(error)})`)
      return false
    }
  }

  #remember(things: KeptThings): void {
    this.#kept = things
    this.#options.save(things)
  }
}
