import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { runDocument } from '../src/run-document.ts'
import { extractionFolder } from '../src/repository.ts'

async function run(markdown: string, isComplete = true): ReturnType<typeof runDocument> {
  await mkdir(extractionFolder, { recursive: true })
  const folder = await mkdtemp(join(extractionFolder, 'self-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return runDocument({ name: 'self.md', markdown, folder, isComplete, hasCommands: true })
}

const block = (info: string, code: string): string => `\`\`\`${info}\n${code}\n\`\`\`\n`

describe('the test of documents', () => {
  test('runs blocks of a section as one program, and commands, and compares what they print', async () => {
    const markdown = [
      '## One',
      block('ts', "import { Route } from '@ockam/core'\nconst route = Route.of('echo')\nconsole.log(String(route))"),
      block('text', '…echo'),
      'goes on',
      block('ts', 'console.log(route.length)'),
      block('text', '1'),
      '## Two',
      block('ts', '// greeting.ts\nexport const greeting: string = "good day"'),
      block(
        'ts',
        "// greet.ts\nimport { greeting } from './greeting.ts'\nconsole.log(greeting, process.argv[2])\nsetInterval(() => console.log('still here'), 50)",
      ),
      block('sh background', 'node greet.ts Ada'),
      block('text', 'good day Ada'),
      block('text greet.ts', 'still here'),
      block('sh', 'echo $((1 + 1))'),
      block('text', '2'),
    ].join('\n')
    expect(await run(markdown)).toEqual({ ran: 6, left: [] })
  })

  test('reports what it leaves out, with the reason', async () => {
    const report = await run(block('sh no-run: needs the internet', 'curl example.com'))
    expect(report).toEqual({ ran: 0, left: ['self.md:2 sh: needs the internet'] })
  })

  test.each([
    ['a block that throws', block('ts', 'throw new Error("broken")'), 'broken'],
    ['a block that does not parse', block('ts', 'const = 1'), 'Build failed'],
    ['an import that does not exist', block('ts', "import { nothing } from '@ockam/core/nothing'\nnothing()"), 'Could not resolve'],
    ['other output than shown', block('ts', 'console.log(1)') + block('text', '2'), 'the document shows'],
    ['output that is not shown', block('ts', 'console.log(1)'), 'the document shows'],
    ['shown output that is not printed', block('ts', 'const x = 1') + block('text', '1'), 'the document shows'],
    ['a command that fails', block('sh', 'false'), 'ended with code 1'],
    ['a command that prints something else', block('sh', 'echo 1') + block('text', '2'), 'sh printed'],
    [
      'a program in the background that ends early',
      `${block('ts', '// a.ts\nexport {}')}${block('sh background', 'node a.ts')}${block('text', 'ready')}`,
      'did not print',
    ],
    ['a file that nothing runs', block('ts', '// a.ts\nexport {}'), 'nothing runs a.ts'],
    ['a file that is not shown', block('sh', 'node a.ts'), 'does not show'],
    ['a block left out without a reason', block('ts no-run', 'f()'), 'without a reason'],
    ['a block that is never closed', '```ts\nf()', 'never closed'],
  ])('fails for %s', async (_, markdown, reason) => {
    // tsup says that it failed, whatever it is told; here it has to.
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    onTestFinished(() => said.mockRestore())
    await expect(run(markdown)).rejects.toThrow(reason)
  })

  test('lets a README keep its output to itself, but not show a wrong one', async () => {
    expect(await run(block('ts', 'console.log(1)'), false)).toEqual({ ran: 1, left: [] })
    await expect(run(block('ts', 'console.log(1)') + block('', '2'), false)).rejects.toThrow('the document shows')
  })
})
