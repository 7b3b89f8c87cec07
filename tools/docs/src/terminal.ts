/**
 * A terminal of somebody who follows a tutorial: one bash that lives from the first block to the last, so that what a block sets is there for the
 * next. Output and errors come in one stream, in their order, as on a screen. It has no TTY: colours and spinners are not part of the text.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** No block takes anywhere near this long, on a slow machine neither; one that does hangs. */
const PATIENCE_MS = 60_000
/** For programs to end by themselves when they are asked to. */
const FAREWELL_MS = 3_000

export interface TerminalOptions {
  /** Where its bash starts. */
  readonly folder: string
  /** For files with the blocks; not the folder above. */
  readonly scripts: string
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** What bash is started with, as `unshare …`; empty for nothing. */
  readonly prefix: readonly string[]
  /** How long a block may take. Default 60 000. */
  readonly patienceMs?: number
}

export class Terminal {
  readonly #options: TerminalOptions
  readonly #bash: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #name = randomUUID()
  #printed = ''
  #count = 0
  #hasEnded = false
  #wake: () => void = () => undefined

  constructor(options: TerminalOptions) {
    this.#options = options
    // A group of its own, so that what runs in its foreground ends with it.
    this.#bash = spawn('env', [...options.prefix, 'bash', '--noprofile', '--norc'], {
      cwd: options.folder,
      env: { ...options.environment },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#ended = once(this.#bash, 'close').finally(() => {
      this.#hasEnded = true
      this.#wake()
    })
    // An end like any other, which every wait looks for.
    this.#ended.catch((error) => {
      this.#printed += String(error)
    })
    this.#bash.stdin?.on('error', () => undefined)
    for (const stream of [this.#bash.stdout, this.#bash.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed += text
        this.#wake()
      })
    }
    this.#bash.stdin?.write('exec 2>&1; set -o pipefail\n')
  }

  /**
   * Runs a block to its end. @returns what it printed, and the exit code of its last command.
   * @param mayFail otherwise the first command of it that fails is the end. @throws {Error} then, and when it hangs.
   */
  async run(code: string, mayFail: boolean): Promise<{ readonly printed: string; readonly status: number }> {
    const mark = `${this.#name}-${this.#count}`
    const end = new RegExp(`${mark} (\\d+)\n`)
    await this.#paste(code, mayFail, `printf '%s %d\\n' ${mark} "$?"`)
    await this.#until(() => end.test(this.#printed))
    const found = end.exec(this.#printed)
    if (found === null) throw new Error(`A command failed. The terminal shows\n${this.#printed}`)
    return { printed: this.#printed.slice(0, found.index), status: Number(found[1]) }
  }

  /** Begins a block that stays in the foreground. */
  start(code: string): Promise<void> {
    return this.#paste(code, true, ':')
  }

  async #paste(code: string, mayFail: boolean, after: string): Promise<void> {
    this.#count += 1
    this.#printed = ''
    const script = join(this.#options.scripts, `${this.#name}-${this.#count}.sh`)
    await writeFile(script, code)
    // As if typed, but that programs do not read the next block as their input.
    this.#bash.stdin?.write(`set ${mayFail ? '+e' : '-e'}; source '${script}' </dev/null; ${after}\n`)
  }

  /** Waits until the block that stays has printed what satisfies `isEnough`. @throws {Error} when it ends or hangs. */
  async shows(isEnough: (printed: string) => boolean): Promise<void> {
    await this.#until(() => isEnough(this.#printed))
    if (!isEnough(this.#printed)) throw new Error(`It ended, and had printed\n${this.#printed}`)
  }

  /** Ends bash and what runs in its foreground. */
  async stop(): Promise<void> {
    this.#bash.stdin?.end()
    this.#kill('SIGTERM')
    const timer = setTimeout(() => this.#kill('SIGKILL'), FAREWELL_MS)
    await this.#ended.catch(() => undefined)
    clearTimeout(timer)
  }

  /** Resolves when `isTrue`, or when bash has ended. */
  async #until(isTrue: () => boolean): Promise<void> {
    const { patienceMs = PATIENCE_MS } = this.#options
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#wake()
    }, patienceMs)
    try {
      while (!isTrue() && !this.#hasEnded) {
        if (isLate) throw new Error(`Nothing more came within ${patienceMs / 1000} s after\n${this.#printed}`)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      clearTimeout(timer)
    }
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#bash
    if (pid === undefined || this.#hasEnded) return
    try {
      process.kill(-pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
