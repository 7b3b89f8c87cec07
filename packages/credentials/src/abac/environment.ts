/**
 * The names of a policy: what the node says about the resource and the action, and what is attested of who asks.
 *
 * Names that mean something to the node cannot be taken by an attribute. An attribute is left out when its key is `identifier` or `has_credential`, when the
 * node says `subject.<key>` itself, and when the key without its prefix is a name that the policy has anyway (`resource.id`), as the Rust nodes leave it out.
 */

import { type Identifier, OckamError } from '@ockam/core'
import type { Attributes } from './attribute-reader.ts'
import type { Names } from './evaluation.ts'
import { isInt64, type Value } from './expression.ts'

/** A string, an integer as `bigint`, a float as `number`, a boolean, or a sequence of one type. */
export type EnvironmentValue = string | bigint | number | boolean | readonly EnvironmentValue[]

export type Environment = Readonly<Record<string, EnvironmentValue>>

const PREFIX = 'subject.'
const IDENTIFIER = 'identifier'
const HAS_CREDENTIAL = 'has_credential'
const MAX_DEPTH = 16
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A copy. @throws {OckamError} `core/invalid-argument` */
export function environmentNames(environment: Environment): ReadonlyMap<string, Value> {
  return new Map(Object.entries(environment).map(([name, value]) => [name, valueOf(name, value, 0)]))
}

function valueOf(name: string, value: EnvironmentValue, depth: number): Value {
  if (typeof value === 'string' && !/\p{Surrogate}/u.test(value)) return { kind: 'string', value }
  if (typeof value === 'bigint' && isInt64(value)) return { kind: 'integer', value }
  if (typeof value === 'number') return { kind: 'float', value }
  if (typeof value === 'boolean') return { kind: 'boolean', value }
  if (!Array.isArray(value) || depth >= MAX_DEPTH)
    throw new OckamError(
      'core/invalid-argument',
      `The environment's "${name}" is neither text, nor a number, nor a boolean, nor an array of those.`,
    )
  return { kind: 'sequence', items: value.map((item: EnvironmentValue) => valueOf(name, item, depth + 1)) }
}

/** What the environment is to one who asks. Attributes are looked at when a policy names them, not before. */
export class SubjectNames implements Names {
  readonly #environment: ReadonlyMap<string, Value>
  readonly #identifier: Identifier
  readonly #hasCredential: boolean | undefined
  readonly #attributes: Attributes | undefined

  /**
   * @param hasCredential undefined where nobody is asked about attributes: the name then has no value.
   * @param attributes of whoever has a credential.
   */
  constructor(
    environment: ReadonlyMap<string, Value>,
    identifier: Identifier,
    hasCredential: boolean | undefined,
    attributes: Attributes | undefined,
  ) {
    this.#environment = environment
    this.#identifier = identifier
    this.#hasCredential = hasCredential
    this.#attributes = attributes
  }

  get(name: string): Value | undefined {
    if (!name.startsWith(PREFIX)) return this.#environment.get(name)
    const key = name.slice(PREFIX.length)
    if (key === IDENTIFIER) return { kind: 'string', value: this.#identifier.toString() }
    if (key === HAS_CREDENTIAL) return this.#hasCredential === undefined ? undefined : { kind: 'boolean', value: this.#hasCredential }
    return this.#environment.get(name) ?? this.#attribute(key)
  }

  #attribute(key: string): Value | undefined {
    const text = this.#isTaken(key) ? undefined : this.#text(key)
    return text === undefined ? undefined : { kind: 'string', value: text }
  }

  #text(key: string): string | undefined {
    const bytes = this.#attributes?.get(key)
    if (!(bytes instanceof Uint8Array)) return undefined
    try {
      return decoder.decode(bytes)
    } catch {
      return undefined
    }
  }

  /** Keys come in the order of their bytes, and one with the prefix in it may be what an attribute before it is called in a policy. */
  #isTaken(key: string): boolean {
    if (this.#environment.has(key)) return true
    if (!key.startsWith(PREFIX)) return false
    const inner = key.slice(PREFIX.length)
    if (inner === IDENTIFIER || inner === HAS_CREDENTIAL) return true
    return inner < key && this.#text(inner) !== undefined && !this.#isTaken(inner)
  }
}
