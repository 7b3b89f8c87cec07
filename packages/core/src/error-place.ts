/**
 * Where in the program an error was made, for diagnostics that must leave out messages of errors which are not ours: those may quote what they failed
 * on, as those of `JSON.parse` do.
 */

/** `receive (file:///…/tcp-connection.js:101:7)`: the first place in the error's stack. Undefined when it has none. */
export function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.stack === undefined) return undefined
  // The message comes first in a stack, and could itself hold a line that looks like a place.
  const behindMessage = error.stack.indexOf(error.message) + error.message.length
  // Built-in functions have no place of their own: the first line with one is where the program called them.
  return /^\s*at (.{1,200}:\d+:\d+\)?)$/m.exec(error.stack.slice(behindMessage))?.[1]
}
