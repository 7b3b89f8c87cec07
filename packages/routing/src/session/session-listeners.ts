/** Who is told when a session goes up or down, or moves. A listener that throws is its own problem: it must not stop the session. */
import type { Diagnostics, SessionEvents } from '@ockam/core'

type Listeners = { readonly [Name in keyof SessionEvents]: Set<(event: SessionEvents[Name]) => void> }

export class SessionListeners {
  readonly #session: string
  readonly #diagnostics: Diagnostics
  readonly #listeners: Listeners = { up: new Set(), down: new Set(), moving: new Set() }

  constructor(session: string, diagnostics: Diagnostics) {
    this.#session = session
    this.#diagnostics = diagnostics
  }

  add<Name extends keyof SessionEvents>(event: Name, listener: (event: SessionEvents[Name]) => void): () => void {
    // A wrapper of its own, so that adding a function twice and removing it once leaves one.
    const entry = (details: SessionEvents[Name]): void => listener(details)
    this.#listeners[event].add(entry)
    return () => void this.#listeners[event].delete(entry)
  }

  emit<Name extends keyof SessionEvents>(event: Name, details: SessionEvents[Name]): void {
    for (const listener of this.#listeners[event]) {
      try {
        listener(details)
      } catch {
        this.#diagnostics.event('routing/session-listener-failed', { session: this.#session, event })
      }
    }
  }

  clear(): void {
    this.#listeners.up.clear()
    this.#listeners.down.clear()
    this.#listeners.moving.clear()
  }
}
