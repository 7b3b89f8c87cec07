import { describe, expect, test } from 'vitest'
import { placeOf } from '../src/index.ts'

const thrownBy = (task: () => unknown): unknown => {
  try {
    return task()
  } catch (error) {
    return error
  }
}

describe('the place of an error', () => {
  test('is where the program failed, also when a built-in function threw', () => {
    for (const error of [
      new Error('mine'),
      thrownBy(() => new DataView(new ArrayBuffer(1)).getInt32(0)),
      thrownBy(() => JSON.parse('{')),
    ]) {
      expect(placeOf(error)).toMatch(/error-place\.test\.ts:\d+:\d+\)?$/)
    }
  })

  test('is never taken from its message, which may quote what somebody sent', () => {
    const error = new Error('not this\n    at secret (secret.ts:1:1)')
    expect(placeOf(error)).toMatch(/error-place\.test\.ts:\d+:\d+\)?$/)
  })

  test('is unknown where there is none', () => {
    const bare = new Error('bare')
    delete bare.stack
    for (const value of [bare, 'text', undefined, { stack: 'at x (y.ts:1:1)' }]) expect(placeOf(value)).toBeUndefined()
  })
})
