/** Names of things, where the user gave none, and what may be the name of a node. */

import { randomBytes } from 'node:crypto'
import { usageError } from '../error.ts'

/** No dots: what has one is a configuration. */
const NODE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/

/** @throws {CommandError} `cli/usage` */
export function checkedNodeName(name: string): string {
  if (NODE_NAME.test(name)) return name
  throw usageError(`"${name}" is not a possible node name.`, 'Use 1 to 64 letters, digits, - and _.')
}

/** `default` when it is free, otherwise eight random hexadecimal digits. */
export function freeName(taken: readonly string[]): string {
  return taken.includes('default') ? randomName() : 'default'
}

export const randomName = (): string => randomBytes(4).toString('hex')
