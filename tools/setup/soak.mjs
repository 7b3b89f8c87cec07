// `npm run soak`: installs, builds, and runs the long tests of portals and sessions as long as they are meant: 8 GiB through a portal, 1 GiB to a client
// that reads slowly throughout, and sessions with their default intervals, whose processes are suspended for a minute. About an hour; other arguments
// go to vitest: `npm run soak -- session-killed`.
import { build, install, run } from './workspace.mjs'

const LONG = ['portal-asleep', 'portal-pressure', 'session-killed', 'session-portal', 'session-stalled', 'session-suspended']

const given = process.argv.slice(2)
const hasFilter = given.some((argument) => !argument.startsWith('-'))
await install()
if (!(await build())) process.exit(1)
// One file after the other: memory and times are to be those of the test alone.
const args = ['run', '--project', 'integration', '--no-file-parallelism', ...(hasFilter ? [] : LONG), ...given]
const { code } = await run('vitest', args, { env: { OCKAM_SOAK: '1' } })
process.exitCode = code
