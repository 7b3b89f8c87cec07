/** Real nodes in one process: router, software vault, identities and channels, over a network in memory that tests may tap and break. */

import type { Clock, Diagnostics, LocalMessage, Router, Timer, Vault } from '@ockam/core'
import { createIdentities } from '@ockam/identity'
import { createRouter } from '@ockam/routing'
import { type MemoryNetwork, memoryNetwork } from '@ockam/transport-memory'
import { softwareVault } from '@ockam/vault-software'
import { createSecureChannels, type SecureChannels, type SecureChannelsOptions, trustEveryone } from '../src/index.ts'

export type IdentityRegistry = ReturnType<typeof createIdentities>
export type OwnIdentity = Awaited<ReturnType<IdentityRegistry['create']>>

/** The machine's time, moved by hand: timers that become due run. A stopped clock moves by hand alone. */
export class MovableClock implements Clock {
  #offsetMs = 0
  readonly #stoppedAt: { readonly now: number; readonly monotonic: number } | undefined
  readonly #timers = new Set<{ readonly atMs: number; readonly isBackground: boolean; readonly task: () => void }>()

  constructor({ isStopped = false }: { readonly isStopped?: boolean } = {}) {
    this.#stoppedAt = isStopped ? { now: Date.now(), monotonic: performance.now() } : undefined
  }

  now(): number {
    return (this.#stoppedAt?.now ?? Date.now()) + this.#offsetMs
  }

  monotonic(): number {
    return (this.#stoppedAt?.monotonic ?? performance.now()) + this.#offsetMs
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** How many of them keep the process alive. */
  get foreground(): number {
    return [...this.#timers].filter(({ isBackground }) => !isBackground).length
  }

  schedule(delayMs: number, task: () => void, { isBackground = true }: { readonly isBackground?: boolean } = {}): Timer {
    const entry = { atMs: this.monotonic() + delayMs, isBackground, task }
    const run = (): void => {
      if (this.#timers.delete(entry)) task()
    }
    const timer = this.#stoppedAt === undefined ? setTimeout(run, delayMs) : undefined
    timer?.unref()
    this.#timers.add(entry)
    return {
      cancel: () => {
        clearTimeout(timer)
        this.#timers.delete(entry)
      },
    }
  }

  move(ms: number): void {
    this.#offsetMs += ms
    const due = [...this.#timers].filter(({ atMs }) => atMs <= this.monotonic()).sort((a, b) => a.atMs - b.atMs)
    for (const entry of due) if (this.#timers.delete(entry)) entry.task()
  }
}

export interface TestNode {
  readonly name: string
  readonly router: Router
  readonly vault: Vault
  readonly identities: IdentityRegistry
  readonly channels: SecureChannels
  readonly identity: OwnIdentity
  readonly clock: MovableClock
  readonly events: { readonly name: string; readonly details: Record<string, unknown> }[]
  close(): Promise<void>
}

export interface TestNodeOptions {
  readonly network?: MemoryNetwork
  readonly vault?: Vault
  readonly clock?: MovableClock
  readonly identities?: IdentityRegistry
  readonly identity?: OwnIdentity
  readonly persistence?: SecureChannelsOptions['persistence']
  readonly maxAddresses?: number
  /** Stands between the channels and the real identities. */
  readonly lie?: (identities: IdentityRegistry) => SecureChannelsOptions['identities']
}

const openNodes = new Set<TestNode>()

export async function createTestNode(name: string, options: TestNodeOptions = {}): Promise<TestNode> {
  const { network = memoryNetwork(), vault = softwareVault(), clock = new MovableClock() } = options
  const events: TestNode['events'] = []
  const diagnostics: Diagnostics = { event: (event, details = {}) => void events.push({ name: event, details }) }
  const router = createRouter({ transports: [network.transport(name)], clock, diagnostics, maxAddresses: options.maxAddresses ?? 32 })
  const identities = options.identities ?? createIdentities({ vault, clock, diagnostics })
  const identity = options.identity ?? (await identities.create())
  const { persistence } = options
  const channels = createSecureChannels({
    router,
    vault,
    identities: options.lie?.(identities) ?? identities,
    ...(persistence === undefined ? {} : { persistence }),
  })
  const close = async (): Promise<void> => {
    openNodes.delete(node)
    await channels.close({ timeoutMs: 200 })
    await router.close({ timeoutMs: 500 })
  }
  const node: TestNode = { name, router, vault, identities, channels, identity, clock, events, close }
  openNodes.add(node)
  return node
}

/** Call after each test. */
export async function closeNodes(): Promise<void> {
  await Promise.all([...openNodes].map((node) => node.close()))
}

/** Two nodes with a connection between them, the second with a listener at `api`. */
export async function twoNodes(
  options: { readonly alice?: TestNodeOptions; readonly bob?: TestNodeOptions; readonly encode?: boolean } = {},
): Promise<{
  readonly network: MemoryNetwork
  readonly alice: TestNode
  readonly bob: TestNode
  readonly toBob: Awaited<ReturnType<Router['connect']>>
}> {
  const network = memoryNetwork({ encode: options.encode ?? true })
  const alice = await createTestNode('alice', { network, ...options.alice })
  const bob = await createTestNode('bob', { network, ...options.bob })
  await bob.router.listen('/memory/bob')
  const toBob = await alice.router.connect('/memory/bob')
  return { network, alice, bob, toBob }
}

/** Collects what arrives at a worker. */
export function collect(node: TestNode, address: string, from: 'channels' | 'anyone' = 'channels'): LocalMessage[] {
  const messages: LocalMessage[] = []
  node.router.startWorker(address, (message: LocalMessage) => void messages.push(message), { from })
  return messages
}

export function startEcho(node: TestNode): void {
  node.router.startWorker('echo', (message, context) => context.send(message.returnRoute, message.payload))
}

export const text = (payload: Uint8Array): string => new TextDecoder().decode(payload)
export const bytes = (content: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(content)

/** Waits for something that must become true; fails when it does not within two seconds. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`${what} did not come true`)
}

/** Lets everything that is under way arrive. */
export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30))

export const everyone = trustEveryone()
