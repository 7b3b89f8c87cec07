/** Those who wait for a session to be up. */
import type { Clock, RequestOptions, ResolvedRoute } from '@ockam/core'
import { Deadline } from '../deadline.ts'
import { routingError } from '../error.ts'

const DEFAULT_TIMEOUT_MS = 30_000

interface Waiter {
  resolve(route: ResolvedRoute): void
  reject(reason: unknown): void
}

export class UpWaiters {
  readonly #waiters = new Set<Waiter>()

  /** @param session for the error of those who waited in vain. */
  wait(session: string, clock: Clock, options: RequestOptions): Promise<ResolvedRoute> {
    return new Promise((resolve, reject) => {
      let deadline: Deadline | undefined
      const end = (): void => {
        deadline?.cancel()
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        resolve: (route) => {
          end()
          resolve(route)
        },
        reject: (reason) => {
          end()
          reject(reason)
        },
      }
      this.#waiters.add(waiter)
      const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
      const late = (): void =>
        waiter.reject(routingError('routing/timeout', `The session "${session}" was not up within ${timeoutMs} ms. Its events say why.`))
      try {
        deadline = new Deadline(clock, options, DEFAULT_TIMEOUT_MS, late, (reason) => waiter.reject(reason))
      } catch (error) {
        waiter.reject(error)
      }
    })
  }

  resolve(route: ResolvedRoute): void {
    for (const waiter of this.#waiters) waiter.resolve(route)
  }

  reject(reason: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(reason)
  }
}
