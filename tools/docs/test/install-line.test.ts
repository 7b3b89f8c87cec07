import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { imported, installed } from '../src/install-line.ts'
import { root, textOf } from '../src/repository.ts'

const readmes = (await readdir(join(root, 'packages'))).sort().map((name) => `packages/${name}/README.md`)

test.each(readmes)('%s: what its examples import is what it tells to install', async (name) => {
  const markdown = await textOf(name)
  const there = installed(markdown, name)
  expect(there.size).toBeGreaterThan(0)
  expect([...imported(markdown, name)].filter((one) => !there.has(one))).toEqual([])
})

describe('that comparison', () => {
  const block = (language: string, code: string): string => `\`\`\`${language}\n${code}\n\`\`\`\n`

  test('reads names from install commands, without flags and versions', () => {
    const markdown = block('sh', 'npm install --save-dev @ockam/core better-sqlite3@12 @scope/name@1.2.3\nnpm run build')
    expect([...installed(`npm install nothing\n${markdown}`, 'x.md')]).toEqual(['@ockam/core', 'better-sqlite3', '@scope/name'])
  })

  test('reads names from imports of every form, without the part of the package', () => {
    const markdown = block(
      'ts',
      [
        "import { readFile } from 'node:fs/promises'",
        "import Database from 'better-sqlite3'",
        "import {\n  messagePack,\n} from '@ockam/core/message-pack'",
        "import './own.ts'",
        "import 'side-effect/deep'",
        "const { z } = await import('zod')",
      ].join('\n'),
    )
    expect([...imported(markdown, 'x.md')]).toEqual(['better-sqlite3', '@ockam/core', 'side-effect', 'zod'])
  })
})
