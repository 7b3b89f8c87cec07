/**
 * Access control by policy: a message comes in when the policy is true for the identity at the other end of the channel it came through. Whatever else
 * happens is a denial: no channel, no attributes, a name without value, a value that is no boolean, a limit, an error.
 */

import {
  type AccessControl,
  type Diagnostics,
  type Identifier,
  type LocalMessage,
  OckamError,
  peerOf,
  silentDiagnostics,
} from '@ockam/core'
import { AccessDenial } from './access-denial.ts'
import type { AttributeReader, Attributes } from './attribute-reader.ts'
import { type Environment, environmentNames, SubjectNames } from './environment.ts'
import { evaluate } from './evaluation.ts'
import { type Expression, kindName, type Value } from './expression.ts'
import {
  decodePolicyExpression,
  encodePolicyExpression,
  expandPolicy,
  parsePolicy,
  type PolicyExpression,
  printPolicy,
} from './policy-expression.ts'

const MAX_DESCRIPTION = 200

export interface PolicyOptions {
  /** What one authority attests. Without it `subject.has_credential` and attributes have no value. */
  readonly attributes?: AttributeReader
  /** What the node says: `resource.id`, `action.id`, names of your own. Default: nothing. */
  readonly environment?: Environment
  /** Told of denials. Default: nobody. */
  readonly diagnostics?: Diagnostics
}

/**
 * For `incoming` of a worker, and wherever else an access control is asked for.
 * @param expression its text, in either form, or what {@link parsePolicy} made of it.
 * @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large`, `core/invalid-argument`
 */
export function policy(expression: string | PolicyExpression, options: PolicyOptions = {}): AccessControl {
  const own = ownPolicy(expression)
  const expanded = expandPolicy(own)
  const policyNow = (): Expression => expanded
  const judge = new PolicyJudge(options)
  return { description: descriptionOf(own), isAllowed: (message) => judge.isAllowed(message, policyNow) }
}

/** One line, and not a long one: it comes with every event about a refused message. */
function descriptionOf(own: PolicyExpression): string {
  const printed = printPolicy(own).replace(/\p{Cc}/gu, ' ')
  return `policy ${printed.length > MAX_DESCRIPTION ? `${printed.slice(0, MAX_DESCRIPTION)}…` : printed}`
}

/** One that nobody else can change, and of which every part has been checked. */
export function ownPolicy(expression: string | PolicyExpression): PolicyExpression {
  return typeof expression === 'string' ? parsePolicy(expression) : decodePolicyExpression(encodePolicyExpression(expression))
}

export class PolicyJudge {
  readonly #attributes: AttributeReader | undefined
  readonly #environment: ReadonlyMap<string, Value>
  readonly #denial: AccessDenial

  /** @throws {OckamError} `core/invalid-argument` */
  constructor({ attributes, environment = {}, diagnostics = silentDiagnostics }: PolicyOptions) {
    if (attributes !== undefined && typeof attributes.attributes !== 'function')
      throw new OckamError('core/invalid-argument', '"attributes" is an attribute reader, with attributes(identifier).')
    this.#attributes = attributes
    this.#environment = environmentNames(environment)
    const resource = this.#environment.get('resource.id')
    this.#denial = new AccessDenial(diagnostics, resource?.kind === 'string' ? resource.value : undefined)
  }

  /** @param policyNow the policy of this moment; undefined denies. */
  isAllowed(message: LocalMessage, policyNow: () => Expression | undefined): boolean | Promise<boolean> {
    const peer = peerOf(message)?.identifier
    if (peer === undefined) return this.#denial.report('no-identity')
    if (policyNow() === undefined) return this.#denial.report('no-policy', peer)
    if (this.#attributes === undefined) return this.#verdict(policyNow(), peer, undefined, undefined)
    try {
      const attributes = this.#attributes.attributes(peer)
      if (!isPromise(attributes)) return this.#attested(policyNow(), peer, attributes)
      return Promise.resolve(attributes).then(
        (later) => this.#attested(policyNow(), peer, later),
        () => this.#denial.report('no-attributes', peer),
      )
    } catch {
      return this.#denial.report('no-attributes', peer)
    }
  }

  /** A reader without types may answer anything: only a map is a credential, and only `undefined` says that there is none. */
  #attested(expression: Expression | undefined, peer: Identifier, attributes: Attributes | undefined): boolean {
    if (attributes === undefined) return this.#verdict(expression, peer, false, undefined)
    if (!(attributes instanceof Map)) return this.#denial.report('no-attributes', peer)
    return this.#verdict(expression, peer, true, attributes)
  }

  #verdict(
    expression: Expression | undefined,
    peer: Identifier,
    hasCredential: boolean | undefined,
    attributes: Attributes | undefined,
  ): boolean {
    if (expression === undefined) return this.#denial.report('no-policy', peer)
    try {
      const result = evaluate(expression, new SubjectNames(this.#environment, peer, hasCredential, attributes))
      if (result.kind !== 'boolean') return this.#denial.report('no-verdict', peer, `The policy yields ${kindName(result)}.`)
      return result.value || this.#denial.report('not-allowed', peer)
    } catch (error) {
      return this.#denial.report('no-verdict', peer, OckamError.is(error) ? error.message : undefined)
    }
  }
}

function isPromise(value: Attributes | undefined | Promise<Attributes | undefined>): value is Promise<Attributes | undefined> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
}
