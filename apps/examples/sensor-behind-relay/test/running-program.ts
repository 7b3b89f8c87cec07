/** Programs of the example as processes, run as a person would: by node or by a line of shell. All are ended by id after each test. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const running = new Set<RunningProgram>()

/** Path of a built program: `relay`. */
export function builtProgram(name: string): string {
  return fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url))
}

/** Starts a built program. */
export function run(name: string, environment: Readonly<Record<string, string>> = {}, args: readonly string[] = []): RunningProgram {
  return new RunningProgram(process.execPath, [builtProgram(name), ...args], process.cwd(), environment)
}

/** Runs lines of shell in a folder. */
export function runShell(lines: string, folder: string): RunningProgram {
  return new RunningProgram('sh', ['-c', lines], folder, {})
}

export class RunningProgram {
  /** Of both outputs. */
  readonly lines: string[] = []
  /** Its exit code; -1 when a signal ended it. */
  readonly exited: Promise<number>
  readonly #process: ChildProcess
  readonly #watchers = new Set<() => void>()
  #hasExited = false

  constructor(command: string, args: readonly string[], cwd: string, environment: Readonly<Record<string, string>>) {
    // A process group of its own: what a shell or the demonstration starts is ended with it.
    this.#process = spawn(command, args, {
      cwd,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#changed(() => this.lines.push(line)))
    }
    this.exited = once(this.#process, 'close').then(([code]) => {
      this.#changed(() => (this.#hasExited = true))
      return typeof code === 'number' ? code : -1
    })
    running.add(this)
  }

  /** The first line, past or to come, that contains `text`. Rejects with all that was said when the program ends without it. */
  line(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.find((line) => line.includes(text))
        if (found === undefined && !this.#hasExited) return
        this.#watchers.delete(look)
        if (found !== undefined) resolve(found)
        else reject(new Error(`The program ended without "${text}". It said:\n${this.lines.join('\n')}`))
      }
      this.#watchers.add(look)
      look()
    })
  }

  /** Sends a signal to the program alone. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** Ends the program, and whatever it started, at once. */
  async kill(): Promise<void> {
    running.delete(this)
    try {
      if (this.#process.pid !== undefined) process.kill(-this.#process.pid, 'SIGKILL')
    } catch {
      // The whole group is gone already.
    }
    await this.exited
  }

  #changed(change: () => unknown): void {
    change()
    for (const look of this.#watchers) look()
  }
}

/** For `afterEach`. */
export async function endPrograms(): Promise<void> {
  await Promise.all([...running].map((program) => program.kill()))
}
