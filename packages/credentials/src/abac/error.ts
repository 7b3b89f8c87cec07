import { OckamError } from '@ockam/core'

/** Codes thrown by `@ockam/credentials/abac`. */
export type AbacErrorCode =
  /** The text or bytes are not a policy. */
  | 'credentials/invalid-policy'
  /** A policy, or the work of evaluating it, is over a limit. */
  | 'credentials/policy-too-large'
  /** An expression has no value: a name is unbound, or an operation cannot be applied. Whoever asked is denied. */
  | 'credentials/evaluation-failed'

export function abacError(code: AbacErrorCode, message: string, cause?: unknown): OckamError<AbacErrorCode> {
  return new OckamError(code, message, cause === undefined ? undefined : { cause })
}
