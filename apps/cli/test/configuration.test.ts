/** Configurations: which variables they see, whom they let in, and what messages show of where they come from. */

import { afterEach, describe, expect, test, vi } from 'vitest'
import { readConfiguration } from '../src/node/configuration.ts'
import { fetchConfiguration } from '../src/node/fetch-configuration.ts'

const NOBODY = `I${'0'.repeat(64)}`
const NONE: ReadonlyMap<string, string> = new Map()
const usage = (message: RegExp): unknown => expect.objectContaining({ code: 'cli/usage', message: expect.stringMatching(message) })

describe('a variable', () => {
  const environment = { PORT: '1', OCKAM_VAULT_PASSPHRASE: 'secret', ockam_vault_key_file: 'k', OCKAM_VAULT_OTHER: 'o' }
  const name = (text: string, given = NONE, seen: typeof environment | undefined = environment): unknown =>
    readConfiguration(text, given, seen).node['name']

  test('is looked for on the command line, in the environment and in the configuration', () => {
    const text = '{ name: $PORT, variables: { PORT: 3 } }'
    expect(name(text, new Map([['PORT', '2']]))).toBe('2')
    expect(name(text)).toBe('1')
    expect(readConfiguration(text, NONE, {}).node['name']).toBe('3')
  })

  test('of the environment is not there for a configuration that must not see it', () => {
    const read = (text: string, given = NONE): unknown => readConfiguration(text, given, undefined).node['name']
    expect(() => read('{ name: $PORT }')).toThrow(usage(/^The variable PORT has no value: a configuration from a URL /))
    expect(read('{ name: $PORT, variables: { PORT: 3 } }')).toBe('3')
    expect(read('{ name: $PORT }', new Map([['PORT', '2']]))).toBe('2')
  })

  test.each(['OCKAM_VAULT_PASSPHRASE', 'ockam_vault_key_file', 'OCKAM_VAULT_OTHER'])(
    '%s of the environment is for no configuration',
    (secret) => {
      expect(() => name(`{ name: $${secret} }`)).toThrow(usage(new RegExp(`asks for ${secret}, `)))
      expect(() => readConfiguration(`{ tcp-outlet: { to: "h:\${${secret}}" } }`, NONE, environment)).toThrow(usage(new RegExp(secret)))
      expect(name(`{ name: $${secret}, variables: { ${secret}: mine } }`)).toBe('mine')
    },
  )

  test.each(['constructor', 'toString', '__proto__'])('named %s has no value by itself', (inherited) => {
    expect(() => name(`{ name: $${inherited} }`)).toThrow(usage(/has no value/))
    expect(() => readConfiguration(`{ ${inherited}: { a: {} } }`, NONE, {})).toThrow(usage(/does not know/))
  })
})

describe('who may', () => {
  const read = (text: string): unknown => readConfiguration(text, NONE, {})

  test.each(['[]', 'true', 'false', 'null', '""', '[""]', '{}', '{ a: {} }'])('is not said by %s', (value) => {
    const refused = usage(/names nobody|neither text nor a number/)
    expect(() => read(`{ authorized: ${value} }`)).toThrow(refused)
    expect(() => read(`{ tcp-outlet: { to: 5000, allow: ${value} } }`)).toThrow(refused)
    expect(() => read(`{ tcp-outlets: { a: { to: 5000, expression: ${value} } } }`)).toThrow(refused)
    expect(() => read(`{ relay: { at: /node/a, authorized: ${value} } }`)).toThrow(refused)
    expect(() => read(`{ secure-channel-listener: { authorized: ${value} } }`)).toThrow(refused)
  })

  test('is said by one identifier or several, or left out', () => {
    expect(read(`{ authorized: ${NOBODY}, tcp-outlet: { to: 5000, allow: [${NOBODY}, ${NOBODY}] }, tcp-listener: l }`)).toEqual({
      node: { authorized: NOBODY },
      commands: [
        ['tcp-listener', 'create', 'l'],
        ['tcp-outlet', 'create', '--to=5000', `--allow=${NOBODY}`, `--allow=${NOBODY}`],
      ],
      named: [],
    })
  })

  test('is not taken for the value of an option that misses its own', () => {
    const { commands } = readConfiguration(`{ tcp-outlet: { from: true, allow: ${NOBODY}, to: 5000 } }`, NONE, {})
    expect(commands).toEqual([['tcp-outlet', 'create', `--allow=${NOBODY}`, '--to=5000', '--from']])
  })

  test.each(['name', 'identity', 'tcp-listener-address'])('and %s of the node is one text', (option) => {
    for (const value of ['[a]', 'true']) expect(() => read(`{ ${option}: ${value} }`)).toThrow(usage(/is one text/))
  })
})

describe('the URL of a configuration', () => {
  const shown = async (url: string): Promise<string> => {
    const failure = await fetchConfiguration(url).catch((error: Error) => error)
    let text = ''
    for (let at: unknown = failure; at instanceof Error; at = at.cause) text += `${at.message}\n${at.stack}\n`
    return text
  }

  afterEach(() => {
    vi.unstubAllGlobals()
  })

  test.each([
    'http://user:password@example.com/node.yaml?token=secret#fragment',
    'https://user:password@127.0.0.1:1/node.yaml?token=secret#fragment',
    'HTTPS://127.0.0.1:1/node.yaml?token=secret#fragment',
  ])('is shown without what may be secret: %s', async (url) => {
    const text = await shown(url)
    expect(text).toMatch(/https?:\/\/(example.com|127.0.0.1:1)\/node\.yaml /)
    expect(text).not.toMatch(/user:|password@|secret|fragment/)
  })

  test.each([
    ['an answer that is none', new Response('', { status: 404 })],
    ['an answer that is too large', new Response('x'.repeat(1024 * 1024 + 1))],
  ])('is shown so for %s, too', async (_, response) => {
    vi.stubGlobal('fetch', async () => response)
    const text = await shown('https://example.com/node.yaml?token=secret')
    expect(text).toContain('https://example.com/node.yaml ')
    expect(text).not.toContain('secret')
  })

  test('is not shown when it is none', async () => {
    expect(await shown('https://user:password@:x/')).toMatch(/^The URL of the configuration is not a URL\.\n(?!.*password)/)
  })
})
