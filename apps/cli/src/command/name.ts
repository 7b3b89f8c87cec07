/** Names people give to things on their machine. They become names of folders. */

import { randomBytes } from 'node:crypto'
import { conflictError, usageError } from '../error.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

/** @throws {CommandError} `cli/usage` for a name that cannot be one, `cli/conflict` for one that is taken. */
export function checkedName(kind: string, name: string, taken: readonly string[]): string {
  if (!NAME.test(name)) {
    throw usageError(
      `"${name}" cannot be the name of a ${kind}.`,
      'Use 1 to 64 letters, digits, - and _, beginning with a letter or digit.',
    )
  }
  if (taken.includes(name))
    throw conflictError(`A ${kind} "${name}" exists already.`, `Choose another name, or delete it: ockam ${kind} delete ${name}`)
  return name
}

/** `default` when it is free, otherwise eight random hexadecimal digits. */
export function freeName(taken: readonly string[]): string {
  return taken.includes('default') ? randomName() : 'default'
}

export const randomName = (): string => randomBytes(4).toString('hex')
