/** Limits of inlets and outlets: their defaults, and the check that they make sense. */

import { INITIAL_WINDOW } from './credit.ts'
import { portalError } from './error.ts'
import type { StreamSettings } from './portal-stream.ts'

export interface PortalOptions {
  /** Connections at a time; further ones are refused. Default 1024. */
  readonly maxConnections?: number
  /**
   * Bytes held for one client, or one target, that does not read. Default 1 MiB; at least 512 KiB. Together with `maxConnections` this bounds the memory that
   * standing clients cost.
   */
  readonly windowBytes?: number
  /**
   * Bytes under way to the node at the other end, of all connections that go there through the same channel: what was sent and is not known to have
   * come. Default 1 MiB, which is what a relay holds for one destination before it makes others wait; at least 128 KiB. More makes single
   * connections quicker over long distances: no more than this moves in the time that a message needs for the way there and back.
   */
  readonly maxInFlightBytes?: number
  /** With inlets and outlets of other makes, which know no credit: unwritten bytes from which the sender has to wait. Default 512 KiB. */
  readonly maxQueuedBytes?: number
  /** With those: how long a client may take nothing while the sender, and whoever shares its channel, waits. Then the connection ends. Default 20 000. */
  readonly stallTimeoutMs?: number
  /** How long a client may take nothing of what is left for it after the other side has gone. Default 60 000. */
  readonly lingerTimeoutMs?: number
  /**
   * Idle time before TCP keep-alive probes to the client, or to the target; and before the other end of the portal, if it is one of ours, is asked whether
   * it is still there. A connection with an end of another make that was idle for so long makes room when its peer is at the limit of an outlet. 0: none
   * of that. Default 300 000.
   */
  readonly keepAliveMs?: number
  /** False: behaves like an end of another make, without credit and half-close. Default true. */
  readonly isExtended?: boolean
}

export interface PortalSettings extends StreamSettings {
  readonly maxConnections: number
  readonly keepAliveMs: number
  readonly isExtended: boolean
}

const MAX_TIMER_MS = 0x7fff_ffff
const MAX_BYTES = 0x3fff_ffff

/** @throws {OckamError} `portals/invalid-argument` naming the option. */
export function portalSettings(of: string, options: PortalOptions): PortalSettings {
  return {
    maxConnections: integer(of, 'maxConnections', options.maxConnections, 1024, 1, 1_000_000),
    windowBytes: integer(of, 'windowBytes', options.windowBytes, 1024 * 1024, 2 * INITIAL_WINDOW, MAX_BYTES),
    maxInFlightBytes: integer(of, 'maxInFlightBytes', options.maxInFlightBytes, 1024 * 1024, 128 * 1024, MAX_BYTES),
    maxQueuedBytes: integer(of, 'maxQueuedBytes', options.maxQueuedBytes, 512 * 1024, 1, MAX_BYTES),
    stallTimeoutMs: integer(of, 'stallTimeoutMs', options.stallTimeoutMs, 20_000, 1, MAX_TIMER_MS),
    lingerTimeoutMs: integer(of, 'lingerTimeoutMs', options.lingerTimeoutMs, 60_000, 1, MAX_TIMER_MS),
    keepAliveMs: integer(of, 'keepAliveMs', options.keepAliveMs, 300_000, 0, MAX_TIMER_MS),
    isExtended: options.isExtended ?? true,
  }
}

/** A time limit. @throws {OckamError} `portals/invalid-argument` */
export function timeLimit(of: string, name: string, value: number | undefined, preset: number): number {
  return integer(of, name, value, preset, 1, MAX_TIMER_MS)
}

/** @throws {OckamError} `portals/invalid-argument` */
export function integer(of: string, name: string, value: number | undefined, preset: number, least: number, most: number): number {
  if (value === undefined) return preset
  if (!Number.isInteger(value) || value < least || value > most) {
    throw portalError('portals/invalid-argument', `${of}: ${name} is a whole number from ${least} to ${most}; got ${value}.`)
  }
  return value
}
