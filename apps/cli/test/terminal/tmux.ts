/** A real terminal: a private tmux server with one window, in which a shell waits for keys. */

import { execFile, execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { CommandHome } from './built-command.ts'

const run = promisify(execFile)
/** With the number of the command, so that a prompt is known to be a new one. */
const PROMPT = 'ready \\#> '
const WAIT = { timeout: 60_000, interval: 50 }

export const hasTmux = (): boolean => {
  try {
    execFileSync('tmux', ['-V'])
    return true
  } catch {
    return false
  }
}

export interface Tmux {
  /** Types a line and presses Enter. */
  readonly type: (line: string) => Promise<void>
  /** Presses keys by tmux's names: `Enter`, `C-c`, `y`. */
  readonly press: (...keys: readonly string[]) => Promise<void>
  /** What the screen shows; with the escape sequences of colours when asked for. */
  readonly screen: (withColors?: boolean) => Promise<string>
  /** Resolves when the screen shows the text. */
  readonly shows: (text: string) => Promise<void>
  /** Resolves when the shell asks for another line than the last time, with what the screen shows then. */
  readonly isReady: (withColors?: boolean) => Promise<string>
  readonly clear: () => Promise<void>
  readonly isCursorShown: () => Promise<boolean>
  readonly close: () => Promise<void>
}

export async function openTmux({ folder, environment }: CommandHome): Promise<Tmux> {
  const server = ['-L', `ockam-${randomUUID()}`, '-f', '/dev/null']
  const tmux = async (...words: readonly string[]): Promise<string> =>
    (await run('tmux', [...server, ...words], { cwd: folder, env: { ...environment, TERM: 'xterm-256color' } })).stdout
  await tmux('new-session', '-d', '-x', '140', '-y', '50', '-c', folder, `exec env PS1='${PROMPT}' bash --norc --noprofile`)
  const screen = (withColors = false): Promise<string> => tmux('capture-pane', '-p', ...(withColors ? ['-e'] : []))
  const shows = (text: string): Promise<void> => expect.poll(screen, WAIT).toContain(text)
  let seen = 0
  const promptNumber = async (): Promise<number> => Number(/(?:^|\n)ready (\d+)>$/.exec((await screen()).trimEnd())?.[1] ?? 0)
  const isReady = async (withColors = false): Promise<string> => {
    await expect.poll(promptNumber, WAIT).toBeGreaterThan(seen)
    seen = await promptNumber()
    return screen(withColors)
  }
  await isReady()
  return {
    screen,
    shows,
    isReady,
    type: async (line) => {
      await tmux('send-keys', '-l', line)
      await tmux('send-keys', 'Enter')
    },
    press: async (...keys) => void (await tmux('send-keys', ...keys)),
    clear: async () => {
      await tmux('send-keys', 'C-l')
      await expect.poll(async () => (await screen()).trim(), WAIT).toBe(`ready ${seen}>`)
    },
    isCursorShown: async () => (await tmux('display-message', '-p', '#{cursor_flag}')).trim() === '1',
    close: async () => void (await tmux('kill-server')),
  }
}
