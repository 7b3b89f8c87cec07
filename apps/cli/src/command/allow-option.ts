/**
 * `--allow`: who may use one end of a portal. Identifiers, or the policy expression that says the same. Other expressions speak of credentials, which
 * this command does not know, and are refused rather than ignored.
 */

import { usageError } from '../error.ts'
import type { OptionDefinition } from '../program/command.ts'

const IDENTIFIER = /^I[0-9a-fA-F]{64}$/
const EXPRESSION = /^\(\s*=\s+subject\.identifier\s+"(I[0-9a-fA-F]{64})"\s*\)$/

export const allowOption = (what: string): OptionDefinition => ({
  flags: '--allow <identifier>',
  description: `${what} this identifier, or (= subject.identifier "I…"); may be given several times`,
  aliases: ['expression'],
  isMany: true,
})

/** @throws {CommandError} `cli/usage` */
export function allowedIdentifiers(given: readonly string[]): readonly string[] {
  return given.map((text) => {
    const identifier = IDENTIFIER.test(text) ? text : EXPRESSION.exec(text)?.[1]
    if (identifier !== undefined) return identifier
    throw usageError(
      `"${text}" is no rule this command understands.`,
      'Give an identifier, or (= subject.identifier "I…"). See: ockam identity show',
    )
  })
}
