/**
 * The part of Standard Schema version 1 (https://standardschema.dev) that is used here, so that any schema library fits and none is needed.
 */

/** A schema of zod, valibot, arktype and others. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type StandardResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What is given to a schema, before its defaults and transformations. */
export type SchemaInput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['input']

/** What a schema gives. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** A schema that accepts everything: the explicit way to have none. The type is a promise of yours that nobody checks. */
export function unchecked<Value = unknown>(): StandardSchema<Value> {
  return { '~standard': { version: 1, vendor: 'ockam', validate: (value) => ({ value: value as Value }) } }
}
