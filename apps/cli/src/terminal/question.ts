/** Questions to a person. Nobody is asked where nobody can answer: then `--yes` has to be written. */

import { CommandError, usageError } from '../error.ts'
import type { Shell } from '../program/shell.ts'

/**
 * @returns whether to go on.
 * @throws {CommandError} `cli/usage` where no question can be asked.
 */
export async function confirmed(shell: Shell, isYes: boolean, question: string): Promise<boolean> {
  if (isYes) return true
  if (!shell.isInteractive) throw usageError(`${question} There is nobody to ask here.`, 'Add --yes to go on without a question.')
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({ message: question, initialValue: false, output: process.stderr, signal: shell.signal })
  return !isCancel(answer) && answer
}

/** @throws {CommandError} `cli/refused` when the person gives none. */
export const askPassphraseOf = (vault: string): Promise<string> => askSecret(vault, `Passphrase of vault "${vault}"`)

/** Twice, because nobody sees what is typed. @throws {CommandError} `cli/refused` when the person gives none, or two. */
export async function askNewPassphraseOf(vault: string): Promise<string> {
  const first = await askSecret(vault, `New passphrase of vault "${vault}"`)
  if ((await askSecret(vault, 'Once more')) === first) return first
  throw new CommandError('cli/refused', 'The two passphrases differ.')
}

async function askSecret(vault: string, message: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  const answer = await password({ message, output: process.stderr })
  if (!isCancel(answer) && answer !== undefined && answer !== '') return answer
  throw new CommandError('cli/refused', `Vault "${vault}" stays closed without its passphrase.`)
}
