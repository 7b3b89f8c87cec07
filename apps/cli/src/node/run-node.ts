/**
 * A node's process, from its lock to its end: opens the node, answers the command through the control socket, says when it is ready, and on SIGINT,
 * SIGTERM or `ockam node stop` drains and closes. A second signal ends it at once.
 */

import { closeSync, writeSync } from 'node:fs'
import { printDiagnostics } from '@ockam/node'
import { formatSocketAddress, socketAddressOf } from '../address/socket-address.ts'
import { startControlServer } from '../control/control-server.ts'
import type { CommandError } from '../error.ts'
import type { NodeLock, NodeSettings } from '../state/node-records.ts'
import type { State } from '../state/state.ts'
import type { SecretSources } from '../state/vault-secret.ts'
import { explain } from '../program/explain.ts'
import { boundedLog, LimitedDiagnostics } from './bounded-log.ts'
import { EventLog } from './event-log.ts'
import { type Host, openHost } from './host.ts'
import { readThings, writeThings } from './kept-thing.ts'
import { nodeInfo } from './method/node.ts'
import { NodeControl } from './node-control.ts'
import { openVaultOf } from './own-identity.ts'
import { startStatusEndpoint, type StatusEndpoint } from './status-endpoint.ts'

/** What a background node writes to its parent, once, as one line of JSON on file descriptor 3. */
export type Readiness =
  | { readonly ready: { readonly pid: number; readonly address: string | undefined } }
  | { readonly error: { readonly code: string; readonly message: string; readonly hint?: string } }

export interface RunOptions {
  readonly state: State
  readonly settings: NodeSettings
  readonly secrets: SecretSources
  /** Takes a line without its end. */
  readonly log: (line: string) => void
  /** True for the child of a command that waits on file descriptor 3. */
  readonly isChild: boolean
  /** Called when the node is ready. */
  readonly onReady?: (host: Host) => void | Promise<void>
  /** Resolves when the node shall end for a reason of the caller's, such as the end of standard input. */
  readonly until?: Promise<void>
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const READINESS_FD = 3

/** Resolves when the node has ended in good order, also when it was told to before it was ready. @throws what opening it fails with, which the parent is told too. */
export async function runNode(options: RunOptions): Promise<void> {
  try {
    await run(options)
  } catch (error) {
    if (options.isChild) report({ error: failure(explain(error)) })
    throw error
  }
}

/** For a node that is just about to end. */
const LOCK_WAIT_MS = 5000

async function run(options: RunOptions): Promise<void> {
  const lock = await options.state.nodes.lock(options.settings.name, LOCK_WAIT_MS)
  try {
    await runLocked(options, lock)
  } finally {
    await lock.release()
  }
}

async function runLocked(options: RunOptions, lock: NodeLock): Promise<void> {
  const { state, settings, secrets, isChild, onReady, until } = options
  const { name } = settings
  const log = isChild ? boundedLog(state.nodes.logPath(name), options.log) : options.log
  const events = new LimitedDiagnostics(printDiagnostics(log))
  const folder = state.nodes.folder(name)
  const say = (text: string): void => log(`${new Date().toISOString()} ${text}`)
  const stop = new StopRequest()
  const vault = await openVaultOf(state, secrets, settings.identity)
  const kept = readThings(folder)
  const host = await openHost({ ...settings, vault, events: new EventLog(events), kept })
  const control = new NodeControl({ host, kept, save: (things) => writeThings(folder, things), log: say })
  let endpoint: StatusEndpoint | undefined
  try {
    if (settings.statusEndpoint !== undefined)
      endpoint = await startStatusEndpoint(settings.statusEndpoint, () => ({ ...nodeInfo(host), status: 'running' }))
    host.statusEndpoint = endpoint?.address
    const server = await startControlServer(state.nodes.controlPath(name), async (method, parameters, signal) => {
      if (method !== 'node.stop') return control.call(method, parameters, signal)
      // The answer goes out first; whoever asked then waits for the end of the connection.
      setImmediate(() => stop.request('ockam node stop'))
      return { name, pid: process.pid }
    })
    try {
      const offered = host.things.listeners.entries()[0]?.[1].address
      const socket = offered === undefined ? undefined : socketAddressOf(offered)
      // The next start takes the same ports, so that routes to this node stay true.
      const ports = {
        ...(socket && { tcpListenerAddress: formatSocketAddress(socket) }),
        ...(endpoint && { statusEndpoint: endpoint.address }),
      }
      if (Object.keys(ports).length > 0) state.nodes.update({ ...settings, ...ports })
      await control.restore()
      const address = host.things.listeners.entries()[0]?.[1].address
      lock.setRunning(address?.toString())
      if (!(await stop.isLaterThan(onReady?.(host)))) {
        say(`node "${name}" ends before it was ready`)
        return
      }
      say(`node "${name}" is ready at ${address ?? 'no address'}, process ${process.pid}`)
      if (isChild) report({ ready: { pid: process.pid, address: address?.toString() } })
      say(`node "${name}" ends: ${await stop.wait(until)}`)
    } finally {
      server.close()
      control.stop()
      await endpoint?.close()
      await host.close()
      await lock.release()
      server.release()
    }
  } finally {
    stop.forget()
    await endpoint?.close()
    await host.close()
    events.flush()
  }
}

/** The first reason to end wins; a second signal does not wait. */
class StopRequest {
  readonly #reason: Promise<string>
  readonly #listeners = new Map<string, () => void>()
  #resolve: (reason: string) => void = () => undefined

  constructor() {
    this.#reason = new Promise((resolve) => {
      this.#resolve = resolve
    })
    for (const signal of SIGNALS) {
      let isSecond = false
      const listener = (): void => {
        if (isSecond) process.exit(signal === 'SIGINT' ? 130 : 143)
        isSecond = true
        this.request(signal)
      }
      this.#listeners.set(signal, listener)
      process.on(signal, listener)
    }
  }

  request(reason: string): void {
    this.#resolve(reason)
  }

  /** False when the node shall end before that is done; it is then left alone. */
  async isLaterThan(work: void | Promise<void>): Promise<boolean> {
    if (work === undefined) return true
    work.catch(() => undefined)
    return Promise.race([work.then(() => true), this.#reason.then(() => false)])
  }

  wait(until: Promise<void> | undefined): Promise<string> {
    return until === undefined ? this.#reason : Promise.race([this.#reason, until.then(() => 'its standard input ended')])
  }

  forget(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener)
  }
}

function report(readiness: Readiness): void {
  try {
    writeSync(READINESS_FD, `${JSON.stringify(readiness)}\n`)
    closeSync(READINESS_FD)
  } catch {
    // The parent has gone; the node goes on without it.
  }
}

function failure({ code, message, hint }: CommandError): { code: string; message: string; hint?: string } {
  return { code, message, ...(hint !== undefined && { hint }) }
}
