import { memoryStore } from '@ockam/core'
import { describe, it } from 'vitest'
import { storeConformance } from '../src/index.ts'

describe('the store in memory', () => {
  for (const check of storeConformance({ create: () => memoryStore() })) it(check.name, check.run)
})
