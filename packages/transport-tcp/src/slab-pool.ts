/**
 * Memory that frames are written into on their way out. A slab belongs to one connection from its first frame until the last write on it has
 * completed, and only then may another use it: the kernel reads it until then. Idle connections hold none.
 */

/** Room for a turn of small messages; what does not fit takes another. */
export const SLAB_BYTES: number = 128 * 1024

/** Slabs kept for later; more are made when needed and dropped afterwards. */
const MAX_FREE = 16

export class SlabPool {
  readonly #free: Buffer[] = []

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)
  }

  /** The caller keeps no reference, and no write on it is under way. */
  give(slab: Buffer): void {
    if (this.#free.length < MAX_FREE) this.#free.push(slab)
  }
}
