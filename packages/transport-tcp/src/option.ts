/**
 * Options of the TCP transport: their defaults, and the check that they make sense. Limits exist so that no peer can make this process hold
 * more memory, sockets or time than its owner allowed.
 */

import { OckamError, type TransportErrorCode } from '@ockam/core'

const MIB = 1024 * 1024

/** The largest frame that Rust nodes send or accept, in bytes behind the length. */
const MAX_MESSAGE_BYTES = 16 * MIB

export interface TcpOptions {
  /** Longest message, encoded, that is sent or accepted. Default and maximum 16 MiB; a lower limit also refuses honest peers that send more. */
  readonly maxMessageBytes?: number
  /** Most memory that unfinished frames of all connections of this transport may hold together. Default 64 MiB. */
  readonly maxPartialBytes?: number
  /** Bytes waiting to be sent on one connection from which `send` asks to wait. Default 512 KiB. */
  readonly pressureBytes?: number
  /** Bytes waiting to be sent at which a connection whose sender did not wait is cut. Default 64 MiB. */
  readonly maxUnsentBytes?: number
  /** Most connections that one listener holds at a time. Default 4096. */
  readonly maxConnections?: number
  /** How long the other side may take for its version byte. Default 10 000. */
  readonly versionTimeoutMs?: number
  /** An unfinished frame must grow by this many bytes, or be finished, in every interval. Default 1024. */
  readonly minProgressBytes?: number
  /** Default 30 000. */
  readonly progressIntervalMs?: number
  /**
   * A connection is cut when bytes wait to be sent and the operating system has taken none of them for so long, since the other side reads nothing.
   * Progress restarts it. 0 turns it off. Default 120 000.
   */
  readonly stallTimeoutMs?: number
  /** A connection on which nothing is sent or received for this long is closed. Default 0: never. */
  readonly idleTimeoutMs?: number
  /** Idle time before TCP keep-alive probes. 0 turns them off. Default 300 000. */
  readonly keepAliveMs?: number
  /** How long `close` waits for the other side to take what was sent before it cuts the connection. Default 5000. */
  readonly closeTimeoutMs?: number
  /** True when open sockets alone must not keep the process alive. Default false. */
  readonly isBackground?: boolean
}

export type ResolvedTcpOptions = Required<TcpOptions>

/** @throws {OckamError} `transport/invalid-argument` naming the option. */
export function resolveTcpOptions(options: TcpOptions): ResolvedTcpOptions {
  const maxMessageBytes = integer('maxMessageBytes', options.maxMessageBytes, MAX_MESSAGE_BYTES, 64, MAX_MESSAGE_BYTES)
  const pressureBytes = integer('pressureBytes', options.pressureBytes, 512 * 1024, 1, 1024 * MIB)
  return {
    maxMessageBytes,
    maxPartialBytes: integer('maxPartialBytes', options.maxPartialBytes, 64 * MIB, maxMessageBytes, Number.MAX_SAFE_INTEGER),
    pressureBytes,
    maxUnsentBytes: integer('maxUnsentBytes', options.maxUnsentBytes, 64 * MIB, maxMessageBytes + pressureBytes, Number.MAX_SAFE_INTEGER),
    maxConnections: integer('maxConnections', options.maxConnections, 4096, 1, 1_000_000),
    versionTimeoutMs: integer('versionTimeoutMs', options.versionTimeoutMs, 10_000, 1, MAX_TIMER_MS),
    minProgressBytes: integer('minProgressBytes', options.minProgressBytes, 1024, 1, MAX_MESSAGE_BYTES),
    progressIntervalMs: integer('progressIntervalMs', options.progressIntervalMs, 30_000, 1, MAX_TIMER_MS),
    stallTimeoutMs: integer('stallTimeoutMs', options.stallTimeoutMs, 120_000, 0, MAX_TIMER_MS),
    idleTimeoutMs: integer('idleTimeoutMs', options.idleTimeoutMs, 0, 0, MAX_TIMER_MS),
    keepAliveMs: integer('keepAliveMs', options.keepAliveMs, 300_000, 0, MAX_TIMER_MS),
    closeTimeoutMs: integer('closeTimeoutMs', options.closeTimeoutMs, 5_000, 1, MAX_TIMER_MS),
    isBackground: options.isBackground ?? false,
  }
}

/** Timers of JavaScript count in 32 bits with a sign. */
export const MAX_TIMER_MS = 0x7fff_ffff

/** @throws {OckamError} `transport/invalid-argument` */
export function integer(name: string, value: number | undefined, preset: number, least: number, most: number): number {
  if (value === undefined) return preset
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OckamError<TransportErrorCode>(
      'transport/invalid-argument',
      `tcp(): ${name} is an integer from ${least} to ${most}; got ${value}.`,
    )
  }
  return value
}
