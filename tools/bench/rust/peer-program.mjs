/**
 * One node of the comparison as a child process that is asked over JSON lines; the protocol stands in tools/rust-peer/README.md. Every wait has an
 * end, and no process outlives its owner: peers of both kinds end when their input does.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const ANSWER_MS = 60_000
const END_MS = 5_000
/** What the kernel counts CPU time in, for programs: `USER_HZ`, 100 on every Linux of today. */
const US_PER_TICK = 10_000

export class PeerProgram {
  #child
  #exited
  #waiting = new Map()
  #events = []
  #listeners = []
  #lastId = 0
  #log = ''
  #ended

  constructor([command, ...argv]) {
    this.#child = spawn(command, argv, { stdio: 'pipe', env: { ...process.env, NODE_OPTIONS: '' } })
    this.#exited = new Promise((resolve) => {
      const end = (why) => {
        this.#ended ??= new Error(`The peer has ended (${why}). ${this.#log}`.trim())
        for (const { reject } of [...this.#waiting.values(), ...this.#listeners]) reject(this.#ended)
        this.#waiting.clear()
        this.#listeners = []
        resolve()
      }
      this.#child.once('error', (error) => end(error.message))
      this.#child.once('exit', (code, signal) => end(signal ?? `code ${code}`))
    })
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.on('data', (bytes) => {
      if (this.#log.length < 2000) this.#log += bytes
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(JSON.parse(line)))
  }

  /** Resolves with what the peer answers; rejects with its words when it refuses, when it has ended, and when nothing comes in time. */
  ask(command, details = {}) {
    const id = ++this.#lastId
    return this.#within(command, (waiter) => {
      this.#waiting.set(id, waiter)
      this.#child.stdin.write(`${JSON.stringify({ id, command, ...details })}\n`)
    })
  }

  /** The next event that fits, from those that came and were not taken; each is taken once. */
  event(fits) {
    const at = this.#events.findIndex(fits)
    if (at >= 0) return Promise.resolve(this.#events.splice(at, 1)[0])
    return this.#within('event', (waiter) => this.#listeners.push({ ...waiter, fits }))
  }

  /** CPU time of the whole process in µs, in steps of ten milliseconds; undefined where the system does not tell. */
  cpuUs() {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return (Number(fields[11]) + Number(fields[12])) * US_PER_TICK
    } catch {
      return undefined
    }
  }

  async end() {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS)
    await this.#exited
    clearTimeout(timer)
  }

  #within(what, begin) {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`No answer to "${what}" within ${ANSWER_MS} ms. ${this.#log}`.trim())), ANSWER_MS)
      const settled = (settle) => (value) => {
        clearTimeout(timer)
        settle(value)
      }
      begin({ resolve: settled(resolve), reject: settled(reject) })
    })
  }

  #take(line) {
    if (line.id === undefined) {
      const at = this.#listeners.findIndex(({ fits }) => fits(line))
      if (at >= 0) this.#listeners.splice(at, 1)[0].resolve(line)
      else this.#events.push(line)
      return
    }
    const waiter = this.#waiting.get(line.id)
    this.#waiting.delete(line.id)
    if (line.error === undefined) waiter?.resolve(line.ok)
    else waiter?.reject(new Error(line.error.message))
  }
}
