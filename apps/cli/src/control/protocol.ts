/**
 * The private interface between the command and its background nodes, version 1. It lives on a Unix socket in the node's own folder (0700) and nowhere
 * else; it may change with every release, which is why both sides say their version.
 *
 *     request  { version: 1, method: 'relay.create', parameters: {…} }
 *     answer   { version: 1, result: … }  or  { version: 1, error: { code, message, hint? } }
 */

import { CommandError, EXIT_CODES, type CliErrorCode } from '../error.ts'

export const CONTROL_VERSION = 1

export interface ControlRequest {
  readonly version: number
  readonly method: string
  readonly parameters: unknown
}

export type ControlAnswer =
  | { readonly version: number; readonly result: unknown }
  | { readonly version: number; readonly error: { readonly code: string; readonly message: string; readonly hint?: string } }

/** @throws {CommandError} `cli/failed` for what is no request, `cli/version-mismatch`. */
export function checkRequest(value: unknown): ControlRequest {
  checkVersion(value, 'The command')
  const { method, parameters } = value as { method?: unknown; parameters?: unknown }
  if (typeof method !== 'string' || method.length > 64) throw notUnderstood()
  return { version: CONTROL_VERSION, method, parameters }
}

/** The result. @throws {CommandError} the node's failure, as if it had happened here; `cli/version-mismatch`. */
export function resultOf(value: unknown): unknown {
  checkVersion(value, 'The node')
  if (typeof value === 'object' && value !== null && 'result' in value) return value.result
  const { error } = value as { error?: { code?: unknown; message?: unknown; hint?: unknown } }
  if (typeof error?.message !== 'string' || typeof error.code !== 'string') throw notUnderstood()
  const code = Object.hasOwn(EXIT_CODES, error.code) ? (error.code as CliErrorCode) : 'cli/failed'
  throw new CommandError(code, error.message, { hint: typeof error.hint === 'string' ? error.hint : undefined })
}

function checkVersion(value: unknown, who: string): void {
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (version === CONTROL_VERSION) return
  if (typeof version !== 'number') throw notUnderstood()
  throw new CommandError(
    'cli/version-mismatch',
    `${who} speaks version ${version} of the private interface, this side ${CONTROL_VERSION}.`,
    {
      hint: 'Stop the node and start it again with the command you have now: ockam node stop, then ockam node start.',
    },
  )
}

function notUnderstood(): CommandError {
  return new CommandError('cli/failed', 'What arrived on the control socket is not a message of the private interface.')
}
