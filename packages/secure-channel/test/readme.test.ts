import { readFileSync } from 'node:fs'
import { createIdentities } from '@ockam/identity'
import { createRouter } from '@ockam/routing'
import { softwareVault } from '@ockam/vault-software'
import { expect, test } from 'vitest'
import { createSecureChannels, trustIdentifier } from '../src/index.ts'

test('the example of the README runs as it stands there', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const imports = [...example.matchAll(/^import \{ (.*) \} from/gm)].flatMap(([, names]) => (names as string).split(', '))
  const known = { createIdentities, createRouter, createSecureChannels, softwareVault, trustIdentifier }
  expect(imports.toSorted()).toEqual(Object.keys(known).toSorted())
  const body = example.replace(/^import .*$/gm, '')
  const AsyncFunction = (async () => undefined).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<{ text: string; router: ReturnType<typeof createRouter> }>
  const run = new AsyncFunction(...Object.keys(known), `${body}\nreturn { text: new TextDecoder().decode(reply.payload), router }`)
  const { text, router } = await run(...Object.values(known))
  expect(text).toBe('hello')
  await router.close()
})
