import { expect, test } from 'vitest'
import { LimitedEvent } from '../../src/service/limited-event.ts'
import { ManualClock } from '../fixture/manual-clock.ts'
import { RecordingDiagnostics } from '../fixture/recording-diagnostics.ts'

test('An event that others cause is told once a second for each reason, with how often it happened since.', () => {
  const [clock, diagnostics] = [new ManualClock(), new RecordingDiagnostics()]
  const event = new LimitedEvent<'a' | 'b'>('area/what', { clock, diagnostics })
  for (let i = 0; i < 5; i++) event.count('a', { relay: `n${i}` })
  event.count('b')
  clock.advance(999)
  event.count('a')
  clock.advance(1)
  event.count('a', { relay: 'last' })
  clock.advance(1000)
  event.count('a')
  expect(diagnostics.named('area/what')).toEqual([
    { reason: 'a', count: 1, relay: 'n0' },
    { reason: 'b', count: 1 },
    { reason: 'a', count: 6, relay: 'last' },
    { reason: 'a', count: 1 },
  ])
})
