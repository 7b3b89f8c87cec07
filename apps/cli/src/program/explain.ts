/** Turns whatever was thrown into a failure a person can act on: a code that decides the exit code, a sentence, and a hint where there is one to give. */

import { OckamError } from '@ockam/core'
import { type CliErrorCode, CommandError } from '../error.ts'

interface Explanation {
  readonly code: CliErrorCode
  readonly hint?: string
}

const WRONG_ARGUMENT: Explanation = { code: 'cli/usage' }
/** Stands in hints where a command knows the route: see `command/trace-hint.ts`. */
export const TRACE_ROUTE = 'ockam route trace <route>'
const CHECK_WAY = `See how far it gets: ${TRACE_ROUTE}`

/** Codes of the packages below that mean more to a shell than "failed". */
const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  'core/invalid-address': { code: 'cli/usage' },
  'core/invalid-identifier': { code: 'cli/usage', hint: 'Identifiers are printed by: ockam identity show <name>' },
  'core/invalid-multiaddr': {
    code: 'cli/usage',
    hint: 'Write routes like /node/n1/service/echo or /ip4/127.0.0.1/tcp/4000/secure/api/service/outlet',
  },
  'core/invalid-route': { code: 'cli/usage' },
  'identity/conflicting-history': { code: 'cli/refused' },
  'identity/invalid-history': { code: 'cli/refused' },
  'identity/invalid-signature': { code: 'cli/refused' },
  'identity/older-history': { code: 'cli/refused' },
  'identity/unexpected-identifier': { code: 'cli/refused' },
  'identity/name-in-use': { code: 'cli/conflict' },
  'identity/unknown-identity': { code: 'cli/not-found', hint: 'See which there are: ockam identity list' },
  'node/timeout': { code: 'cli/timeout', hint: CHECK_WAY },
  'portals/listen-failed': { code: 'cli/conflict', hint: 'Choose another port, or 0 for any that is free.' },
  'routing/address-in-use': { code: 'cli/conflict', hint: 'Choose another address, or delete what has it.' },
  'routing/timeout': { code: 'cli/timeout', hint: CHECK_WAY },
  'routing/unknown-address': { code: 'cli/not-found', hint: 'See which addresses there are: ockam worker list' },
  'secure-channel/invalid-identity': { code: 'cli/refused' },
  'secure-channel/unreachable': { code: 'cli/failed', hint: CHECK_WAY },
  'secure-channel/timeout': { code: 'cli/timeout', hint: `A peer that refuses says nothing. ${CHECK_WAY}` },
  'secure-channel/untrusted-peer': { code: 'cli/refused', hint: 'Say whom to trust with --authorized <identifier>.' },
  'store/locked': { code: 'cli/conflict' },
  'transport/connect-failed': { code: 'cli/failed', hint: 'Check address and port, and that the node there listens: ockam node list' },
  'transport/listen-failed': { code: 'cli/conflict', hint: 'Choose another port, or 0 for any that is free.' },
  'transport/timeout': { code: 'cli/timeout' },
  'vault/unlock-failed': { code: 'cli/refused', hint: 'Check the passphrase or key file of the vault.' },
}

/** Never throws. */
export function explain(error: unknown): CommandError {
  if (CommandError.isCommandError(error)) return error
  if (OckamError.is(error)) {
    const known = EXPLANATIONS[error.code] ?? (error.code.endsWith('/invalid-argument') ? WRONG_ARGUMENT : undefined)
    return new CommandError(known?.code ?? 'cli/failed', error.message, { hint: known?.hint, cause: error })
  }
  const message = error instanceof Error ? error.message : String(error)
  return new CommandError('cli/failed', message === '' ? 'It failed without a reason.' : message, { cause: error })
}
