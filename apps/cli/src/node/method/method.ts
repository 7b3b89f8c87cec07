/** A method of the private interface: what it takes, checked before anything happens, and what it does. */

import * as z from 'zod'
import { usageError } from '../../error.ts'
import type { Host } from '../host.ts'

export interface Method {
  /** @throws {CommandError} `cli/usage` for parameters that do not fit. */
  run(parameters: unknown, host: Host, signal: AbortSignal): Promise<unknown>
}

/** @param handle what it returns is sent as JSON. */
export function method<Schema extends z.ZodType>(
  schema: Schema,
  handle: (parameters: z.output<Schema>, host: Host, signal: AbortSignal) => unknown,
): Method {
  return {
    async run(parameters, host, signal) {
      const { success, data, error } = schema.safeParse(parameters)
      if (!success) throw usageError(`These parameters are not acceptable: ${z.prettifyError(error).replaceAll('\n', '; ')}`)
      return handle(data, host, signal)
    },
  }
}

export const nothing = z.strictObject({})
export const text = z.string().min(1).max(4096)
export const identifiers = z.array(text).max(1000).readonly().default([])
export const timeoutMs = z.number().int().min(1).max(2_147_483_647).optional()
/** An object with the name of the thing meant. */
export const named = z.strictObject({ name: text })
