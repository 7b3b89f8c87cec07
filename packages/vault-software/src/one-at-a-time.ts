/** Runs asynchronous operations one after another, in the order of the calls. A failure is its caller's alone. */

export type RunInTurn = <Result>(operation: () => Promise<Result>) => Promise<Result>

export function oneAtATime(): RunInTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (operation) => {
    const result = last.then(operation)
    last = result.catch(() => undefined)
    return result
  }
}
