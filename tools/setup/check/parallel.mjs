// A bounded number of things at a time.
import { availableParallelism } from 'node:os'

/** Maps `items` with as many running at once as the machine has processors (at most four); results keep the order of the items. */
export const inParallel = async (items, work) => {
  const results = []
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await work(items[at])
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane))
  return results
}
