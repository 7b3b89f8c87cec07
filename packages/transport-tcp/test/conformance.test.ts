import { transportConformance } from '@ockam/conformance'
import { describe, test } from 'vitest'
import { tcp } from '../src/index.ts'

describe('TCP keeps the promises of a transport', () => {
  for (const check of transportConformance({ factory: tcp(), listenAt: '/ip4/127.0.0.1/tcp/0' })) test(check.name, check.run)
})
