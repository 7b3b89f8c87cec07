/** Gets a configuration from where the user says it is: a file, or a URL. */

import { readFile, stat } from 'node:fs/promises'
import { CommandError, notFoundError, usageError } from '../error.ts'

const MAX_BYTES = 1024 * 1024
const TIMEOUT_MS = 15_000
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])

export const isUrl = (text: string): boolean => /^https?:\/\//i.test(text)

/** Whether the argument of `node create` is a configuration and not a name. */
export const isConfiguration = (text: string): boolean => isUrl(text) || /[/\\]/.test(text) || /\.(ya?ml|json)$/.test(text)

/** @throws {CommandError} `cli/not-found`, `cli/usage`, `cli/failed`, `cli/timeout` */
export async function fetchConfiguration(where: string): Promise<string> {
  if (isUrl(where)) {
    if (!URL.canParse(where)) throw usageError('The URL of the configuration is not a URL.')
    return fromUrl(new URL(where))
  }
  const status = await stat(where).catch(() => undefined)
  if (status === undefined) throw notFoundError(`There is no configuration "${where}".`)
  if (!status.isFile() || status.size > MAX_BYTES) throw usageError(`"${where}" is no file of at most ${MAX_BYTES} bytes.`)
  return readFile(where, 'utf8')
}

/** A configuration decides what is reachable from outside: it is not taken from where anyone on the way could change it. */
async function fromUrl(url: URL): Promise<string> {
  // For messages, which are copied and kept: without user, password, query and fragment, which may be secret.
  const place = `${url.origin}${url.pathname}`
  if (url.username !== '' || url.password !== '') throw usageError(`The URL ${place} has a user or a password in it, which are not sent.`)
  if (url.protocol !== 'https:' && !LOOPBACK.has(url.hostname)) {
    throw usageError(`The configuration at ${place} would travel unprotected.`, 'Use https://, or download and read it first.')
  }
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' }).catch((cause: Error) => {
    const isLate = cause.name === 'TimeoutError'
    throw new CommandError(isLate ? 'cli/timeout' : 'cli/failed', `The configuration at ${place} cannot be fetched: ${reasonOf(cause)}.`, {
      cause,
    })
  })
  if (!response.ok) throw notFoundError(`The configuration at ${place} cannot be fetched: the server answers ${response.status}.`)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MAX_BYTES) throw usageError(`The configuration at ${place} is larger than ${MAX_BYTES} bytes.`)
  }
  return text + decoder.decode()
}

const reasonOf = (error: Error): string => (error.cause instanceof Error ? error.cause.message : error.message)
