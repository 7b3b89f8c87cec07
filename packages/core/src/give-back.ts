/**
 * Gives memory back when it is done with, instead of when it is collected.
 *
 * What is copied out of the result of a cipher at once, or was written to a socket, is garbage; but V8 looks for garbage of this kind only when many MiB
 * of it have come together. So every message would be worked on in memory that no cache knows. Memory that is given back at once is the memory of the
 * next message (`docs/decisions/0026`).
 */

/** Shorter ones are cheaper to leave than to send away. */
const SHORTEST_SENT = 4096
const SHORTEST_TRANSFERRED = 1024

type Transferable = ArrayBuffer & { transfer?(length: number): ArrayBuffer }

/** A port that leads nowhere. */
let nowhere: MessagePort | undefined

/**
 * Nobody may use `bytes` after this, nor any other view of the same memory: they have no bytes any more. Left alone is memory that they are only a part of,
 * and memory that cannot be taken away, such as that of WebAssembly or what threads share. Never throws.
 */
export function giveBack(bytes: Uint8Array): void {
  const { length } = bytes
  if (length < SHORTEST_TRANSFERRED || bytes.buffer.byteLength !== length) return
  const buffer = bytes.buffer as Transferable
  try {
    if (buffer.transfer !== undefined) buffer.transfer(0)
    // Before Node 22: what is sent to a closed port is detached from its sender and dropped on the way, in the same call.
    else if (length >= SHORTEST_SENT) (nowhere ??= closedPort()).postMessage(undefined, [buffer])
  } catch {
    // It is collected when nobody holds it.
  }
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel()
  port1.close()
  return port1
}
