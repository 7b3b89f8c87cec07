/**
 * How long the things that commands ask of a node take at most, unless the command line says otherwise, in milliseconds. Help, the node, and whoever
 * waits for the node read the same numbers.
 */

export const MESSAGE_MS = 10_000
export const CONNECTION_MS = 15_000
/** Registering with a relay over plain TCP. */
export const RELAY_MS = 30_000
/** A peer of another make may fetch a credential before it answers, and take that long for it. */
export const CHANNEL_MS = 120_000
/** Each part of a trace: what it opens, and each answer. */
export const TRACE_MS = 5000
/** How often a trace asks each node. */
export const PROBES = 3
/** The most a trace of so many parts can take. */
export const longestTraceMs = (parts: number, timeoutMs: number): number => (parts + 1) * (1 + PROBES) * timeoutMs
/** How long creating an inlet waits for its way; the inlet is there in any case. */
export const INLET_WAIT_MS = 5000
