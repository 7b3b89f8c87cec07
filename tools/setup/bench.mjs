// `npm run bench`: installs and builds when needed, then runs the benchmarks. Arguments go to them: `npm run bench -- --quick`.
import { join } from 'node:path'
import { build, install, root, run } from './workspace.mjs'

await install()
if (!(await build('@ockam/bench^...'))) process.exit(1)
const { code } = await run(process.execPath, [join(root, 'tools', 'bench', 'run.mjs'), ...process.argv.slice(2)])
process.exitCode = code
