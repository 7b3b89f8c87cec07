/** The listeners of a channel's events. One that throws is its own problem: it must not stop the channel. */

import type { Diagnostics } from '@ockam/core'
import type { ChannelEvent } from './secure-channel.ts'

export class EventListeners {
  readonly #diagnostics: Diagnostics
  readonly #listeners = new Map<ChannelEvent, Set<() => void>>()

  constructor(diagnostics: Diagnostics) {
    this.#diagnostics = diagnostics
  }

  add(event: ChannelEvent, listener: () => void): () => void {
    let listeners = this.#listeners.get(event)
    if (listeners === undefined) {
      listeners = new Set()
      this.#listeners.set(event, listeners)
    }
    // A wrapper of its own, so that adding a function twice and removing it once leaves one.
    const entry = (): void => listener()
    listeners.add(entry)
    return () => listeners.delete(entry)
  }

  emit(event: ChannelEvent): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        listener()
      } catch {
        this.#diagnostics.event('secure-channel/listener-failed', { event })
      }
    }
  }
}
