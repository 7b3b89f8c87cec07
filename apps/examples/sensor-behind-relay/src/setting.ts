/** Settings of the programs, from the environment. */

/** @throws {Error} with what to do, when it is missing. */
export function setting(name: string, example: string): string {
  const value = process.env[name]
  if (value === undefined || value === '') {
    console.error(`error: ${name} is not set.\nhint: set it, for instance ${name}=${example}`)
    process.exit(2)
  }
  return value
}

/** Folder a program keeps its identity in. */
export function stateFolder(fallback: string): string {
  return process.env.STATE ?? fallback
}
