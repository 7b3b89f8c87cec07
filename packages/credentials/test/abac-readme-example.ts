import { type AttributeReader, evaluate, parseExpression, policy } from '../src/abac/index.ts'

// What one authority attests of an identity; here the same of everybody. In earnest: credentials.attributes.attestedBy(authority).
const attributes: AttributeReader = { attributes: () => new Map([['role', new TextEncoder().encode('sensor')]]) }

// For `incoming` of a worker, or `allow` of an outlet.
const sensors = policy('role=sensor or role="line lead"', { attributes })
const ground = policy('(and (= subject.role "sensor") (< floor 2))', { attributes, environment: { floor: 0n } })
console.log(sensors.description, ground.description) // policy role=sensor or role="line lead" policy (and (= subject.role "sensor") (< floor 2))

// To try one without a node.
console.log(evaluate(parseExpression('(< 3 level 9)'), new Map([['level', { kind: 'integer', value: 7n }]]))) // { kind: 'boolean', value: true }
