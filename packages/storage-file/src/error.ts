/**
 * The errors of this package. Every code is core's `StoreErrorCode`; what the medium said is kept as the local `cause`.
 */

import { OckamError, type StoreErrorCode } from '@ockam/core'

/** An error with one of the codes that every store throws. */
export function storeError(code: StoreErrorCode, message: string, cause?: unknown): OckamError<StoreErrorCode> {
  return new OckamError(code, message, cause === undefined ? undefined : { cause })
}

/** What the operating system called it (`ENOSPC`), or the message of anything else. For messages and diagnostics. */
export function reasonOf(error: unknown): string {
  const code = systemCode(error)
  if (code !== undefined) return code
  return error instanceof Error ? error.message : String(error)
}

/** The operating system's error code, if it is an error of the operating system. */
export function systemCode(error: unknown): string | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}
