/** What was typed, already split by the parser: arguments by position, options by name. Values are checked here, so that messages are alike. */

import { usageError } from '../error.ts'

/** Values as the parser hands them over. */
export type OptionValues = Readonly<Record<string, unknown>>

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const MAX_DURATION_MS = 2_147_483_647

export class Input {
  readonly #arguments: readonly (string | readonly string[] | undefined)[]
  readonly #options: OptionValues

  constructor(values: readonly (string | readonly string[] | undefined)[], options: OptionValues) {
    this.#arguments = values
    this.#options = options
  }

  argument(index: number): string | undefined {
    const value = this.#arguments[index]
    return typeof value === 'string' ? value : undefined
  }

  /** The argument of a parameter that `isRequired`: the parser has made sure that it is there. */
  required(index: number): string {
    return this.argument(index) ?? ''
  }

  /** @param name without dashes: `tcp-listener-address`. */
  flag(name: string): boolean {
    return this.#options[camelCase(name)] === true
  }

  /** Whether `--no-<name>` was written. */
  isOff(name: string): boolean {
    return this.#options[camelCase(name)] === false
  }

  text(name: string): string | undefined {
    const value = this.#options[camelCase(name)]
    return typeof value === 'string' ? value : undefined
  }

  /** @throws {CommandError} `cli/usage` */
  requiredText(name: string): string {
    const value = this.text(name)
    if (value === undefined || value === '') throw usageError(`--${name} is missing.`, 'Run the command with --help to see an example.')
    return value
  }

  list(name: string): readonly string[] {
    const value = this.#options[camelCase(name)]
    return Array.isArray(value) ? (value as string[]) : typeof value === 'string' ? [value] : []
  }

  /** @throws {CommandError} `cli/usage` */
  port(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (/^\d{1,5}$/.test(value) && Number(value) <= 0xffff) return Number(value)
    throw usageError(`--${name} takes a port from 0 to 65535; got "${value}".`)
  }

  /** A whole number above 0. @throws {CommandError} `cli/usage` */
  count(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (/^[1-9]\d{0,8}$/.test(value)) return Number(value)
    throw usageError(`--${name} takes a whole number above 0; got "${value}".`)
  }

  /** A number of seconds, or a number with a unit: `5`, `500ms`, `20s`, `2m`. @throws {CommandError} `cli/usage` */
  durationMs(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const duration = parseDurationMs(value)
    if (duration === undefined) throw usageError(`--${name} takes a time such as 5s, 500ms or 2m; got "${value}".`)
    return duration
  }
}

/** @returns undefined for what is no duration above zero, or is more than 24 days. */
function parseDurationMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim())
  if (match === null) return undefined
  const duration = Math.round(Number(match[1]) * (UNITS[match[2] ?? 's'] ?? 1000))
  return duration > 0 && duration <= MAX_DURATION_MS ? duration : undefined
}

const camelCase = (name: string): string => name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
