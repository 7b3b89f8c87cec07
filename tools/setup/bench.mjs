// `npm run bench`: installs and builds when needed, then runs the benchmarks. Arguments go to them: `npm run bench -- --quick`.
// With `--rust` the comparison with Rust nodes instead.
import { join } from 'node:path'
import { build, install, root, run } from './workspace.mjs'

await install()
if (!(await build('@ockam/bench^...', '@ockam/cli'))) process.exit(1)
const argv = process.argv.slice(2)
const program = argv.includes('--rust') ? 'rust.mjs' : 'run.mjs'
const { code } = await run(process.execPath, [join(root, 'tools', 'bench', program), ...argv.filter((argument) => argument !== '--rust')])
process.exitCode = code
