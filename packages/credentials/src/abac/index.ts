export type { AttributeReader, Attributes } from './attribute-reader.ts'
export type { BooleanExpression } from './boolean-expression.ts'
export type { Environment, EnvironmentValue } from './environment.ts'
export type { AbacErrorCode } from './error.ts'
export { evaluate, type Names, type Result } from './evaluation.ts'
export type { Expression, Value } from './expression.ts'
export { decodeExpression, encodeExpression } from './expression-codec.ts'
export { POLICY_LIMIT } from './limit.ts'
export { parseExpression } from './parser.ts'
export { openPolicies, type Policies, type Resource } from './policies.ts'
export { type PolicyOptions, policy } from './policy.ts'
export {
  decodePolicyExpression,
  encodePolicyExpression,
  expandPolicy,
  type PolicyExpression,
  parsePolicy,
  printPolicy,
} from './policy-expression.ts'
export { printExpression } from './printer.ts'
export {
  decodeResourcePolicy,
  encodeResourcePolicy,
  type ResourcePolicy,
  type ResourceType,
  type ResourceTypePolicy,
} from './resource-policy.ts'
