/** A spinner on standard error while something takes its time, gone without a trace when it is done. */

import { spinner } from '@clack/prompts'

const SHOW_AFTER_MS = 150

export async function withSpinner<T>(text: string, work: () => Promise<T>): Promise<T> {
  const moving = spinner({ output: process.stderr, indicator: 'dots' })
  let isShown = false
  // What is quick needs no announcement.
  const timer = setTimeout(() => {
    isShown = true
    moving.start(text)
  }, SHOW_AFTER_MS)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    if (isShown) moving.clear()
  }
}
