/**
 * Brands of value classes: a symbol of the global registry on the prototype, by which instances made by another installed copy of this package
 * are recognised too.
 */

const INSPECT: symbol = Symbol.for('nodejs.util.inspect.custom')

/** Marks a class's instances. Called from the class's static block. */
export function brand(prototype: object, mark: symbol): void {
  Object.defineProperty(prototype, mark, { value: true })
}

/** As {@link brand}; Node's console then prints instances as their text. */
export function brandPrintable(prototype: object, mark: symbol): void {
  brand(prototype, mark)
  Object.defineProperty(prototype, INSPECT, {
    value(this: { toString(): string }): string {
      return this.toString()
    },
  })
}

/** Whether a value carries a brand. */
export function hasBrand(value: unknown, mark: symbol): boolean {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[mark] === true
}
