/**
 * The conformance kit of transports: every promise of core's `Transport`, `Connection`, `TransportListener` and `TransportServices` as a check.
 *
 * Not here: a transport's wire format and its own limits; those are its own tests.
 */

import type { ConformanceCheck } from '../check.ts'
import { closingChecks } from './closing-check.ts'
import { messageChecks } from './message-check.ts'
import { openingChecks } from './opening-check.ts'
import { pressureChecks } from './pressure-check.ts'
import { type TransportConformanceOptions, TransportFixture } from './transport-fixture.ts'

/**
 * The checks for one transport, to run in any test runner:
 * `for (const check of transportConformance({ factory: quic(), listenAt: '/ip4/127.0.0.1/quic/0' })) test(check.name, check.run)`.
 */
export function transportConformance(options: TransportConformanceOptions): readonly ConformanceCheck[] {
  const fixture = new TransportFixture(options)
  return [...openingChecks(fixture), ...messageChecks(fixture), ...pressureChecks(fixture), ...closingChecks(fixture)]
}
