/** A method of the private interface: what it takes, checked before anything happens, what it does, and what of that outlives the process. */

import * as z from 'zod'
import { usageError } from '../../error.ts'
import type { Host } from '../host.ts'

/** Something that is made again when the node starts the next time. */
export interface KeptThing {
  /** Among all that the same method makes. */
  readonly key: string
  /** With which the method makes it again. */
  readonly parameters: unknown
}

export interface MethodResult {
  readonly value: unknown
  readonly kept?: KeptThing | undefined
  /** Key of what has been deleted. */
  readonly forgotten?: string | undefined
}

export interface Method {
  /** @throws {CommandError} `cli/usage` for parameters that do not fit. */
  run(parameters: unknown, host: Host, signal: AbortSignal): Promise<MethodResult>
}

export interface MethodTraits<Parameters, Result> {
  /** For methods that make something; undefined for what ends with the process. */
  readonly kept?: (parameters: Parameters, result: Result) => KeptThing | undefined
  /** For methods that delete something. */
  readonly forgotten?: (result: Result) => string
}

/** @param handle what it returns is sent as JSON. */
export function method<Schema extends z.ZodType, Result>(
  schema: Schema,
  handle: (parameters: z.output<Schema>, host: Host, signal: AbortSignal) => Result | Promise<Result>,
  traits: MethodTraits<z.output<Schema>, Result> = {},
): Method {
  return {
    async run(given, host, signal) {
      const { success, data, error } = schema.safeParse(given)
      if (!success) throw usageError(`These parameters are not acceptable: ${z.prettifyError(error).replaceAll('\n', '; ')}`)
      const value = await handle(data, host, signal)
      return { value, kept: traits.kept?.(data, value), forgotten: traits.forgotten?.(value) }
    },
  }
}

export const nothing: z.ZodType = z.strictObject({})
export const text: z.ZodString = z.string().min(1).max(4096)
export const identifiers = z.array(text).max(1000).readonly().default([])
export const timeoutMs = z.number().int().min(1).max(2_147_483_647).optional()
/** An object with the name of the thing meant. */
export const named = z.strictObject({ name: text })
