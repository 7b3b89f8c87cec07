/**
 * How a link treats what crosses it, and the rules that say so for each pair of nodes. Rules may change while messages cross.
 */

import { OckamError, type TransportErrorCode } from '@ockam/core'

/** What is left out keeps its value. Rates are shares of messages, 0 to 1. */
export interface LinkSettings {
  /** Time a message takes. Default 0: the next turn of the event loop. */
  readonly delayMs?: number
  /** Up to this much more, different for each message; order is kept. Default 0. */
  readonly jitterMs?: number
  /** Messages that vanish. Default 0. */
  readonly lossRate?: number
  /** Messages that arrive twice. Default 0. */
  readonly duplicateRate?: number
  /** Messages that are held back, so that later ones overtake them. Default 0. */
  readonly reorderRate?: number
  /** How long they are held back at most. Default 10. */
  readonly reorderMs?: number
  /** True: nothing crosses and nobody learns of it; what is under way still arrives. Default false. */
  readonly isPartitioned?: boolean
  /** Longest encoded message. Default 16 MiB. */
  readonly maxMessageBytes?: number
  /** What happens to longer ones: `send` throws, or they vanish. Default `refuse`. */
  readonly overLimit?: 'refuse' | 'drop'
}

/** For which links a rule is: what is left out fits all. Names are those given to `transport(name)`. */
export interface LinkFilter {
  readonly from?: string
  readonly to?: string
}

export type ResolvedLinkSettings = Required<LinkSettings>

const PRESET: ResolvedLinkSettings = {
  delayMs: 0,
  jitterMs: 0,
  lossRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
  reorderMs: 10,
  isPartitioned: false,
  maxMessageBytes: 16 * 1024 * 1024,
  overLimit: 'refuse',
}

interface Rule {
  readonly filter: LinkFilter
  readonly settings: LinkSettings
}

/** The rules of one network, in the order they were made; a later one wins. */
export class LinkRules {
  #rules: Rule[] = []
  readonly #resolved = new Map<string, ResolvedLinkSettings>()

  /** @throws {OckamError} `transport/invalid-argument` */
  add(settings: LinkSettings, filter: LinkFilter): void {
    check(settings)
    // What a rule for the same links says again is forgotten, so that a test may change its links for ever.
    const earlier = this.#rules.map((rule) => (isSame(rule.filter, filter) ? { filter, settings: without(rule.settings, settings) } : rule))
    this.#rules = [...earlier.filter((rule) => Object.keys(rule.settings).length > 0), { filter, settings }]
    this.#resolved.clear()
  }

  for(from: string, to: string): ResolvedLinkSettings {
    const key = JSON.stringify([from, to])
    let resolved = this.#resolved.get(key)
    if (resolved === undefined) {
      resolved = PRESET
      for (const { filter, settings } of this.#rules)
        if ((filter.from ?? from) === from && (filter.to ?? to) === to) resolved = { ...resolved, ...settings }
      this.#resolved.set(key, resolved)
    }
    return resolved
  }
}

function isSame(one: LinkFilter, other: LinkFilter): boolean {
  return one.from === other.from && one.to === other.to
}

function without(settings: LinkSettings, again: LinkSettings): LinkSettings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !(name in again)))
}

function check(settings: LinkSettings): void {
  for (const name of ['lossRate', 'duplicateRate', 'reorderRate'] as const) range(name, settings[name], 1)
  for (const name of ['delayMs', 'jitterMs', 'reorderMs'] as const) range(name, settings[name], 0x7fff_ffff)
  range('maxMessageBytes', settings.maxMessageBytes, Number.MAX_SAFE_INTEGER)
}

function range(name: string, value: number | undefined, most: number): void {
  if (value === undefined || (value >= 0 && value <= most)) return
  throw new OckamError<TransportErrorCode>('transport/invalid-argument', `The ${name} of a link is from 0 to ${most}; got ${value}.`)
}
