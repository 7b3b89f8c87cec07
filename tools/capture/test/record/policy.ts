/** Policies: the text a Rust node reads, the form it prints, the CBOR it makes, and what it decides. */

import { rust } from '../../../interop/test/fixture/world.ts'
import type { Recording } from './recording.ts'

const ENVIRONMENT = {
  'subject.identifier': 'Iabc',
  'subject.has_credential': true,
  'subject.role': 'sensor',
  'subject.a': 'true',
  'resource.id': 'outlet',
  'action.id': 'handle_message',
  level: 3,
  ratio: 0.5,
  allowed: ['sensor', 'gauge'],
}

const POLICIES = [
  'a',
  'a and b',
  'a or b and not c',
  '(a or b) and c',
  'notary',
  '(= subject.has_credential true)',
  '(= subject.identifier "Iabc")',
  '(and (= subject.role "sensor") (= resource.id "outlet"))',
  '(or (= subject.identifier "Iabc") (= subject.missing "x"))',
  '(or (= subject.missing "x") (= subject.identifier "Iabc"))',
  '(not (= subject.role "gauge"))',
  '(member? subject.role ["sensor" "gauge"])',
  '(member? subject.role allowed)',
  '(exists? subject.role subject.missing)',
  '(if (> level 2) (= action.id "handle_message") false)',
  '(< 1 2 level)',
  '(= 1 2 "x")',
  '(!= subject.role "gauge")',
  '(= ratio 0.5)',
  '(= "quote \\" and ü" "quote \\" and ü")',
  '(= [1 2] [1 2])',
  '(and)',
  '(or)',
  '(= -7 -7)',
  'true',
  '(= 1',
  '(unknown 1)',
]

export async function recordPolicies(): Promise<Recording> {
  const { peer } = await rust()
  const cases: object[] = []
  for (const text of POLICIES) {
    const parsed = await peer.ask('policy.parse', { text }).catch(() => undefined)
    if (parsed === undefined) {
      cases.push({ text, isRefused: true })
      continue
    }
    const { allowed, failed } = await peer.ask('policy.evaluate', { text, environment: ENVIRONMENT })
    cases.push({ text, shown: parsed.text, cbor: parsed.cbor, isAllowed: allowed, ...(failed === undefined ? {} : { isError: true }) })
  }
  return {
    file: 'packages/credentials/test/vectors/rust/policy.json',
    content:
      'Policies as text, as a Rust node shows them, in CBOR, and whether it allows what the environment of the first case describes.',
    notes: ['isError: evaluation ended with an error, which denies.'],
    cases: [{ environment: ENVIRONMENT }, ...cases],
  }
}
