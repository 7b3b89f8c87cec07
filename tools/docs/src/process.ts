/** Child processes of the documentation's tests: what they print, and their certain end. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** No program of the documentation takes anywhere near this long; one that does hangs. */
const PATIENCE_MS = 25_000

export interface Environment {
  readonly folder: string
  /** In front of PATH. */
  readonly commands?: string
}

export class Run {
  /** What it has printed on standard output. */
  printed = ''
  #errors = ''
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(command: string, parameters: readonly string[], { folder, commands }: Environment) {
    const PATH = commands === undefined ? process.env.PATH : `${commands}:${process.env.PATH ?? ''}`
    // A group of its own, so that what it started ends with it.
    this.#process = spawn(command, parameters, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH },
    })
    this.#ended = once(this.#process, 'close')
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text
    })
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
  }

  /** Resolves with the output when it has ended well. @throws {Error} with all it said when it failed or hangs. */
  async finished(): Promise<string> {
    const timer = setTimeout(() => this.#kill('SIGKILL'), PATIENCE_MS)
    await this.#ended
    clearTimeout(timer)
    if (this.#process.exitCode === 0) return this.printed
    const end = this.#process.exitCode === null ? `was ended after ${PATIENCE_MS / 1000} s` : `ended with code ${this.#process.exitCode}`
    throw new Error(`The program ${end}.\n${this.printed}${this.#errors}`)
  }

  /** Waits until its output satisfies `isEnough`. */
  async until(isEnough: (printed: string) => boolean, wanted: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS
    while (!isEnough(this.printed)) {
      if (Date.now() > deadline || this.#process.exitCode !== null) {
        throw new Error(`The program did not print\n${wanted}\nbut\n${this.printed}${this.#errors}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async stop(): Promise<void> {
    this.#kill('SIGTERM')
    const timer = setTimeout(() => this.#kill('SIGKILL'), 5000)
    await this.#ended
    clearTimeout(timer)
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#process
    if (pid === undefined || exitCode !== null || signalCode !== null) return
    process.kill(-pid, signal)
  }
}
