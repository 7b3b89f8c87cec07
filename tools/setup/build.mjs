// `npm run build`: installs when needed and builds every package. Arguments are turbo filters, for example `npm run build -- @ockam/core`.
import { build, install } from './workspace.mjs'

await install()
process.exitCode = (await build(...process.argv.slice(2))) ? 0 : 1
