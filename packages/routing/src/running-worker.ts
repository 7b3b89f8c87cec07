/**
 * A worker that runs: its mailbox, its life cycle, and the rule that it handles one message (or one batch) at a time.
 *
 * While a handler's promise is pending nothing else is handed over and the mailbox fills; that is how back-pressure begins. Errors go to
 * diagnostics and the next message follows. Handlers that return nothing run without any promise being made.
 */
import type { AccessControl, Address, AnyWorker, CloseOptions, Context, Producer, WorkerHandle } from '@ockam/core'
import { CLOSE_TIMEOUT_MS, Deadline } from './deadline.ts'
import type { DropReason } from './drop-counter.ts'
import { MailboxQueue } from './mailbox-queue.ts'
import type { PayloadCopier } from './payload-copier.ts'
import type { Reachability } from './reachability.ts'
import type { RoutedMessage } from './routed-message.ts'
import type { Runnable, Turn } from './run-queue.ts'
import { type Receiver, Sender } from './sender.ts'
import { isPromise, WorkerCall } from './worker-call.ts'
import type { WorkerHost, WorkerSettings } from './worker-host.ts'
import { reportFailure } from './worker-failure.ts'

/**
 * What tables hold for a worker: emptied when the worker has stopped. V8 makes the table of a map or set anew after some changes, and what stood in the
 * old one lives on with it until a whole collection.
 */
export interface WorkerPlace {
  worker: RunningWorker | undefined
}

/** A batch ends with the message that reaches this many bytes of payload, so that what follows from one batch fits behind a mailbox's bound. */
const MAX_BATCH_BYTES = 1024 * 1024

export class RunningWorker implements WorkerHandle, Runnable, Receiver {
  readonly addresses: readonly Address[]
  readonly address: Address
  readonly place: WorkerPlace = { worker: this }
  readonly queue: MailboxQueue
  /** Who may send to it. Replaced when a connection that delivered early is handed to whoever dialled it. */
  reachability: Reachability
  readonly incoming: AccessControl | undefined
  readonly sender: Sender
  readonly dropsWhenFull: boolean
  readonly producer: Producer | undefined
  readonly stopped: Promise<void>
  readonly isSink: boolean
  readonly isForwarder: boolean
  isReady = false
  nextReady: Runnable | undefined = undefined
  /** True from `close` on. */
  isClosing = false
  readonly #host: WorkerHost<RunningWorker>
  readonly #call: WorkerCall
  readonly #isTransit: boolean
  readonly #copier: PayloadCopier
  readonly #batch: RoutedMessage[] = []
  readonly #settle = (): void => this.#settled()
  readonly #fail = (error: unknown): void => {
    this.#report('message', error)
    this.#settled()
  }
  #context: Context | undefined
  #resolveStopped: (() => void) | undefined
  #isStarted = false
  #isBusy = false
  /** While code of the worker is on the stack. */
  #isCalled = false
  #isStopped = false
  #isFinishing = false
  #heldMessages = 0
  #heldBytes = 0

  constructor(host: WorkerHost<RunningWorker>, worker: AnyWorker, settings: WorkerSettings) {
    const { options } = settings
    this.addresses = settings.addresses
    this.address = settings.addresses[0]
    this.queue = new MailboxQueue(settings.maxMessages, settings.maxBytes, host.copier, host.budget)
    this.reachability = settings.reachability
    this.incoming = options.incoming
    this.sender = new Sender(options.outgoing)
    this.dropsWhenFull = options.overflow === 'drop'
    this.producer = options.producer
    this.isSink = settings.isSink
    this.isForwarder = options.isForwarder === true
    this.#host = host
    this.#copier = host.copier
    this.#call = new WorkerCall(worker)
    this.#isTransit = options.isTransit === true
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve
    })
  }

  /** Called once, before anything else: the worker may run from now on. */
  begin(context: Context): void {
    this.#context = context
    this.#host.runQueue.ready(this)
  }

  /** True when it has stopped for good. */
  get hasEnded(): boolean {
    return this.#isStopped
  }

  get isBusy(): boolean {
    return this.#isBusy
  }

  /** True when nothing waits and nothing is in hand. */
  get isIdle(): boolean {
    return this.#isStopped || (this.#isStarted && !this.#isBusy && this.queue.messages === 0)
  }

  /** Puts a message that passed all checks into the mailbox. */
  enqueue(message: RoutedMessage): void {
    this.queue.push(message)
    if (this.#isBusy) this.queue.compact()
    else this.#host.runQueue.ready(this)
  }

  run(budget: number, turn: Turn): number {
    if (this.#isBusy || this.#isStopped) return 0
    if (!this.#isStarted && !this.#start()) return 0
    this.#isCalled = true
    const handled = this.#call.takesBatches ? this.#runBatch(budget) : this.#runSingly(budget, turn)
    this.#isCalled = false
    if (!this.#isBusy) this.#goOn()
    else this.queue.compact()
    return handled
  }

  holdOver(): void {
    this.queue.age()
  }

  close(options: CloseOptions = {}): Promise<void> {
    if (this.#isStopped) return this.stopped
    return new Promise((resolve, reject) => {
      const late = (): void => this.kill('stopped')
      const aborted = (reason: unknown): void => {
        this.kill('stopped')
        reject(reason)
      }
      const deadline = new Deadline(this.#host.clock, options, CLOSE_TIMEOUT_MS, late, aborted)
      this.#beginClosing()
      // Its own handler would wait for itself.
      if (this.#isCalled) resolve()
      const end = (): void => {
        deadline.cancel()
        resolve()
      }
      this.stopped.then(end, end)
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #beginClosing(): void {
    if (this.isClosing) return
    this.isClosing = true
    this.#host.closing(this)
    if (!this.#isBusy) this.#host.runQueue.ready(this)
  }

  /** Stops at once: what waits is dropped and counted, and nothing waits for a handler that is still at work. */
  kill(reason: DropReason): void {
    if (this.#isStopped) return
    if (!this.isClosing) {
      this.isClosing = true
      this.#host.closing(this)
    }
    const first = this.queue.peek()
    const dropped = this.queue.clear()
    if (dropped > 0) this.#host.drops.count(reason, first, dropped)
    if (this.#isStarted && !this.#isFinishing) this.#callStop()?.catch(() => undefined)
    this.#end()
  }

  /** @returns whether the worker may handle messages now. */
  #start(): boolean {
    try {
      this.#isCalled = true
      const result = this.#call.start(this.#context as Context)
      if (!isPromise(result)) {
        this.#isStarted = true
        return true
      }
      this.#isBusy = true
      result.then(
        () => {
          this.#isStarted = true
          this.#settled()
        },
        (error: unknown) => this.#failStart(error),
      )
    } catch (error) {
      this.#failStart(error)
    } finally {
      this.#isCalled = false
    }
    return false
  }

  #failStart(error: unknown): void {
    this.#report('start', error)
    this.kill('stopped')
  }

  #runSingly(budget: number, turn: Turn): number {
    const queue = this.queue
    let handled = 0
    let lookAtClock = 1
    while (handled < budget && !this.#isStopped) {
      const next = queue.peek()
      if (next === undefined) break
      if (next.admission !== undefined) {
        this.#waitForAdmission(next, next.admission)
        break
      }
      // The clock is read after 1, 2, 4, 8 … messages: seldom, and yet never later than twice the time that is allowed.
      if (handled === lookAtClock) {
        if (turn.isOver()) break
        lookAtClock *= 2
      }
      const message = queue.shift() as RoutedMessage
      handled++
      if (!this.#isTransit) this.#copier.own(message)
      let result: unknown
      try {
        result = this.#call.single(message, this.#context as Context)
      } catch (error) {
        this.#report('message', error)
      }
      if (isPromise(result)) {
        this.#hold(result, 1, message.pinned)
        break
      }
      queue.finish(1, message.pinned)
    }
    return handled
  }

  #runBatch(budget: number): number {
    const queue = this.queue
    const batch = this.#batch
    let bytes = 0
    let pinned = 0
    while (batch.length < budget && bytes < MAX_BATCH_BYTES) {
      const message = queue.peek()
      if (message === undefined) break
      if (message.admission !== undefined) {
        if (batch.length === 0) this.#waitForAdmission(message, message.admission)
        break
      }
      queue.shift()
      bytes += message.payload.length
      pinned += message.pinned
      if (!this.#isTransit) this.#copier.own(message)
      batch.push(message)
    }
    const handled = batch.length
    if (handled === 0) return 0
    let result: unknown
    try {
      result = this.#call.batch(batch, this.#context as Context)
    } catch (error) {
      this.#report('message', error)
    }
    if (isPromise(result)) {
      this.#hold(result, handled, pinned)
    } else {
      batch.length = 0
      queue.finish(handled, pinned)
    }
    return handled
  }

  /** The handler is not done: what it has in hand goes on counting. */
  #hold(result: Promise<void>, messages: number, bytes: number): void {
    this.#isBusy = true
    this.#heldMessages = messages
    this.#heldBytes = bytes
    result.then(this.#settle, this.#fail)
  }

  #settled(): void {
    this.#isBusy = false
    this.#batch.length = 0
    this.queue.finish(this.#heldMessages, this.#heldBytes)
    this.#heldMessages = 0
    this.#heldBytes = 0
    this.#goOn()
  }

  /** Holds the queue until the access control has decided about its first message. */
  #waitForAdmission(message: RoutedMessage, admission: Promise<boolean>): void {
    this.#isBusy = true
    admission.then(
      (isAllowed) => {
        if (this.#isStopped) return
        message.admission = undefined
        if (!isAllowed) {
          this.queue.shift()
          this.queue.finish(1, message.pinned)
          this.#host.drops.count('denied-incoming', message, 1, this.incoming?.description)
        }
        this.#settled()
      },
      () => undefined,
    )
  }

  #goOn(): void {
    if (this.#isStopped) return
    if (this.queue.waiting > 0) this.#host.runQueue.ready(this)
    else if (this.isClosing) this.#finish()
    else this.#host.idle()
  }

  /** The last message was handled: `stop`, and the end. */
  #finish(): void {
    if (this.#isFinishing) return
    const stopping = this.#callStop()
    if (stopping === undefined) this.#end()
    else
      stopping.then(
        () => this.#end(),
        () => this.#end(),
      )
  }

  #callStop(): Promise<void> | undefined {
    this.#isFinishing = true
    this.#isCalled = true
    try {
      const result = this.#call.stop(this.#context as Context)
      if (!isPromise(result)) return undefined
      return result.then(undefined, (error: unknown) => this.#report('stop', error))
    } catch (error) {
      this.#report('stop', error)
      return undefined
    } finally {
      this.#isCalled = false
    }
  }

  #end(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.queue.relieve()
    this.queue.leave()
    this.#resolveStopped?.()
    this.#host.ended(this)
  }

  #report(phase: 'start' | 'message' | 'stop', error: unknown): void {
    reportFailure(this.#host.diagnostics, this.address, phase, error)
  }
}
