/** What differential fuzzing against a Rust node has found about requests and responses of the node API, replayed without Rust. */

import { readFileSync } from 'node:fs'
import { OckamError } from '@ockam/core'
import { CborWriter } from '@ockam/core/cbor'
import { type ApiMethod, decodeApiError, decodeApiRequest, decodeApiResponse } from '@ockam/routing'
import { describe, expect, test } from 'vitest'

const METHODS: readonly ApiMethod[] = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']

const bytesOf = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
const cases = readFileSync(new URL('./rust-verdict.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' ') as [kind: string, input: string, ours: string])

function request(input: Uint8Array): Uint8Array {
  const { id, path, method, body } = decodeApiRequest(input)
  const writer = new CborWriter().array(4).uint(id).text(path).uint(METHODS.indexOf(method))
  return writeBody(writer, body).finish()
}

function response(input: Uint8Array): Uint8Array {
  const { id, re, status, body } = decodeApiResponse(input)
  const writer = new CborWriter().array(4).uint(id).uint(re).uint(status)
  if (status === 200) return writeBody(writer, body).finish()
  const { path, method, message } = body === undefined ? {} : decodeApiError(body)
  writer.array(3)
  writeText(writer, path)
  if (method === undefined) writer.null()
  else writer.uint(METHODS.indexOf(method))
  writeText(writer, message)
  return writer.finish()
}

const writeBody = (writer: CborWriter, body: Uint8Array | undefined): CborWriter =>
  body === undefined ? writer.bool(false) : writer.bytes(body)
const writeText = (writer: CborWriter, text: string | undefined): CborWriter => (text === undefined ? writer.null() : writer.text(text))

describe('bytes that were given to a Rust node too', () => {
  test.each([
    ['api-request', request],
    ['api-response', response],
  ] as const)('%s: are refused, or read, as written down', (kind, decode) => {
    const own = cases.filter(([name]) => name === kind)
    expect(own.length).toBeGreaterThan(5)
    for (const [, input, ours] of own) {
      const run = (): string => Buffer.from(decode(bytesOf(input))).toString('hex')
      if (ours === '-') expect(run, input).toThrow(OckamError)
      else expect(run(), input).toBe(ours === '=' ? input : ours)
    }
  })
})
