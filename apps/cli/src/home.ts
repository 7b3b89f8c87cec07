/** Interim. */
import { mkdirSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '@ockam/core'
import { conflictError, notFoundError } from './error.ts'

export interface NodeSettings {
  readonly name: string
  readonly identity: string
  readonly tcpListenerAddress: string
  readonly authorized: readonly string[]
}
export interface RunningNode {
  readonly pid: number
  /** MultiAddr of its first listener. */
  readonly address: string | undefined
}
export interface IdentityRecord {
  readonly name: string
  readonly identifier: string
  readonly vault: string
  readonly isDefault: boolean
}
export interface VaultRecord {
  readonly name: string
  readonly path: string
  readonly isDefault: boolean
}

const json = (path: string): any => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined)
const write = (path: string, value: unknown): void => {
  writeFileSync(`${path}.tmp`, JSON.stringify(value), { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

export class Home {
  readonly path: string
  constructor(path: string) {
    this.path = path
    for (const sub of ['', 'nodes', 'vaults', 'identities']) mkdirSync(join(path, sub), { recursive: true, mode: 0o700 })
  }
  nodeFolder(name: string) {
    return join(this.path, 'nodes', name)
  }
  controlPath(name: string) {
    return join(this.nodeFolder(name), 'control.sock')
  }
  logPath(name: string) {
    return join(this.nodeFolder(name), 'node.log')
  }
  nodeNames(): string[] {
    return readdirSync(join(this.path, 'nodes')).sort()
  }
  nodeSettings(name: string): NodeSettings | undefined {
    return json(join(this.nodeFolder(name), 'settings.json'))
  }
  saveNode(settings: NodeSettings) {
    mkdirSync(this.nodeFolder(settings.name), { recursive: true, mode: 0o700 })
    write(join(this.nodeFolder(settings.name), 'settings.json'), settings)
  }
  running(name: string): RunningNode | undefined {
    const r = json(join(this.nodeFolder(name), 'running.json'))
    if (!r) return undefined
    try {
      process.kill(r.pid, 0)
      return r
    } catch {
      return undefined
    }
  }
  setRunning(name: string, running: RunningNode | undefined) {
    const path = join(this.nodeFolder(name), 'running.json')
    if (running) write(path, running)
    else rmSync(path, { force: true })
  }
  deleteNode(name: string) {
    rmSync(this.nodeFolder(name), { recursive: true, force: true })
    if (this.default('node') === name) this.setDefault('node', this.nodeNames()[0])
  }
  default(kind: string): string | undefined {
    return json(join(this.path, 'defaults.json'))?.[kind]
  }
  setDefault(kind: string, name: string | undefined) {
    write(join(this.path, 'defaults.json'), { ...json(join(this.path, 'defaults.json')), [kind]: name })
  }
  vaults(): VaultRecord[] {
    return readdirSync(join(this.path, 'vaults'))
      .sort()
      .map((name) => ({ name, path: join(this.path, 'vaults', name), isDefault: this.default('vault') === name }))
  }
  createVault(name: string): VaultRecord {
    const path = join(this.path, 'vaults', name)
    if (existsSync(path)) throw conflictError(`vault "${name}" exists`)
    mkdirSync(path, { mode: 0o700 })
    if (!this.default('vault')) this.setDefault('vault', name)
    return this.vaults().find((v) => v.name === name) as VaultRecord
  }
  identities(): IdentityRecord[] {
    return readdirSync(join(this.path, 'identities'))
      .sort()
      .map((name) => ({ ...json(join(this.path, 'identities', name)), isDefault: this.default('identity') === name }))
  }
  saveIdentity(record: { name: string; identifier: string; vault: string }) {
    write(join(this.path, 'identities', record.name), record)
    if (!this.default('identity')) this.setDefault('identity', record.name)
  }
  deleteIdentity(name: string) {
    rmSync(join(this.path, 'identities', name))
  }
  async openVault(name: string): Promise<{ store: Store; protection: 'none' }> {
    const { fileStore } = await import('@ockam/storage-file')
    const folder = join(this.path, 'vaults', name)
    if (!existsSync(folder)) throw notFoundError(`no vault ${name}`)
    const retry = async <T>(f: (s: Store) => Promise<T>): Promise<T> => {
      for (let i = 0; ; i++) {
        const s = fileStore(folder)
        try {
          return await f(s)
        } catch (e) {
          if (i > 200 || !String((e as { code?: string }).code).includes('locked')) throw e
        } finally {
          await s.close()
        }
        await new Promise((r) => setTimeout(r, 5 + Math.random() * 20))
      }
    }
    const store: Store = {
      get: (k) => retry((s) => s.get(k)),
      set: (k, v) => retry((s) => s.set(k, v)),
      delete: (k) => retry((s) => s.delete(k)),
      batch: (b) => retry((s) => s.batch(b)),
      async *scan(p) {
        yield* await retry(async (s) => {
          const all = []
          for await (const e of s.scan(p)) all.push(e)
          return all
        })
      },
      close: async () => undefined,
    }
    return { store, protection: 'none' }
  }
}
export const openHome = (environment: Readonly<Record<string, string | undefined>>) =>
  new Home(environment['OCKAM_HOME'] || join(homedir(), '.ockam-ts'))
