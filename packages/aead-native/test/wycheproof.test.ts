/** Project Wycheproof (C2SP, Apache-2.0) on the addon, read from the folder that OCKAM_EXTERNAL_VECTORS names. No verdict deviates. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type AddonKey, DONE, FORGED } from '../src/addon.ts'
import { isBuilt, open } from './addon.ts'

interface VectorGroup {
  readonly keySize: number
  readonly ivSize: number
  readonly tagSize: number
  readonly tests: readonly (Readonly<Record<string, string>> & { readonly result: 'valid' | 'invalid' })[]
}

const folder = process.env['OCKAM_EXTERNAL_VECTORS']
const hasVectors = folder !== undefined && existsSync(join(folder, 'wycheproof'))

function groups(file: string): readonly VectorGroup[] {
  return (JSON.parse(readFileSync(join(folder as string, 'wycheproof', file), 'utf8')) as { testGroups: VectorGroup[] }).testGroups
}

const hex = (text = '') => Uint8Array.from(Buffer.from(text, 'hex'))

describe.skipIf(!isBuilt)('Wycheproof', () => {
  if (!hasVectors) {
    console.log('Wycheproof: skipped, OCKAM_EXTERNAL_VECTORS names no folder with wycheproof vectors')
    test('the folder that OCKAM_EXTERNAL_VECTORS names has the vectors, where nothing may be skipped', () => {
      expect(folder !== undefined && process.env['OCKAM_TEST_REQUIRE'] === 'all').toBe(false)
    })
    return
  }
  for (const [index, file] of ['aes_gcm_test.json', 'chacha20_poly1305_test.json'].entries()) {
    test(`${file}: every case with a 256-bit key, 96-bit nonce and 128-bit tag`, () => {
      const addon = open()
      let count = 0
      for (const { keySize, ivSize, tagSize, tests } of groups(file)) {
        if (keySize !== 256 || ivSize !== 96 || tagSize !== 128) continue
        for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
          count++
          const used = addon.create(hex(key), index) as AddonKey
          const sealed = Uint8Array.of(...hex(ct), ...hex(tag))
          const buffer = sealed.slice()
          const isValid = result === 'valid'
          expect(addon.withNonce(used, buffer, hex(iv), hex(aad), false), `case ${tcId}`).toBe(isValid ? DONE : FORGED)
          const text = buffer.subarray(0, buffer.length - 16)
          expect(text, `case ${tcId}`).toEqual(isValid ? hex(msg) : new Uint8Array(text.length))
          addon.destroy(used)
          if (!isValid) continue
          // With a key that has not opened anything yet, too.
          const fresh = addon.create(hex(key), index) as AddonKey
          expect(addon.withNonce(fresh, buffer, hex(iv), hex(aad), true), `case ${tcId}`).toBe(DONE)
          expect(buffer, `case ${tcId}`).toEqual(sealed)
        }
      }
      expect(count).toBeGreaterThan(60)
    })
  }

  test('takes no nonce of another length, and no buffer without room for a tag', () => {
    const addon = open()
    const key = addon.create(new Uint8Array(32), 0) as AddonKey
    const none = new Uint8Array()
    for (const length of [0, 8, 11, 13, 16]) {
      const buffer = new Uint8Array(40).fill(1)
      expect(addon.withNonce(key, buffer, new Uint8Array(length), none, true)).toBe(2)
      expect(buffer).toEqual(new Uint8Array(40).fill(1))
    }
    expect(addon.withNonce(key, new Uint8Array(15), new Uint8Array(12), none, true)).toBe(2)
  })
})
