// `npm start`: installs and builds when needed, then runs the demonstration. Arguments go to the demonstration: `npm start -- --keep`.
import { join } from 'node:path'
import { build, install, root, run } from './workspace.mjs'

await install()
console.error('Building ...')
if (!(await build('@ockam/example-sensor-behind-relay...'))) process.exit(1)
const demo = join(root, 'apps', 'examples', 'sensor-behind-relay', 'dist', 'demo.js')
const { code } = await run(process.execPath, [demo, ...process.argv.slice(2)])
process.exitCode = code
