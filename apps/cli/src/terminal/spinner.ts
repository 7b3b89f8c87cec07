/**
 * A spinner on standard error while something takes its time, gone without a trace when it is done. It reads no keys: Ctrl-C stays a signal, and what
 * is piped in stays there for the command.
 */

import { clearLine, cursorTo } from 'node:readline'

const SHOW_AFTER_MS = 150
const FRAME_MS = 80
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const
const [HIDE_CURSOR, SHOW_CURSOR] = ['\u001B[?25l', '\u001B[?25h']

export async function withSpinner<T>(text: string, work: () => Promise<T>): Promise<T> {
  const { stderr } = process
  let frame = 0
  const draw = (): void => {
    cursorTo(stderr, 0)
    // A line that wraps could not be taken away again.
    stderr.write(`${FRAMES[frame++ % FRAMES.length]} ${text}`.slice(0, (stderr.columns ?? 80) - 1))
  }
  const clear = (): void => {
    cursorTo(stderr, 0)
    clearLine(stderr, 0)
    stderr.write(SHOW_CURSOR)
  }
  let moving: NodeJS.Timeout | undefined
  // What is quick needs no announcement.
  const starting = setTimeout(() => {
    stderr.write(HIDE_CURSOR)
    // Also when the process is about to be ended.
    process.once('exit', clear)
    draw()
    moving = setInterval(draw, FRAME_MS)
  }, SHOW_AFTER_MS)
  try {
    return await work()
  } finally {
    clearTimeout(starting)
    clearInterval(moving)
    if (moving !== undefined) clear()
    process.off('exit', clear)
  }
}
