/** What is compared of policies: reading and writing them in text and in CBOR, and what they evaluate to. */

import * as ours from './our-policy.ts'
import { evaluation, expressionBytes, expressionText, policyBytes, policyText } from './policy-generator.ts'
import * as rust from './rust-answer.ts'

export const policyKinds = [
  { name: 'expression', perRound: 2000, generate: expressionBytes, decode: ours.decodeExpression, answer: rust.asExpression },
  { name: 'policy', perRound: 2000, generate: policyBytes, decode: ours.decodePolicy, answer: rust.asExpression },
  { name: 'printed-policy', perRound: 2000, generate: policyBytes, decode: ours.printDecodedPolicy, answer: rust.asText },
  { name: 'expression-text', perRound: 4000, generate: expressionText, decode: ours.parseExpressionText, answer: rust.asExpression },
  { name: 'policy-text', perRound: 4000, generate: policyText, decode: ours.parsePolicyText, answer: rust.asExpression },
  { name: 'evaluation', perRound: 3000, generate: evaluation, decode: ours.evaluateItem, answer: rust.asExpression },
]
