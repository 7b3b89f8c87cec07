/**
 * What readers of the README of `@ockam/conformance` bring along, under the names it uses: a transport named quic (TCP under that name), a store, a
 * token that signs with P-256 only, and a test runner.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { VaultUnderTest } from '@ockam/conformance'
import {
  MultiAddr,
  type MultiAddrProtocol,
  mergeMultiAddrProtocols,
  multiAddrProtocols,
  OckamError,
  type Store,
  type TransportFactory,
} from '@ockam/core'
import { fileStore } from '@ockam/storage-file'
import { tcp } from '@ockam/transport-tcp'
import { softwareVault } from '@ockam/vault-software'

export { softwareVault }

let waiting: Promise<void> = Promise.resolve()
let unfinished = 0
const folders: string[] = []

// A test that waits for what never comes does not keep a process alive: it must not count as one that passed.
process.on('exit', (code) => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  if (code === 0 && unfinished > 0) {
    console.error(`${unfinished} tests did not finish.`)
    process.exitCode = 1
  }
})

/** Runs tests one after the other; the first that fails ends the process with an error. */
export function test(name: string, run: () => Promise<void>): void {
  unfinished += 1
  waiting = waiting.then(run).then(
    () => {
      unfinished -= 1
    },
    (error) => {
      throw new Error(name, { cause: error })
    },
  )
}

const QUIC: MultiAddrProtocol = { name: 'quic', code: 460, value: 'port' }
const names = mergeMultiAddrProtocols(multiAddrProtocols, [QUIC])

export function quic(): TransportFactory {
  const named = (address: MultiAddr, from: string, to: string): MultiAddr =>
    MultiAddr.parse(String(address).replace(`/${from}/`, `/${to}/`), names)
  const inner = (address: MultiAddr): MultiAddr => {
    if (String(address).includes('/tcp/')) throw new OckamError('transport/unsupported-address', `${address} is not an address of quic.`)
    return named(address, 'quic', 'tcp')
  }
  return {
    protocols: [QUIC],
    hops: [['ip4', 'quic']],
    create(services) {
      const transport = tcp().create(services)
      return {
        connect: async (hop, options) => transport.connect(inner(hop), options),
        async listen(address) {
          const listener = await transport.listen(inner(address))
          Object.defineProperty(listener, 'address', { value: named(listener.address, 'tcp', 'quic') })
          return listener
        },
        close: () => transport.close(),
      }
    },
  }
}

const paths = new WeakMap<Store, string>()

export function myStore(path: string): Store {
  const store = fileStore(path)
  paths.set(store, path)
  return store
}

export function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ockam-docs-store-'))
  folders.push(folder)
  return folder
}

export function pathOf(store: Store): string {
  const path = paths.get(store)
  if (path === undefined) throw new Error('This store is not one of ours.')
  return path
}

export async function openToken(): Promise<VaultUnderTest> {
  const vault = softwareVault()
  return {
    signing: {
      async generateSigningKey(type, options) {
        if (type !== 'p256') throw new OckamError('vault/unsupported', `This token has no keys of type ${type}.`)
        return vault.signing.generateSigningKey(type, options)
      },
      sign: (key, message, options) => vault.signing.sign(key, message, options),
      deleteSigningKey: (key) => vault.signing.deleteSigningKey(key),
    },
    close: () => vault.close(),
  }
}
