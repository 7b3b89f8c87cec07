/** A name that may stand as the argument or behind an option, as other programs have either. */

import { usageError } from '../error.ts'
import type { Input } from '../program/input.ts'

/** @throws {CommandError} `cli/usage` when both are given and differ. */
export function oneName(input: Input, option: string): string | undefined {
  const [argument, text] = [input.argument(0), input.text(option)]
  if (argument !== undefined && text !== undefined && argument !== text)
    throw usageError(`"${argument}" and --${option} "${text}" are two names for one thing.`, 'Give one of them.')
  return argument ?? text
}
