/** Runs one of the example's programs as a process of its own and shows its output with its name in front. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const COLOURS: Readonly<Record<string, number>> = { device: 36, relay: 33, service: 32, stranger: 31 }
const hasColour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined

export class Program {
  readonly lines: string[] = []
  readonly #process: ChildProcess
  readonly #exited: Promise<number>
  readonly #waiting = new Set<(line: string) => void>()

  /** @param label shown in front of each line; undefined shows nothing. */
  constructor(file: string, label: string | undefined, environment: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
    const path = fileURLToPath(new URL(`./${file}.js`, import.meta.url))
    this.#process = spawn(process.execPath, [path, ...args], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
    // Not 'exit': by then not all it wrote has been read.
    this.#exited = once(this.#process, 'close').then(([code]) => (typeof code === 'number' ? code : 1))
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#take(label, line))
    }
  }

  /** The first line, past or to come, that contains `text`. Rejects when the program ends without it. */
  line(text: string): Promise<string> {
    const known = this.lines.find((line) => line.includes(text))
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve, reject) => {
      const take = (line: string): void => {
        if (!line.includes(text)) return
        this.#waiting.delete(take)
        resolve(line)
      }
      this.#waiting.add(take)
      void this.#exited.then((code) => reject(new Error(`The program ended with code ${code} before it printed "${text}".`)), reject)
    })
  }

  /** Its exit code. */
  exited(): Promise<number> {
    return this.#exited
  }

  /** Asks it to end, and waits until it has. */
  async stop(): Promise<void> {
    this.#process.kill('SIGTERM')
    await this.#exited
  }

  #take(label: string | undefined, line: string): void {
    this.lines.push(line)
    if (label !== undefined) console.log(`${painted(label.padEnd(8))} ${line}`)
    for (const take of this.#waiting) take(line)
  }
}

function painted(label: string): string {
  return hasColour ? `\u001b[${COLOURS[label.trim()] ?? 0}m${label}\u001b[0m` : label
}
