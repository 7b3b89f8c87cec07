/** Whom to trust at the other end of a channel. Nobody written means everyone who proves an identity, as the Rust command has it, and is said aloud. */

import type { OptionDefinition } from '../program/command.ts'
import type { Shell } from '../program/shell.ts'

export const authorizedOption = (who: string): OptionDefinition => ({
  flags: '-a, --authorized <identifier>',
  description: `trust only ${who} with this identifier; may be given several times`,
  isMany: true,
})

export const identityOption: OptionDefinition = {
  flags: '--identity <name>',
  description: 'own identity to speak as',
  fallback: "the node's identity",
}

/** One line when nobody is named. @param what the sentence's subject: `the channel to /node/b/service/api`. */
export function sayWhoIsTrusted({ terminal }: Shell, authorized: readonly string[], what: string): void {
  if (authorized.length === 0) terminal.warn(`${what} trusts anyone who proves an identity; name whom to trust with --authorized.`)
}
