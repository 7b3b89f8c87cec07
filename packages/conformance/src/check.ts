/**
 * The form of every check in every kit: a name and a function that rejects when the promise in the name is broken, so that it runs in any test
 * runner, or in none.
 */

/** `for (const check of kit) test(check.name, check.run)` */
export interface ConformanceCheck {
  /** A sentence in the present tense: what the implementation does. */
  readonly name: string
  /** Rejects with an error that says what was promised and what was found. Independent of all other checks. */
  readonly run: () => Promise<void>
}
