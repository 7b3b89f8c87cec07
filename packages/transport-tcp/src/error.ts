/**
 * What the operating system says, as errors for people. Every code thrown here is one of core's `TransportErrorCode`.
 */

import { OckamError, type TransportErrorCode } from '@ockam/core'

export type TcpErrorCode = TransportErrorCode

/** The operating system's own name for what went wrong, `ECONNREFUSED`, or undefined. */
export function systemCode(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

const CONNECT_HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there. Is the other node running, and is this its port?',
  ENOTFOUND: 'there is no such host name. Check the spelling and the name server.',
  EAI_AGAIN: 'the name server did not answer. Check the network and try again.',
  EHOSTUNREACH: 'the host cannot be reached. Check the network, the address and firewalls.',
  ENETUNREACH: 'the network cannot be reached. Check that this machine is connected.',
  ETIMEDOUT: 'the host did not answer. Check the address and firewalls.',
  ECONNRESET: 'the other side cut the connection while it was being made. Try again.',
  EMFILE: 'this process has too many open files. Close some, or raise the limit.',
  EADDRNOTAVAIL: 'this machine has no local address or port left for it.',
}

export function connectFailed(target: string, cause: unknown): OckamError<TcpErrorCode> {
  const code = systemCode(cause)
  const hint = (code !== undefined && CONNECT_HINTS[code]) || 'the operating system refused.'
  return new OckamError('transport/connect-failed', `Cannot connect to ${target}: ${hint}${suffix(code)}`, { cause })
}

const LISTEN_HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there already. Choose another port, or 0 for any.',
  EADDRNOTAVAIL: 'this machine does not have that address. Choose one of its own, or 127.0.0.1.',
  EACCES: 'this user may not use that port. Choose one above 1023.',
  ENOTFOUND: 'there is no such host name.',
}

export function listenFailed(target: string, cause: unknown): OckamError<TcpErrorCode> {
  const code = systemCode(cause)
  const hint = (code !== undefined && LISTEN_HINTS[code]) || 'the operating system refused.'
  return new OckamError('transport/listen-failed', `Cannot listen on ${target}: ${hint}${suffix(code)}`, { cause })
}

export function closedError(what: string): OckamError<TcpErrorCode> {
  return new OckamError('transport/closed', `${what}: the TCP transport of this node was closed.`)
}

function suffix(code: string | undefined): string {
  return code === undefined ? '' : ` (${code})`
}
