/** What the shells complete, asked of the shells themselves: bash always, zsh's and fish's scripts where these shells are installed. */

import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommandHome, commandHome } from './terminal/built-command.ts'

let own: CommandHome

beforeAll(async () => {
  own = await commandHome()
  const { code, stderr } = await own.run('ockam node create n1 --quiet && ockam node create other --quiet && ockam node stop other --quiet')
  if (code !== 0) throw new Error(stderr)
}, 60_000)
afterAll(() => own.close(), 60_000)

/** Line as typed so far, and what completes its last word. */
const CASES = [
  ['ockam no', ['node']],
  ['ockam help', ['help']],
  ['ockam --quiet node cre', ['create']],
  ['ockam --output json node sta', ['start']],
  ['ockam --output ', ['json', 'plain']],
  ['ockam tcp-outlet create --at ', ['n1', 'other']],
  ['ockam tcp-outlet create --at n', ['n1']],
  ['ockam node stop o', ['other']],
  ['ockam tcp-outlet create --to 5000 --fr', ['--from']],
] as const

const ASK_BASH = `
source <(ockam completion bash)
read -ra COMP_WORDS <<< "$1"
[[ "$1" == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_ockam
printf '%s\\n' "\${COMPREPLY[@]}"
`

describe('bash', { timeout: 60_000 }, () => {
  test.each(CASES)('completes "%s"', async (line, expected) => {
    await writeFile(join(own.folder, 'ask.bash'), ASK_BASH)
    const { stdout, stderr } = await own.run(`bash ask.bash '${line}'`)
    expect([...new Set(stdout.split('\n').filter(Boolean))].sort(), stderr).toEqual(expected)
  })
})

const hasShell = (name: string): boolean => spawnSync(name, ['-c', 'true']).status === 0

describe('fish', { timeout: 60_000 }, () => {
  test.skipIf(!hasShell('fish')).each(CASES)('completes "%s"', async (line, expected) => {
    const { stdout, stderr } = await own.run(`fish -c 'ockam completion fish | source; complete -C "${line}" | string split -f1 \\t'`)
    expect([...new Set(stdout.split('\n').filter(Boolean))].sort(), stderr).toEqual(expected)
  })
})

/** zsh completes within its line editor only: what the function would offer is taken in place of that. */
const ASK_ZSH = `
compdef() { :; }
_describe() { print -rl -- "\${(@P)2%%:*}"; }
_files() { :; }
source <(ockam completion zsh)
words=(\${(z)1})
[[ "$1" == *' ' ]] && words+=('')
CURRENT=\${#words}
_ockam
`

describe('zsh', { timeout: 60_000 }, () => {
  test.skipIf(!hasShell('zsh')).each(CASES)('completes "%s"', async (line, expected) => {
    await writeFile(join(own.folder, 'ask.zsh'), ASK_ZSH)
    const { stdout, stderr } = await own.run(`zsh ask.zsh '${line}'`)
    const typed = line.slice(line.lastIndexOf(' ') + 1)
    const offered = stdout.split('\n').filter((word) => word !== '' && word.startsWith(typed))
    expect([...new Set(offered)].sort(), stderr).toEqual(expected)
  })
})
