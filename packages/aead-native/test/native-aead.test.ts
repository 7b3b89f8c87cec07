/** Where the accelerator cannot be used it says why, and nothing half-right is ever used. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import type { AeadKey, BatchAeadKey } from '@ockam/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Addon, DONE, loadAddon } from '../src/addon.ts'
import { findNativeAead, type NativeAead, nativeAead } from '../src/index.ts'
import { aeadOf, requireSameAsNode, tryToLoad } from '../src/native-aead.ts'
import { isBuilt, open, secret } from './addon.ts'

const unsupported = (message: RegExp) => expect.objectContaining({ code: 'vault/unsupported', message: expect.stringMatching(message) })

describe('without an addon that can be loaded', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ockam-aead-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  const load = () => loadAddon(pathToFileURL(`${folder}/`))

  test('it is said for which platform there is none', () => {
    expect(tryToLoad(load)).toEqual(unsupported(new RegExp(`not built for ${process.platform} on ${process.arch}`)))
  })

  test('what is no addon is not one', async () => {
    await mkdir(join(folder, `${process.platform}-${process.arch}`))
    await writeFile(join(folder, `${process.platform}-${process.arch}`, 'aead.node'), 'not a library')
    expect(tryToLoad(load)).toEqual(unsupported(/cannot be used here: .*aead\.node/))
  })

  test('a program that lacks what it needs is told so', async () => {
    await mkdir(join(folder, `${process.platform}-${process.arch}`))
    const file = join(folder, `${process.platform}-${process.arch}`, 'aead.node')
    await writeFile(file, '')
    const require = createRequire(import.meta.url)
    // What the file of the addon exports in such a program.
    require.cache[file] = { exports: { missing: 'EVP_CIPHER_fetch' }, loaded: true } as NodeJS.Module
    expect(tryToLoad(load)).toEqual(unsupported(/no EVP_CIPHER_fetch inside/))
    delete require.cache[file]
  })
})

test('nativeAead() throws where findNativeAead() gives undefined', () => {
  const aead = findNativeAead()
  if (aead === undefined) expect(() => nativeAead()).toThrow(unsupported(/cannot be used here/))
  else expect(nativeAead()).toBe(aead)
  expect(aead !== undefined).toBe(isBuilt)
})

describe.skipIf(!isBuilt)('an addon', () => {
  test('calls the OpenSSL that node has', () => {
    expect(open().openssl.split(' ')[1]).toBe(process.versions['openssl'])
  })

  test('that calls another OpenSSL than node is not used', () => {
    const other = { ...open(), openssl: 'OpenSSL 3.0.1 14 Dec 2021' }
    expect(tryToLoad(() => other)).toEqual(unsupported(/finds OpenSSL 3\.0\.1/))
  })

  test('that differs from node:crypto in anything is not used', () => {
    const real = open()
    const wrong: Record<string, Partial<Addon>> = {
      'seals nothing': { seal: () => DONE },
      'fails to seal': { seal: () => 4 },
      'turns a bit of the last tag': {
        seal(key, out, outAt, inAt, length, ...rest) {
          const outcome = real.seal(key, out, outAt, inAt, length, ...rest)
          if (length > 4000) out[outAt + length] = (out[outAt + length] as number) ^ 1
          return outcome
        },
      },
      'counts in another order': {
        seal: (key, out, outAt, inAt, length, nonce, ...rest) => real.seal(key, out, outAt, inAt, length, nonce + 1, ...rest),
      },
      'leaves additional data out': {
        seal: (key, out, outAt, inAt, length, nonce, input) => real.seal(key, out, outAt, inAt, length, nonce, input),
      },
      'opens nothing': { open: () => DONE },
      'refuses everything': { open: () => 1 },
      'opens forgeries': {
        open(...call) {
          real.open(...call)
          return DONE
        },
      },
      'swaps algorithms': { create: (key, algorithm) => real.create(key, 1 - algorithm) },
    }
    for (const [what, part] of Object.entries(wrong))
      expect(() => requireSameAsNode({ ...real, ...part }), what).toThrow(/is not that of node:crypto/)
    expect(() => requireSameAsNode(real)).not.toThrow()
  })

  test('whose OpenSSL lacks one algorithm has the other', () => {
    const real = open()
    const half: Addon = { ...real, create: (key, algorithm) => (algorithm === 0 ? real.create(key, 0) : undefined) }
    const { aeadKey } = tryToLoad(() => half) as NativeAead
    expect(() => aeadKey(secret, 'chacha20-poly1305')).toThrow(unsupported(/chacha20-poly1305/))
    aeadKey(secret).sealInto(new Uint8Array(16), 0, new Uint8Array(), 0, 0, 0)
  })

  test('shows nothing of a key to whoever prints it', () => {
    const key = nativeAead().aeadKey(new Uint8Array(32).fill(0xab))
    const printed = [inspect(key, { depth: Infinity, showHidden: true, getters: true }), JSON.stringify(key)].join(' ')
    expect(printed).toBe('NativeAeadKey {} {}')
  })

  test('whose OpenSSL fails says so, and that is no forgery', () => {
    const broken = { ...open(), seal: () => 4, open: () => 4, sealMany: () => 4, openMany: () => 4, rekey: () => undefined }
    const key = aeadOf(broken).aeadKey(secret) as AeadKey & BatchAeadKey
    const job = { inAt: 0, outAt: 0, length: 20 }
    const slab = new Uint8Array(40)
    expect(() => key.sealInto(slab, 0, slab, 0, 20, 0)).toThrow('OpenSSL failed')
    expect(() => key.openInto(slab, 0, slab, 0, 20, 0)).toThrow('OpenSSL failed')
    expect(() => key.sealMany(slab, [job], 0)).toThrow('OpenSSL failed')
    expect(() => key.openMany(slab, [job], 0)).toThrow('OpenSSL failed')
    expect(() => key.rekey()).toThrow('OpenSSL could not')
  })
})
