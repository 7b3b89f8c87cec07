/**
 * The policies of a node's resources: by name, else by type, else nobody. Kept in a {@link Store} and, because messages do not wait for a store, in memory.
 *
 * | key | value |
 * |---|---|
 * | `policy/name/<resource>` | the policy of a resource, in CBOR |
 * | `policy/type/<type>` | the policy of all resources of a type without one of their own, in CBOR |
 * | `policy/defaults` | empty: the defaults were written once |
 *
 * A new store gets a policy for each type: `(= subject.has_credential true)`. One that was deleted stays deleted. A stored policy that cannot be read
 * denies: it does not make way for a more general one.
 */

import { type AccessControl, OckamError, type Store, type StoreStep } from '@ockam/core'
import { abacError } from './error.ts'
import type { Expression } from './expression.ts'
import { parseExpression } from './parser.ts'
import { ownPolicy, PolicyJudge, type PolicyOptions } from './policy.ts'
import { expandPolicy, type PolicyExpression } from './policy-expression.ts'
import {
  decodeResourcePolicy,
  encodeResourcePolicy,
  HANDLE_MESSAGE,
  isResourceName,
  isResourceType,
  RESOURCE_TYPES,
  type ResourcePolicy,
  type ResourceType,
  type ResourceTypePolicy,
} from './resource-policy.ts'

const PREFIX = 'policy/'
const NAME = 'policy/name/'
const TYPE = 'policy/type/'
const DEFAULTS = `${PREFIX}defaults`
const DEFAULT_EXPRESSION = '(= subject.has_credential true)'
/** Evaluates to no boolean, and so denies. */
const DENY: Expression = { kind: 'list', items: [] }
const MAX_POLICIES = 10_000

export interface Resource {
  /** 1 to 256 characters. */
  readonly name: string
  readonly type: ResourceType
}

/** @throws {OckamError} what the store throws; `credentials/policy-too-large` when it holds more than 10 000 policies. */
export async function openPolicies(store: Store): Promise<Policies> {
  const expression = parseExpression(DEFAULT_EXPRESSION)
  const defaults = RESOURCE_TYPES.flatMap((type): readonly StoreStep[] => {
    const key = `${TYPE}${type}`
    return [
      { kind: 'check', key, value: undefined },
      { kind: 'set', key, value: encodeResourcePolicy({ type, expression }) },
    ]
  })
  // Once, and never over what is there: whoever deleted or changed one meant it. Of two nodes that open a new store at once one writes them.
  await store.batch([
    { kind: 'check', key: DEFAULTS, value: undefined },
    { kind: 'set', key: DEFAULTS, value: new Uint8Array(0) },
    ...defaults,
  ])
  const stored = new Map<string, Expression>()
  for await (const { key, value } of store.scan(PREFIX)) {
    if (key === DEFAULTS) continue
    if (stored.size === MAX_POLICIES) throw tooMany()
    stored.set(key, storedExpression(key, value))
  }
  return new Policies(store, stored)
}

function storedExpression(key: string, value: Uint8Array): Expression {
  try {
    const policy = decodeResourcePolicy(value)
    return key === ('name' in policy ? `${NAME}${policy.name}` : `${TYPE}${policy.type}`) ? policy.expression : DENY
  } catch {
    return DENY
  }
}

const tooMany = (): Error => abacError('credentials/policy-too-large', `A node has at most ${MAX_POLICIES} policies.`)

export class Policies {
  readonly #store: Store
  readonly #expressions: Map<string, Expression>
  /** Changes come one after another, so that store and memory see them in the same order. */
  #changes: Promise<unknown> = Promise.resolve()

  constructor(store: Store, expressions: Map<string, Expression>) {
    this.#store = store
    this.#expressions = expressions
  }

  /**
   * Of one resource, whatever its type; replaces the one it has. Holds from the moment the promise resolves, for access controls already made as well.
   * @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large`, `core/invalid-argument`, what the store throws
   */
  async setForName(name: string, expression: string | PolicyExpression): Promise<void> {
    const key = nameKey(name)
    await this.#set(key, { name, expression: expandPolicy(ownPolicy(expression)) })
  }

  /** Of all resources of a type that have none of their own. @throws {OckamError} as {@link setForName} */
  async setForType(type: ResourceType, expression: string | PolicyExpression): Promise<void> {
    const key = typeKey(type)
    await this.#set(key, { type, expression: expandPolicy(ownPolicy(expression)) })
  }

  /** From then on that of its type holds. @returns whether there was one. */
  async deleteForName(name: string): Promise<boolean> {
    return this.#delete(nameKey(name))
  }

  /** From then on nobody may use resources of the type that have none of their own. @returns whether there was one. */
  async deleteForType(type: ResourceType): Promise<boolean> {
    return this.#delete(typeKey(type))
  }

  /** Ordered by name, or by type. */
  list(): { readonly names: readonly ResourcePolicy[]; readonly types: readonly ResourceTypePolicy[] } {
    const all = [...this.#expressions].sort(([left], [right]) => (left < right ? -1 : 1))
    const below = (prefix: string): (readonly [string, Expression])[] =>
      all.flatMap(([key, expression]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), expression] as const] : []))
    return {
      names: below(NAME).map(([name, expression]) => ({ name, expression })),
      types: below(TYPE).flatMap(([type, expression]) => (isResourceType(type) ? [{ type, expression }] : [])),
    }
  }

  /** What is evaluated for a resource now; undefined: nothing, and everybody is denied. */
  expressionFor({ name, type }: Resource): Expression | undefined {
    return this.#expressions.get(nameKey(name)) ?? this.#expressions.get(typeKey(type))
  }

  /**
   * Asks the policy the resource has at the moment of a message. `resource.id` and `action.id` are names in it.
   * @throws {OckamError} `core/invalid-argument`
   */
  accessControl(resource: Resource, options: PolicyOptions = {}): AccessControl {
    const { name, type } = resource
    const keys = [nameKey(name), typeKey(type)] as const
    const environment = { ...options.environment, 'resource.id': name, 'action.id': HANDLE_MESSAGE }
    const judge = new PolicyJudge({ ...options, environment })
    const policyNow = (): Expression | undefined => this.#expressions.get(keys[0]) ?? this.#expressions.get(keys[1])
    return { description: `policy of ${type} ${name}`, isAllowed: (message) => judge.isAllowed(message, policyNow) }
  }

  #set(key: string, policy: ResourcePolicy | ResourceTypePolicy): Promise<void> {
    const encoded = encodeResourcePolicy(policy)
    return this.#change(async () => {
      if (!this.#expressions.has(key) && this.#expressions.size >= MAX_POLICIES) throw tooMany()
      await this.#store.set(key, encoded)
      this.#expressions.set(key, policy.expression)
    })
  }

  #delete(key: string): Promise<boolean> {
    return this.#change(async () => {
      const wasThere = await this.#store.delete(key)
      this.#expressions.delete(key)
      return wasThere
    })
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(change)
    this.#changes = done.catch(() => undefined)
    return done
  }
}

function nameKey(name: string): string {
  if (!isResourceName(name))
    throw new OckamError('core/invalid-argument', 'A resource has a name of 1 to 256 characters, none of them for control.')
  return `${NAME}${name}`
}

function typeKey(type: ResourceType): string {
  if (!isResourceType(type)) throw new OckamError('core/invalid-argument', `A resource is of a type: ${RESOURCE_TYPES.join(', ')}.`)
  return `${TYPE}${type}`
}
