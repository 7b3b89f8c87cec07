import { expect, test } from 'vitest'
import { printDiagnostics } from '../src/index.ts'

test('diagnostics are printed one line an event, and text of peers cannot look like anything else', () => {
  const lines: string[] = []
  const diagnostics = printDiagnostics((line) => lines.push(line))
  diagnostics.event('router/message-dropped', { reason: 'denied', count: 3, remote: '/ip4/127.0.0.1/tcp/1', missing: undefined })
  diagnostics.event('relay/refused', { relay: 'x\n2026 fake/event a=b', isFull: true })
  expect(lines[0]).toMatch(/^\d{4}-\S+Z router\/message-dropped reason=denied count=3 remote=\/ip4\/127\.0\.0\.1\/tcp\/1$/)
  expect(lines[1]).toMatch(/ relay\/refused relay="x\\n2026 fake\/event a=b" isFull=true$/)
  expect(lines).toHaveLength(2)
})
