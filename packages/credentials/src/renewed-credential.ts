/**
 * A source that gets a credential when it is first needed and another one before that ends: early by a third of its life, but not by more than two minutes.
 *
 * The first one is waited for, and when it cannot be had, neither can the channel. Later ones are got in the background, and again and again until it works;
 * as long as the present one holds, that is shown. Whoever is behind `fetch` is asked by one request at a time for each identity, and not again before
 * `retryMs`, however many handshakes begin, as long as there is something to show or the last request has failed.
 */

import {
  type Clock,
  type CredentialSource,
  type Diagnostics,
  type Identifier,
  OckamError,
  silentDiagnostics,
  systemClock,
  type Timer,
} from '@ockam/core'
import { type Credential, credentialHex, decodeCredential } from './credential.ts'
import { credentialsError } from './error.ts'

/** The most by which a credential is renewed early, in seconds: a minute for the other clock, and one for getting it. */
const MAX_LEAD_SECONDS = 120
/** Timers of some platforms overflow beyond 2^31-1 ms; nothing is lost by looking once a day. */
const MAX_WAIT_MS = 24 * 3600 * 1000

/**
 * Gets a credential of an own identity, CBOR or hexadecimal text, from wherever: an authority's service, a file.
 * @param signal aborts when it takes too long or the source is closed.
 */
export type FetchCredential = (of: Identifier, signal: AbortSignal) => Promise<Uint8Array | string>

export interface RenewedCredentialOptions {
  /** Default: the machine's. */
  readonly clock?: Pick<Clock, 'now' | 'schedule'>
  /** Receives `credentials/renewal-failed`, `credentials/listener-failed`. Default: nobody. */
  readonly diagnostics?: Diagnostics
  /** The most one `fetch` may take. Default 60 000. */
  readonly timeoutMs?: number
  /** How long after one `fetch` the next begins at the earliest. Default 10 000. */
  readonly retryMs?: number
}

/** @throws {OckamError} `credentials/invalid-argument` */
export function renewedCredential(fetch: FetchCredential, options: RenewedCredentialOptions = {}): RenewedCredential {
  return new RenewedCredential(fetch, options)
}

/** What is held for one own identity. */
interface Holding {
  credential?: Credential
  underWay?: Promise<Credential>
  /** When the last `fetch` ended. */
  askedAtMs?: number
  /** What the last `fetch` failed with. */
  failure?: { readonly error: unknown }
  timer?: Timer
}

export class RenewedCredential implements CredentialSource, Disposable {
  readonly #fetch: FetchCredential
  readonly #clock: Pick<Clock, 'now' | 'schedule'>
  readonly #diagnostics: Diagnostics
  readonly #timeoutMs: number
  readonly #retryMs: number
  /** By own identity. */
  readonly #held = new Map<string, Holding>()
  readonly #listeners = new Set<(of: Identifier) => void>()
  readonly #closing = new AbortController()

  /** @internal Use {@link renewedCredential}. */
  constructor(fetch: FetchCredential, options: RenewedCredentialOptions) {
    this.#fetch = fetch
    this.#clock = options.clock ?? systemClock
    this.#diagnostics = options.diagnostics ?? silentDiagnostics
    this.#timeoutMs = duration('timeoutMs', options.timeoutMs ?? 60_000)
    this.#retryMs = duration('retryMs', options.retryMs ?? 10_000)
  }

  /**
   * The present credential.
   * @throws {OckamError} what `fetch` throws when there is none that holds; `credentials/timeout`, `credentials/closed`; `credentials/invalid-credential`,
   * `credentials/wrong-subject`, `credentials/expired` when what it got is of no use.
   */
  async credentials(of: Identifier): Promise<readonly Uint8Array[]> {
    this.#checkOpen()
    const holding = this.#holdingOf(of)
    const { credential, failure, askedAtMs = Number.NEGATIVE_INFINITY } = holding
    if (credential !== undefined && this.#holds(credential)) {
      // What is due is being got in the background; whoever shakes hands does not wait for it.
      if (this.#waitMs(holding) === 0) this.#renewSoon(of, holding)
      return [new Uint8Array(credential.encoded)]
    }
    if (failure !== undefined && holding.underWay === undefined && this.#clock.now() < askedAtMs + this.#retryMs) throw failure.error
    return [new Uint8Array((await this.#renew(of, holding)).encoded)]
  }

  /**
   * Calls `listener` whenever another credential has taken the place of one: time to show it in open channels.
   * @returns what removes it again.
   */
  onRenewal(listener: (of: Identifier) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Ends all requests and timers. Idempotent. */
  close(): void {
    this.#closing.abort(credentialsError('credentials/closed', 'The source of credentials was closed.'))
    for (const { timer } of this.#held.values()) timer?.cancel()
    this.#held.clear()
    this.#listeners.clear()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #holdingOf(of: Identifier): Holding {
    const id = of.toString()
    const holding = this.#held.get(id) ?? {}
    this.#held.set(id, holding)
    return holding
  }

  /** One request at a time. */
  #renew(of: Identifier, holding: Holding): Promise<Credential> {
    holding.underWay ??= this.#get(of, holding).finally(() => {
      delete holding.underWay
      this.#schedule(of, holding)
    })
    return holding.underWay
  }

  async #get(of: Identifier, holding: Holding): Promise<Credential> {
    try {
      const credential = this.#checked(await this.#fetched(of), of)
      this.#checkOpen()
      const before = holding.credential
      holding.credential = credential
      holding.askedAtMs = this.#clock.now()
      delete holding.failure
      if (before !== undefined && credentialHex(before.encoded) !== credentialHex(credential.encoded)) this.#tell(of)
      return credential
    } catch (error) {
      holding.askedAtMs = this.#clock.now()
      holding.failure = { error }
      if (!this.#closing.signal.aborted) {
        const code = OckamError.is(error) ? error.code : undefined
        this.#diagnostics.event('credentials/renewal-failed', { identifier: of.toString(), code })
      }
      throw error
    }
  }

  #tell(of: Identifier): void {
    for (const listener of this.#listeners) {
      try {
        listener(of)
      } catch {
        // The credential is as good as it was.
        this.#diagnostics.event('credentials/listener-failed', { event: 'renewal' })
      }
    }
  }

  /** What `fetch` gets, within the time. */
  async #fetched(of: Identifier): Promise<Uint8Array | string> {
    const closing = this.#closing.signal
    const attempt = new AbortController()
    const onClose = (): void => attempt.abort(closing.reason)
    closing.addEventListener('abort', onClose)
    const timer = this.#clock.schedule(this.#timeoutMs, () =>
      attempt.abort(credentialsError('credentials/timeout', `Getting a credential of ${of} took longer than ${this.#timeoutMs} ms.`)),
    )
    const aborted = new Promise<never>((_, reject) => {
      attempt.signal.addEventListener('abort', () => reject(attempt.signal.reason as Error))
    })
    try {
      return await Promise.race([this.#fetch(of, attempt.signal), aborted])
    } finally {
      timer.cancel()
      closing.removeEventListener('abort', onClose)
    }
  }

  /** Its signature is the business of whoever it is shown to. */
  #checked(bytes: Uint8Array | string, of: Identifier): Credential {
    const credential = decodeCredential(bytes)
    const { subject } = credential.data
    if (subject === undefined || !subject.equals(of))
      throw credentialsError('credentials/wrong-subject', `The credential that was got is of ${subject ?? 'nobody'}, not of ${of}.`)
    if (!this.#holds(credential)) throw credentialsError('credentials/expired', `The credential of ${of} that was got is over.`)
    return credential
  }

  #holds({ data }: Credential): boolean {
    return this.#clock.now() < data.expiresAt * 1000
  }

  /**
   * How long until another credential is to be got; undefined as long as there is none. Not soon after the last was got or could not be: one that is due as
   * soon as it comes, because a clock is wrong or somebody gives the same again and again, would otherwise be got without a pause.
   */
  #waitMs({ credential, askedAtMs = 0 }: Holding): number | undefined {
    if (credential === undefined) return undefined
    const { createdAt, expiresAt } = credential.data
    const dueMs = 1000 * (expiresAt - Math.min(MAX_LEAD_SECONDS, (expiresAt - createdAt) / 3))
    return Math.max(0, Math.max(dueMs, askedAtMs + this.#retryMs) - this.#clock.now())
  }

  #schedule(of: Identifier, holding: Holding): void {
    holding.timer?.cancel()
    const waitMs = this.#waitMs(holding)
    if (waitMs === undefined || this.#closing.signal.aborted) return
    holding.timer = this.#clock.schedule(Math.min(waitMs, MAX_WAIT_MS), () => {
      if (this.#waitMs(holding) === 0) this.#renewSoon(of, holding)
      else this.#schedule(of, holding)
    })
  }

  #renewSoon(of: Identifier, holding: Holding): void {
    // The failure has been reported, and the next attempt is scheduled.
    this.#renew(of, holding).catch(() => undefined)
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason
  }
}

function duration(name: string, valueMs: number): number {
  if (!(valueMs >= 1 && valueMs <= MAX_WAIT_MS))
    throw credentialsError('credentials/invalid-argument', `${name} must be from 1 to ${MAX_WAIT_MS}; got ${valueMs}.`)
  return valueMs
}
