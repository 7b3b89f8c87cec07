/** Starts `child.mjs` for one role, waits for its answers with a deadline, and ends it. Never leaves a process behind: a child also ends when its IPC channel closes. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url))
const ANSWER_MS = 20_000

export class RoleProcess {
  #child
  #waiting = []
  #failure
  #log = ''

  constructor({ isPinned }) {
    const [command, argv] = isPinned ? ['taskset', ['-c', '0', process.execPath, CHILD]] : [process.execPath, [CHILD]]
    this.#child = spawn(command, argv, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: { ...process.env, NODE_OPTIONS: '' } })
    this.#child.stderr.on('data', (chunk) => {
      if (this.#log.length < 2000) this.#log += chunk
    })
    this.#child.on('message', (message) => this.#settle(message))
    this.#child.on('error', (error) => this.#settle({ kind: 'failed', message: error.message }))
    this.#child.on('exit', (code) => this.#settle({ kind: 'failed', message: `The process ended with code ${code}. ${this.#log}`.trim() }))
  }

  #settle(message) {
    if (message.kind === 'failed') this.#failure ??= new Error(message.message)
    for (const waiter of this.#waiting.splice(0)) {
      if (this.#failure !== undefined) waiter.reject(this.#failure)
      else if (waiter.kind === message.kind) waiter.resolve(message)
      else this.#waiting.push(waiter)
    }
  }

  /** Resolves with the next message of this kind; rejects when the role failed, its process ended, or nothing came in time. */
  answer(kind, withinMs = ANSWER_MS) {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`No "${kind}" within ${withinMs} ms. ${this.#log}`.trim())), withinMs)
      const settled = (settle) => (value) => {
        clearTimeout(timer)
        settle(value)
      }
      this.#waiting.push({ kind, resolve: settled(resolve), reject: settled(reject) })
    })
  }

  async start(order) {
    const ready = this.answer('ready')
    this.#child.send({ kind: 'start', ...order }, () => {})
    return (await ready).address
  }

  mark() {
    const marked = this.answer('mark')
    if (this.#child.connected) this.#child.send({ kind: 'mark' }, () => {})
    return marked
  }

  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    await new Promise((resolve) => {
      this.#child.once('exit', resolve)
      this.#child.kill('SIGKILL')
    })
  }
}
