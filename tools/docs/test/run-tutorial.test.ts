import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { OckamCommand } from '../src/ockam-command.ts'
import { runTutorial, terminalSections } from '../src/run-tutorial.ts'

const block = (info: string, code: string): string => `\`\`\`${info}\n${code}\n\`\`\`\n`

async function openCommand(): Promise<OckamCommand> {
  const command = await OckamCommand.open()
  onTestFinished(() => command.close())
  return command
}

async function follow(markdown: string): Promise<number> {
  const { folder, scripts, environment } = await openCommand()
  return runTutorial({ name: 'self.md', markdown, folder, scripts, environment, prefix: [] })
}

describe('the test of tutorials', () => {
  test('pastes blocks into one terminal, compares what it shows, and knows other terminals', async () => {
    const blocks = [
      block('bash', 'colour=blue\npaint() { echo "painted $1"; }'),
      block('bash', 'paint $colour\necho said aloud >&2\nockam --version'),
      block('text', 'painted blue\nsaid aloud\nockam …'),
      block('bash terminal=other stays', 'echo started; echo $colour; cat; sleep 600'),
      block('text', 'started\n'),
      block('bash exit=3', 'false\n(exit 3)'),
      block('bash', "cat << 'END'\n$colour\nEND"),
      block('text', '$colour'),
      block('bash no-run: needs the internet', 'curl example.com'),
    ]
    expect(await follow(blocks.join('prose\n'))).toBe(5)
  })

  test.each([
    ['a command that fails', block('bash', 'false\ntrue'), 'A command failed'],
    ['a command that fails in a pipeline', block('bash', 'false | true'), 'A command failed'],
    ['another exit code than written', block('bash exit=3', 'exit_code() { return 4; }\nexit_code'), 'code 4 instead of 3'],
    ['success where a failure is written', block('bash exit=3', 'true'), 'code 0 instead of 3'],
    ['other output than shown', block('bash', 'echo 1') + block('text', '2'), 'The tutorial shows'],
    ['errors that are not shown', block('bash', 'echo warning >&2'), 'The tutorial shows'],
    ['shown output that is not printed', block('bash', 'true') + block('text', '1'), 'The tutorial shows'],
    ['a server that ends early', block('bash terminal=web stays', 'exit 1') + block('text', 'ready'), 'It ended'],
    ['output that belongs to no block', block('text', '1'), 'blocks marked bash'],
    ['a block of another kind', block('sh', 'true'), 'blocks marked bash'],
    ['directions it does not know', block('bash stay', 'true'), '"stay" says nothing'],
  ])('fails for %s', async (_, markdown, reason) => {
    await expect(follow(markdown)).rejects.toThrow(reason)
  })

  test('ends what stays in the foreground, also when a later block fails', async () => {
    const command = await openCommand()
    const { folder, scripts, environment } = command
    const markdown = block('bash terminal=web stays', 'echo up; sleep 600') + block('text', 'up') + block('bash', 'false')
    await expect(runTutorial({ name: 'self.md', markdown, folder, scripts, environment, prefix: [] })).rejects.toThrow('A command failed')
    expect(await command.running()).toEqual([])
  })

  test.skipIf(process.platform !== 'linux')('finds and ends what a tutorial leaves in the background', async () => {
    const command = await openCommand()
    const left = spawn('sleep', ['600'], { detached: true, stdio: 'ignore', env: { ...command.environment } })
    const ended = once(left, 'exit')
    await once(left, 'spawn')
    expect(await command.running()).toEqual([left.pid])
    await command.close()
    expect(await ended).toEqual([null, 'SIGKILL'])
  })

  test.skipIf(process.platform !== 'linux')('ends the nodes of a tutorial that fails in the middle', async () => {
    const command = await openCommand()
    const { folder, scripts, environment } = command
    const markdown = block('bash', 'ockam node create n1 > /dev/null 2>&1\nfalse')
    await expect(runTutorial({ name: 'self.md', markdown, folder, scripts, environment, prefix: [] })).rejects.toThrow('A command failed')
    expect(await command.running()).toHaveLength(1)
    await command.close()
    await vi.waitUntil(async () => (await command.running()).length === 0)
  })

  test('takes from other documents the sections that are for a terminal', () => {
    const program = `## A program\n${block('ts', 'console.log(1)')}`
    const portal = `## A portal\n${block('bash', 'ockam --version')}${block('text', 'ockam …')}`
    expect(terminalSections(`# Title\n${program}${portal}${program}`)).toBe(portal)
    expect(terminalSections(program)).toBe('')
  })

  test('uses the built command and the Node of the test, and a state folder of its own', async () => {
    const { environment, folder } = await openCommand()
    expect(environment.PATH?.split(':')[0]).toBe(join(folder, '..', 'bin'))
    expect(environment.OCKAM_HOME).toBe(join(folder, '..', 'state'))
  })
})
