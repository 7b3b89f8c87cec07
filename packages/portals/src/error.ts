/** Codes thrown by this package; each stands in `docs/errors.md` with what to do about it. */

import { OckamError, type OckamErrorOptions } from '@ockam/core'

export type PortalErrorCode =
  /** An argument has the wrong type or range. */
  | 'portals/invalid-argument'
  /** An outlet was given no rule about who may use it. */
  | 'portals/no-rule'
  /** The inlet's address cannot be listened on. */
  | 'portals/listen-failed'
  /** The inlet's address to the outlet cannot be used as it is written. */
  | 'portals/not-an-outlet'

export function portalError(code: PortalErrorCode, message: string, options?: OckamErrorOptions): OckamError<PortalErrorCode> {
  return new OckamError(code, message, options)
}

/** The operating system's own name for what went wrong, `ECONNREFUSED`, or undefined. */
export function systemCode(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
