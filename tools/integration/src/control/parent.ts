/**
 * The side of a child program in its talk with the test that started it: the test asks over Node's IPC channel, the program answers. A program never
 * outlives its test, whatever happens to the test.
 */

import { OckamError } from '@ockam/core'

/** What a program can be asked. */
export type Answers = Readonly<Record<string, (argument: never) => unknown>>

/** From the test. Ids count from 1; the program's first message, with id 0, says that it is ready. */
export interface Question {
  readonly id: number
  readonly ask: string
  readonly argument: unknown
}

export interface Answer {
  readonly id: number
  readonly answer?: unknown
  /** Errors cross with their stable code and their message. */
  readonly failure?: { readonly code: string; readonly message: string }
}

/** What the test passed when it started the program. */
export function settings<Settings>(): Settings {
  return JSON.parse(process.argv[2] ?? '{}') as Settings
}

/** Tells the test that the program is ready, and answers from now on. */
export function answerParent(answers: Answers, ready?: unknown): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', ({ id, ask, argument }: Question) => {
    const respond = answers[ask] as ((argument: unknown) => unknown) | undefined
    Promise.resolve()
      .then(() => {
        if (respond === undefined) throw new Error(`This program cannot be asked for "${ask}".`)
        return respond(argument)
      })
      .then(
        (answer) => tell({ id, answer }),
        (error: unknown) => tell({ id, failure: failureOf(error) }),
      )
  })
  tell({ id: 0, answer: ready })
}

function tell(answer: Answer): void {
  process.send?.(answer)
}

function failureOf(error: unknown): NonNullable<Answer['failure']> {
  if (OckamError.is(error)) return { code: error.code, message: error.message }
  return { code: 'none', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}
