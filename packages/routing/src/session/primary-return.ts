/**
 * The way back from a fallback: from time to time the primary way is opened beside it, and is taken only when it has answered several pings in a row
 * and lost none of its ground meanwhile. A primary that comes and goes thus never takes anybody along.
 */
import { dropPressure, type NodeServices } from '@ockam/core'
import { randomFraction } from './backoff.ts'
import type { CheckedSessionOptions } from './checked-session-options.ts'
import { type OpenWay, unlessAborted, type Way } from './open-way.ts'
import { Pause } from './pause.ts'

export class PrimaryReturn {
  /** Resolves with the primary way, open and proven; never when there is none to go back to, or after {@link stop}. */
  readonly returned: Promise<{ readonly open: OpenWay }>
  readonly #abort = new AbortController()
  readonly #search: Promise<OpenWay | undefined>

  /** @param primary undefined when the primary way is in use, or not to be gone back to. */
  constructor(services: NodeServices, way: Way, primary: CheckedSessionOptions['primary'], onFailed: (error: unknown) => void) {
    let found: (open: { readonly open: OpenWay }) => void = () => undefined
    this.returned = new Promise((resolve) => {
      found = resolve
    })
    this.#search = primary === undefined ? Promise.resolve(undefined) : this.#look(services, way, primary, onFailed)
    const tell = (open: OpenWay | undefined): void => {
      if (open !== undefined) found({ open })
    }
    dropPressure(this.#search.then(tell))
  }

  /** Ends the search. @returns what it had found already: the caller's to close. */
  stop(): Promise<OpenWay | undefined> {
    this.#abort.abort()
    return this.#search
  }

  async #look(
    { clock, random }: NodeServices,
    way: Way,
    { retryMs, answers }: NonNullable<CheckedSessionOptions['primary']>,
    onFailed: (error: unknown) => void,
  ): Promise<OpenWay | undefined> {
    const { signal } = this.#abort
    for (;;) {
      const pause = new Pause(clock, retryMs * (1 + randomFraction(random) / 4), true)
      try {
        await unlessAborted(pause.over, signal)
        return await proven(way, answers, signal)
      } catch (error) {
        if (signal.aborted) return undefined
        onFailed(error)
      } finally {
        pause.end()
      }
    }
  }
}

async function proven(way: Way, answers: number, signal: AbortSignal): Promise<OpenWay> {
  const open = await way.open(signal)
  try {
    const lost = open.lost.then((error) => {
      throw error
    })
    await unlessAborted(Promise.race([open.hasAnswered(answers), lost]), signal)
    return open
  } catch (error) {
    dropPressure(open.close())
    throw error
  }
}
