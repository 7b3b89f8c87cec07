/**
 * Follows the tutorials of docs/guide by copy and paste, with the built command, each with a state folder of its own.
 *
 * Ports: nodes choose free ones by themselves. Where a tutorial has to name the port of a server or an inlet, it does so through a variable with a
 * default, as in `${INLET:-6000}`, which also helps readers whose port is taken. Here each of these variables gets a free port, so that any number of
 * runs on one machine do not meet. The tutorial with networks of its own names ports as it likes: its test runs in network and process namespaces of
 * its own.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../src/free-port.ts'
import { OckamCommand } from '../src/ockam-command.ts'
import { startPostgresql } from '../src/postgresql.ts'
import { filesBelow, root, textOf } from '../src/repository.ts'
import { runTutorial, terminalSections } from '../src/run-tutorial.ts'
import { networkOfItsOwn, postgresqlFolder } from '../src/system-part.ts'

const TIMEOUT_MS = 240_000
const POSTGRESQL = 'docs/guide/tutorial-postgresql.md'
const NETWORKS = 'docs/guide/tutorial-two-networks.md'

const postgresql = postgresqlFolder()
const network = await networkOfItsOwn()
const missing = new Map<string, string>()
if (postgresql === undefined) missing.set(POSTGRESQL, 'PostgreSQL, server and client')
if (network === undefined) missing.set(NETWORKS, 'iproute2, nftables, and either root or user namespaces')

const tutorials = (await filesBelow('docs/guide', '.md')).filter((name) => name.startsWith('docs/guide/tutorial-'))
const familiar = 'tools/docs/test/fixture/familiar-commands.md'
/** Their sections for a terminal, where they have such. */
const readmes: string[] = []
for (const name of ['README.md', 'apps/cli/README.md']) {
  if (existsSync(join(root, name)) && terminalSections(await textOf(name)) !== '') readmes.push(name)
}

test.for([...tutorials, familiar, ...readmes])(
  '%s: every command works as printed, shows what is printed below it, and nothing is left running',
  { timeout: TIMEOUT_MS },
  async (name, { skip }) => {
    const lacking = missing.get(name)
    if (lacking !== undefined) {
      const reason = `${name} needs ${lacking}; on Debian and Ubuntu .ci/install-system-parts installs what is missing.`
      if (process.env.OCKAM_TEST_REQUIRE === 'all') throw new Error(reason)
      console.log(`skipped: ${reason}`)
      skip(reason)
    }
    const markdown = readmes.includes(name) ? terminalSections(await textOf(name)) : await textOf(name)
    const command = await OckamCommand.open()
    onTestFinished(() => command.close())
    const environment = {
      ...command.environment,
      ...(await freePorts(markdown)),
      ...(name === POSTGRESQL && (await database(command.environment.PATH))),
    }
    const { folder, scripts } = command
    const prefix = name === NETWORKS ? (network ?? []) : []
    expect(await runTutorial({ name, markdown, folder, scripts, environment, prefix })).toBeGreaterThan(0)
    // A process that was told to end takes a moment on a busy machine.
    await expect.poll(() => command.running(), { timeout: 10_000 }).toEqual([])
  },
)

/** A value for each `${NAME:-1234}`. */
async function freePorts(markdown: string): Promise<Readonly<Record<string, string>>> {
  const names = new Set([...markdown.matchAll(/\$\{([A-Z][A-Z0-9]*):-\d+\}/g)].map(([, name]) => name as string))
  const ports: Record<string, string> = {}
  for (const name of names) ports[name] = String(await freePort())
  return ports
}

/** A server for this test. Its own programs come first on PATH: what Debian puts there are scripts that look for other servers. */
async function database(path = ''): Promise<Readonly<Record<string, string>>> {
  const server = await startPostgresql(postgresql ?? '', await freePort())
  onTestFinished(() => server.stop())
  return { ...server.environment, PATH: `${postgresql}:${path}` }
}
