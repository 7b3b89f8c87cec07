/** What to do next when a route leads nowhere: follow it. A node, or a package below, does not know how the route was written; the command does. */

import { CommandError } from '../error.ts'
import { explain, TRACE_ROUTE } from '../program/explain.ts'

/** What a command went along, and as whom: a trace with another identity would be another question. */
export interface Traced {
  /** As it was written. */
  readonly route: string
  /** The node it began at. */
  readonly from?: string | undefined
  readonly identity?: string | undefined
  readonly authorized: readonly string[]
}

/** Waits for what is done with a route; a failure's hint to trace a route then has the whole command in it. */
export async function withTraceHint<T>(traced: Traced, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const { code, message, hint } = explain(error)
    if (hint?.includes(TRACE_ROUTE) !== true) throw error
    throw new CommandError(code, message, { hint: hint.replace(TRACE_ROUTE, () => traceCommand(traced)), cause: error })
  }
}

/** As it can be pasted into a shell. */
export function traceCommand({ route, from, identity, authorized }: Traced): string {
  const options = [['--from', from], ['--identity', identity], ...authorized.map((one) => ['--authorized', one])]
  const words = options.flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
  return ['ockam', 'route', 'trace', route, ...words].map((word) => quoted(word as string)).join(' ')
}

const quoted = (text: string): string => (/^[\w/.:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`)
