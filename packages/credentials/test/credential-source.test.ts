/** What our side shows: one credential, or one that is renewed in time. */

import { Identifier, OckamError } from '@ockam/core'
import { afterEach, describe, expect, test } from 'vitest'
import { credentialHex, fixedCredential, type RenewedCredential, type RenewedCredentialOptions, renewedCredential } from '../src/index.ts'
import { forgeCredential } from './forgery.ts'
import { DAY, HOUR, MINUTE, START, world } from './node-parts.ts'
import { MovableClock, settled } from './movable-clock.ts'

const other = Identifier.fromBytes(new Uint8Array(32).fill(7))
const open: RenewedCredential[] = []
afterEach(() => {
  for (const source of open.splice(0)) source.close()
})

describe('a fixed credential', () => {
  test('is shown as it is, by its own subject alone, as long as it holds', async () => {
    const there = await world()
    const { identifier } = there.subject.identity
    const credential = await forgeCredential(there)
    for (const form of [credential, credentialHex(credential)]) {
      there.clock.seconds = START
      const source = fixedCredential(form, there.clock)
      expect(await source.credentials(identifier)).toEqual([credential])
      expect(await source.credentials(other)).toEqual([])
      there.clock.seconds = START + DAY
      expect(await source.credentials(identifier)).toEqual([])
    }
  })

  test('that is none is refused at once', () => {
    expect(() => fixedCredential(Uint8Array.of(0x80))).toThrow(expect.objectContaining({ code: 'credentials/invalid-credential' }))
  })
})

/** An authority that gives a credential of an hour whenever it is asked, and a source that asks it. */
async function renewing(options: RenewedCredentialOptions = {}) {
  const there = await world()
  const clock = new MovableClock()
  const events: string[] = []
  const state = {
    asked: 0,
    lifeSeconds: HOUR,
    stoppedAt: undefined as number | undefined,
    failure: undefined as Error | undefined,
    wait: undefined as Promise<void> | undefined,
  }
  const signals: AbortSignal[] = []
  const source = renewedCredential(
    async (_, signal) => {
      state.asked++
      signals.push(signal)
      await state.wait
      if (state.failure !== undefined) throw state.failure
      const createdAt = state.stoppedAt ?? clock.now() / 1000
      return forgeCredential(there, { createdAt, expiresAt: createdAt + state.lifeSeconds })
    },
    {
      clock,
      diagnostics: { event: (name, details) => void events.push(`${name} ${String(details?.code ?? details?.event)}`) },
      ...options,
    },
  )
  open.push(source)
  const own = there.subject.identity.identifier
  const shown = () => source.credentials(own).then(([credential]) => credentialHex(credential as Uint8Array))
  return { there, clock, events, state, signals, source, own, shown }
}

const outage = new OckamError('routing/timeout', 'The authority does not answer.')

/** The signatures in an authority's node take real time, so what is begun by a timer is waited for by its effect. */
const until = (isTrue: () => boolean): Promise<void> => expect.poll(isTrue).toBe(true)

describe('a renewed credential', () => {
  test('is got once, however many ask for it, and shown to all of them', async () => {
    const { shown, state } = await renewing()
    const [first, ...others] = await Promise.all([shown(), shown(), shown()])
    expect(others).toEqual([first, first])
    expect(await shown()).toBe(first)
    expect(state.asked).toBe(1)
  })

  test('is got anew two minutes before it ends, in the background, and whoever wants to know is told', async () => {
    const { shown, state, clock, source, own } = await renewing()
    const renewals: Identifier[] = []
    const stop = source.onRenewal((of) => renewals.push(of))
    const first = await shown()
    await clock.move(HOUR - 2 * MINUTE - 1)
    expect(state.asked).toBe(1)
    await clock.move(1)
    await until(() => renewals.length === 1)
    expect(renewals).toEqual([own])
    const second = await shown()
    expect(second).not.toBe(first)
    stop()
    await clock.move(HOUR - 2 * MINUTE)
    await until(() => state.asked === 3)
    await expect.poll(shown).not.toBe(second)
    expect(renewals).toHaveLength(1)
  })

  test('of a short life is got anew when a third of it is left', async () => {
    const { shown, state, clock } = await renewing()
    state.lifeSeconds = 60
    await shown()
    await clock.move(39)
    expect(state.asked).toBe(1)
    await clock.move(1)
    expect(state.asked).toBe(2)
  })

  test('regression: that is due as soon as it comes is not got without a pause, also when it is shown whenever another one is told of', async () => {
    const { shown, state, clock, source } = await renewing()
    const own: Promise<unknown>[] = []
    source.onRenewal(() => own.push(shown()))
    await shown()
    // The authority's clock has stopped: whatever it gives, there is little left of it.
    state.stoppedAt = START
    await clock.move(HOUR - 2 * MINUTE + 60)
    await Promise.all(own)
    expect(state.asked).toBeGreaterThan(2)
    expect(state.asked).toBeLessThanOrEqual(1 + 7)
  })

  test('that is the same as the one before is no renewal', async () => {
    const { there, clock } = await renewing()
    const credential = await forgeCredential(there)
    let asked = 0
    const source = renewedCredential(
      async () => {
        asked++
        return credential
      },
      { clock },
    )
    open.push(source)
    const told: unknown[] = []
    source.onRenewal((of) => told.push(of))
    await source.credentials(there.subject.identity.identifier)
    await clock.move(DAY - 2 * MINUTE)
    await until(() => asked === 2)
    expect(told).toEqual([])
  })

  test('cannot be had: that is said, and for ten seconds nobody asks again, however many handshakes begin', async () => {
    const { shown, state, clock, events } = await renewing()
    state.failure = outage
    await expect(shown()).rejects.toBe(outage)
    for (let i = 0; i < 5; i++) await expect(shown()).rejects.toBe(outage)
    expect(state.asked).toBe(1)
    expect(events).toEqual(['credentials/renewal-failed routing/timeout'])
    await clock.move(10)
    state.failure = undefined
    await shown()
    expect(state.asked).toBe(2)
  })

  test('that cannot be renewed is shown as long as it holds, and the authority is asked every ten seconds', async () => {
    const { shown, state, clock, events } = await renewing()
    const first = await shown()
    state.failure = outage
    await clock.move(HOUR - 1)
    expect(await shown()).toBe(first)
    expect(state.asked).toBe(1 + 12)
    expect(new Set(events)).toEqual(new Set(['credentials/renewal-failed routing/timeout']))
    await clock.move(1)
    await expect(shown()).rejects.toBe(outage)
    state.failure = undefined
    await clock.move(10)
    await until(() => state.asked > 14)
    expect(await shown()).not.toBe(first)
  })

  test('that takes too long counts as one that cannot be had, and its request is called off', async () => {
    const { shown, state, clock, signals } = await renewing({ timeoutMs: 5000 })
    state.wait = new Promise(() => undefined)
    const attempt = shown()
    const refusal = attempt.then(
      () => 'shown',
      (error: { code: string }) => error.code,
    )
    await settled()
    await clock.move(5)
    expect(await refusal).toBe('credentials/timeout')
    expect(signals[0]?.aborted).toBe(true)
  })

  test('of somebody else, one that is over, or one that is none, is not shown to anybody', async () => {
    const there = await world()
    const clock = new MovableClock()
    const own = there.subject.identity.identifier
    for (const [given, code] of [
      [await forgeCredential(there, { subject: other }), 'credentials/wrong-subject'],
      [await forgeCredential(there, { subject: 'null' }), 'credentials/wrong-subject'],
      [await forgeCredential(there, { expiresAt: START }), 'credentials/expired'],
      [Uint8Array.of(0x80), 'credentials/invalid-credential'],
      [undefined as never, 'credentials/invalid-argument'],
    ] as const) {
      const source = renewedCredential(async () => given, { clock })
      open.push(source)
      await expect(source.credentials(own)).rejects.toMatchObject({ code })
    }
  })

  test('is held apart for each own identity', async () => {
    const there = await world()
    const asked: string[] = []
    const source = renewedCredential(
      async (of) => {
        asked.push(of.toString())
        return forgeCredential(there, { subject: of })
      },
      { clock: new MovableClock() },
    )
    open.push(source)
    const own = there.subject.identity.identifier
    const [mine, theirs] = [await source.credentials(own), await source.credentials(other)]
    expect(mine).not.toEqual(theirs)
    expect(asked).toEqual([own.toString(), other.toString()])
  })

  test('whose listener throws is as good as it was', async () => {
    const { shown, clock, source, events } = await renewing()
    const told: string[] = []
    source.onRenewal(() => {
      throw new Error('a listener of somebody else')
    })
    source.onRenewal((of) => told.push(of.toString()))
    await shown()
    await clock.move(HOUR - 2 * MINUTE)
    await until(() => told.length === 1)
    expect(events).toEqual(['credentials/listener-failed renewal'])
    await shown()
  })

  test('is no more after close, which ends requests and timers', async () => {
    const { shown, state, clock, source, signals } = await renewing()
    await shown()
    expect(clock.pending).toBe(1)
    const waiting = await renewing()
    waiting.state.wait = new Promise(() => undefined)
    const attempt = waiting.shown()
    const refusal = attempt.then(
      () => 'shown',
      (error: { code: string }) => error.code,
    )
    await settled()
    for (const one of [source, waiting.source]) one.close()
    expect(await refusal).toBe('credentials/closed')
    source.close()
    expect(clock.pending + waiting.clock.pending).toBe(0)
    expect(waiting.signals[0]?.aborted).toBe(true)
    expect(signals[0]?.aborted).toBe(false)
    await expect(shown()).rejects.toMatchObject({ code: 'credentials/closed' })
    expect(state.asked).toBe(1)
    expect(waiting.events).toEqual([])
  })

  test('with options that make no sense is not made', () => {
    for (const options of [{ timeoutMs: 0 }, { retryMs: -1 }, { timeoutMs: Number.NaN }, { retryMs: Number.POSITIVE_INFINITY }])
      expect(() => renewedCredential(async () => '', options)).toThrow(expect.objectContaining({ code: 'credentials/invalid-argument' }))
  })
})
