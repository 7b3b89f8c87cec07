/** Ways whose routes a test makes, answers and cuts as it likes. */
import { dropPressure, type Establish, type LocalMessage, OckamError, type ResolvedRoute, Route, type Router } from '@ockam/core'
import { until } from '../fixture/settle.ts'

/** A way through a worker of the same node that stands for a connection: it answers pings as long as `answers` is true. */
export class ScriptedWay {
  answers = true
  /** What an attempt does instead of opening: throws this. */
  failure: Error | undefined
  /** Attempts so far. */
  attempts = 0
  /** Attempts that have begun and not ended. */
  underWay = 0
  opened = 0
  closed = 0
  readonly pings: Uint8Array[] = []
  /** Holds every attempt until this resolves. */
  gate: Promise<void> | undefined
  /** Whether the gate is waited for even when the attempt is given up. */
  ignoresSignal = false
  #cut: () => void = () => undefined
  readonly #router: Router

  constructor(router: Router) {
    this.#router = router
  }

  readonly establish: Establish = async (signal) => {
    this.attempts++
    this.underWay++
    try {
      if (this.failure !== undefined) throw this.failure
      const { gate } = this
      if (gate !== undefined) await (this.ignoresSignal ? gate : Promise.race([gate, rejection(signal)]))
      return this.#open()
    } finally {
      this.underWay--
    }
  }

  /** The connection of the route opened last ends. */
  cut(): void {
    this.#cut()
  }

  /** Sends something else along the route, as the other side might. */
  say: (payload: Uint8Array) => void = () => undefined

  #open(): ResolvedRoute {
    this.opened++
    const { flowControls } = this.#router
    const producer = flowControls.createProducer('transport')
    const worker = this.#router.startWorker(
      undefined,
      (message: LocalMessage, context) => {
        this.pings.push(message.payload)
        if (!this.answers) return undefined
        return context.dispatch({ onwardRoute: message.returnRoute, returnRoute: Route.empty, payload: message.payload, origin: producer })
      },
      { from: 'local', producer },
    )
    this.say = (payload) => {
      const message = { onwardRoute: Route.of('nobody'), returnRoute: Route.empty, payload, origin: producer }
      dropPressure(this.#router.context.dispatch(message))
    }
    let end: () => void = () => undefined
    const closed = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#cut = () => {
      dropPressure(worker.close())
      end()
    }
    return {
      route: Route.of(worker.address),
      producer,
      closed,
      close: async () => {
        this.closed++
        end()
        await worker.close()
      },
    }
  }
}

export function refused(): OckamError {
  return new OckamError('transport/connect-failed', 'Refused, says the test.')
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
}

/** Until the condition holds, moving the clock in between by steps. */
export async function advanceUntil(clock: { advance(ms: number): void }, condition: () => boolean, stepMs = 100): Promise<void> {
  for (let i = 0; i < 5000; i++) {
    if (condition()) return
    clock.advance(stepMs)
    await until(() => true)
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('Gave up moving the clock.')
}
