/**
 * Options of the Rust command that mean nothing here, so that command lines written for it are understood. What can be left out without anybody getting
 * less than was asked for is ignored, and that is said; what cannot is refused.
 */

import type { OptionDefinition } from '../program/command.ts'

export const ignored = (flags: string, because: string, aliases: readonly string[] = []): OptionDefinition => ({
  flags,
  description: `ignored: ${because}`,
  ignoredBecause: because,
  aliases,
  isHidden: true,
})

export const refused = (flags: string, because: string, aliases: readonly string[] = []): OptionDefinition => ({
  flags,
  description: `refused: ${because}`,
  refusedBecause: because,
  aliases,
  isHidden: true,
})

/** What it asks for is done in any case. */
export const accepted = (flags: string, because: string): OptionDefinition => ({ flags, description: because, isHidden: true })

export const RETRY_OPTIONS: readonly OptionDefinition[] = [
  ignored('--retry-count <count>', 'it is tried once', ['retry']),
  ignored('--retry-delay <duration>', 'it is tried once'),
  accepted('--no-retry', 'it is tried once in any case'),
]

const NO_CREDENTIALS = 'this command knows identifiers and no credentials'

/** Whom a project and its authority vouch for. */
export const PROJECT_OPTIONS: readonly OptionDefinition[] = [
  refused('--project <name>', 'this command uses no hosted project'),
  refused('--authority-identity <history>', NO_CREDENTIALS),
  refused('--authority-route <route>', NO_CREDENTIALS),
  refused('--credential-scope <scope>', NO_CREDENTIALS),
]

export const CREDENTIAL_OPTION: OptionDefinition = refused('-c, --credential <credential>', NO_CREDENTIALS)

/** Of both ends of a portal. */
export const PORTAL_OPTIONS: readonly OptionDefinition[] = [
  refused('--privileged', 'this command carries portals as any program does, without eBPF'),
  ignored('--skip-handshake', 'the ends of a portal always greet each other'),
  ignored('--enable-nagle', 'small writes are sent at once'),
]
