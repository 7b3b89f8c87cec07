/** Standard input, as far as commands read it. */

import type { Readable } from 'node:stream'

const MAX_LINE = 64 * 1024

/** The first line that is not empty, without waiting for the rest; undefined when there is none, or nobody is piping anything. */
export async function firstLineOf(input: Readable & { readonly isTTY?: boolean }): Promise<string | undefined> {
  if (input.isTTY === true) return undefined
  let text = ''
  for await (const chunk of input) {
    text += String(chunk)
    const line = text.split('\n').slice(0, -1).find(isFilled)
    if (line !== undefined) return line
    if (text.length > MAX_LINE) return undefined
  }
  return text.split('\n').find(isFilled)
}

const isFilled = (line: string): boolean => line.trim() !== ''
