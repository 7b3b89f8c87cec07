/** The middle of several rounds; of an even number the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Field by field over records of the same shape, one level of nesting deep (`cpuUs` by role). */
export function medianRecord(records) {
  const merged = {}
  for (const [field, value] of Object.entries(records[0])) {
    const values = records.map((record) => record[field])
    merged[field] = typeof value === 'object' ? medianRecord(values) : median(values)
  }
  return merged
}
