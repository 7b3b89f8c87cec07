/** The command in a real terminal, driven by tmux: colours, columns, questions, moving things, interruptions. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CommandHome, commandHome } from './terminal/built-command.ts'
import { hasTmux, openTmux, type Tmux } from './terminal/tmux.ts'

const ESCAPE = '\u001B'
const BOLD = `${ESCAPE}[1m`

describe.skipIf(!hasTmux())('in a terminal (needs tmux)', { timeout: 120_000 }, () => {
  let own: CommandHome
  let terminal: Tmux
  beforeAll(async () => {
    own = await commandHome()
    const { code, stderr } = await own.run('ockam node create n1 --quiet && ockam node create a-longer-name --quiet')
    if (code !== 0) throw new Error(stderr)
  }, 60_000)
  afterAll(() => own.close(), 60_000)
  beforeEach(async () => {
    terminal = await openTmux(own)
  })
  afterEach(() => terminal.close())

  test('lists are columns under bold titles', async () => {
    await terminal.type('ockam node list')
    const screen = await terminal.isReady(true)
    expect(screen).toContain(`${BOLD}NAME`)
    const [title = '', first = '', second = ''] = (await terminal.screen()).split('\n').slice(1)
    for (const word of ['STATUS', 'PROCESS', 'ADDRESS']) expect(title).toContain(word)
    expect(first.indexOf('running')).toBe(title.indexOf('STATUS'))
    expect(second.indexOf('running')).toBe(title.indexOf('STATUS'))
    expect(first.indexOf('/ip4/')).toBe(title.indexOf('ADDRESS'))
  })

  test('errors are red, and nothing is with NO_COLOR or --no-color', async () => {
    await terminal.type('ockam node show nothing')
    expect(await terminal.isReady(true)).toContain(`${ESCAPE}[31merror:`)
    for (const line of ['NO_COLOR=1 ockam node show nothing', 'ockam node show nothing --no-color', 'ockam node list --no-color']) {
      await terminal.clear()
      await terminal.type(line)
      expect(await terminal.isReady(true), line).not.toMatch(new RegExp(`${ESCAPE}\\[[0-9;]*m`))
    }
  })

  test('a deletion is asked about; no keeps, yes deletes', async () => {
    await terminal.type('ockam node create short-lived --quiet')
    await terminal.isReady()
    await terminal.type('ockam node delete short-lived')
    await terminal.shows('Delete node "short-lived"?')
    await terminal.press('n')
    await terminal.isReady()
    await terminal.clear()
    await terminal.type('ockam node delete short-lived')
    await terminal.shows('Delete node "short-lived"?')
    await terminal.press('y')
    await terminal.shows('Deleted node "short-lived".')
    await terminal.isReady()
    await terminal.clear()
    await terminal.type('ockam node delete short-lived --yes')
    expect(await terminal.isReady()).toContain('error: Node "short-lived" not found.')
  })

  test('nothing is asked with --no-input', async () => {
    await terminal.type('ockam node delete n1 --no-input')
    expect(await terminal.isReady()).toContain('error: Delete node "n1"? There is nobody to ask here.')
  })

  test('a passphrase is asked for twice when it is new, once afterwards, and never shown', async () => {
    await terminal.type('ockam vault create v --passphrase')
    await terminal.shows('New passphrase of vault "v"')
    await terminal.type('battery staple')
    await terminal.shows('Once more')
    await terminal.type('battery stable')
    expect(await terminal.isReady()).toContain('error: The two passphrases differ.')
    await terminal.clear()
    await terminal.type('ockam vault create v --passphrase')
    await terminal.shows('New passphrase of vault "v"')
    await terminal.type('battery staple')
    await terminal.shows('Once more')
    await terminal.type('battery staple')
    const created = await terminal.isReady()
    expect(created).toContain('Created the vault "v"')
    expect(created).not.toContain('staple')
    await terminal.clear()
    // A node in the background cannot ask, so the command asks for it.
    await terminal.type('ockam identity create locked --vault v')
    await terminal.shows('Passphrase of vault "v"')
    await terminal.type('battery staple')
    await terminal.shows('Created the identity "locked"')
    await terminal.isReady()
    await terminal.clear()
    await terminal.type('ockam node create secret --identity locked --quiet')
    expect(await terminal.isReady()).toContain('there is nobody to ask for it')
    await terminal.clear()
    await terminal.type('ockam node create secret --identity locked')
    await terminal.shows('Passphrase of vault "v"')
    await terminal.type('battery staple')
    await terminal.shows('Created node "secret"')
    expect(await terminal.isReady()).not.toContain('staple')
  })

  test('what takes time is shown while it takes it, and is gone afterwards', async () => {
    await terminal.type('ockam message send hello --to /node/n1/service/nobody --timeout 3s')
    await terminal.shows('Sending to /node/n1/service/nobody')
    const after = await terminal.isReady()
    expect(after).toContain('error: No answer from')
    expect(after.replace('$ ockam', '').match(/Sending to/g)).toBeNull()
    expect(await terminal.isCursorShown()).toBe(true)
  })

  test('an interruption gives the terminal back as it was', async () => {
    await terminal.type('ockam message send hello --to /node/n1/service/nobody --timeout 10m; echo "code $?"')
    await terminal.shows('Sending to /node/n1/service/nobody')
    await terminal.press('C-c')
    await terminal.shows('code 130')
    await terminal.isReady()
    expect(await terminal.isCursorShown()).toBe(true)
  })

  test('lists are lines of tab-separated values again when somebody else reads them', async () => {
    await terminal.type('ockam node list | cut -f1,2 | cat -A')
    expect(await terminal.isReady()).toContain('n1^Irunning$')
  })
})
