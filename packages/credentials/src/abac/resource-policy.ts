/**
 * A policy of a resource, by its name or for all of its type, in CBOR as the Rust nodes send it: `{1: name or type, 2: action, 3: expression}`.
 */

import { abacError } from './error.ts'
import type { Expression } from './expression.ts'
import { decodePolicy, encodePolicy, readExpression, writeExpression } from './expression-codec.ts'

/** In the order of their numbers in CBOR, which begin with 1. */
export const RESOURCE_TYPES = ['tcp-inlet', 'tcp-outlet', 'echoer', 'kafka-consumer', 'kafka-producer', 'relay', 'lessor'] as const

export type ResourceType = (typeof RESOURCE_TYPES)[number]

/** The only action there is: number 1 in CBOR. */
export const HANDLE_MESSAGE: 'handle_message' = 'handle_message'
const HANDLE_MESSAGE_NUMBER = 1

export interface ResourcePolicy {
  /** 1 to 256 characters. */
  readonly name: string
  readonly expression: Expression
}

export interface ResourceTypePolicy {
  readonly type: ResourceType
  readonly expression: Expression
}

const SUBJECT = 1
const ACTION = 2
const EXPRESSION = 3
const NAME = /^[^\p{Cc}\p{Cs}]{1,256}$/u

/** Whether `name` may be a resource's. */
export const isResourceName = (name: unknown): name is string => typeof name === 'string' && NAME.test(name)

export const isResourceType = (type: unknown): type is ResourceType => RESOURCE_TYPES.includes(type as ResourceType)

/** @throws {OckamError} `credentials/invalid-policy`, `credentials/policy-too-large` */
export function encodeResourcePolicy(policy: ResourcePolicy | ResourceTypePolicy): Uint8Array<ArrayBuffer> {
  return encodePolicy((writer, parts) => {
    writer.map(3).uint(SUBJECT)
    if ('name' in policy) writer.text(policy.name)
    else writer.uint(RESOURCE_TYPES.indexOf(policy.type) + 1)
    writer.uint(ACTION).uint(HANDLE_MESSAGE_NUMBER).uint(EXPRESSION)
    writeExpression(writer, policy.expression, parts, 0)
  })
}

/** @throws {OckamError} `credentials/invalid-policy`, also for unknown types and actions, `credentials/policy-too-large` */
export function decodeResourcePolicy(bytes: Uint8Array): ResourcePolicy | ResourceTypePolicy {
  return decodePolicy(bytes, (reader, parts) => {
    let subject: { readonly name: string } | { readonly type: ResourceType } | undefined
    let action: number | undefined
    let expression: Expression | undefined
    reader.beginMap()
    for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
      if (key === SUBJECT) subject = reader.peek() === 'text' ? { name: checkedName(reader.text()) } : { type: typeOf(reader.uint()) }
      else if (key === ACTION) action = reader.uint()
      else if (key === EXPRESSION) expression = readExpression(reader, parts, 0)
      else reader.skip()
    }
    reader.end()
    if (subject === undefined || action !== HANDLE_MESSAGE_NUMBER || expression === undefined)
      throw abacError('credentials/invalid-policy', 'A policy of a resource lacks its resource, its action or its expression.')
    return { ...subject, expression }
  })
}

function checkedName(name: string): string {
  if (isResourceName(name)) return name
  throw abacError('credentials/invalid-policy', 'The name of a resource has 1 to 256 characters, none of them for control.')
}

function typeOf(number: number): ResourceType {
  const type = RESOURCE_TYPES[number - 1]
  if (type === undefined) throw abacError('credentials/invalid-policy', `Nothing is known of resources of type ${number}.`)
  return type
}
