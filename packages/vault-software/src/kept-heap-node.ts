/**
 * glibc returns what is free at the end of its heap to the system, and asks for it again with the next messages: the system then zeroes each page anew. It
 * keeps as much as twice the largest block that was ever freed (mallopt(3), `M_MMAP_THRESHOLD`), so one is freed here, once, before the first large
 * message. Its pages are never touched. Other C libraries do not mind.
 */

import { giveBack } from '@ockam/core'

/** Smaller messages come from the middle of the heap. */
const LARGE = 16 * 1024
const LARGEST_FREED = 8 * 1024 * 1024
let isKept = false

/** To be called before memory is made for a message of that length. */
export function keepHeap(length: number): void {
  if (isKept || length < LARGE) return
  isKept = true
  giveBack(new Uint8Array(LARGEST_FREED))
}
