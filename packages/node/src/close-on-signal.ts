/** Orderly end of a program: the first SIGINT or SIGTERM drains and closes, the second one ends at once. */

interface SignalSource {
  once(signal: string, listener: () => void): unknown
  off(signal: string, listener: () => void): unknown
  exit(code: number): never
}

const SIGNALS = ['SIGINT', 'SIGTERM']

/**
 * Closes `node` when the process is told to end, then ends it with code 0. Where there are no signals (browsers) it does nothing.
 * @returns what takes the listeners off again.
 */
export function closeOnSignal(node: { close(): Promise<void> }): () => void {
  const source = (globalThis as { readonly process?: Partial<SignalSource> }).process
  if (typeof source?.once !== 'function' || typeof source.exit !== 'function') return () => undefined
  const process = source as SignalSource
  const stop = (): void => {
    remove()
    void node.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  const remove = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop)
  }
  for (const signal of SIGNALS) process.once(signal, stop)
  return remove
}
