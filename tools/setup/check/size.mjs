// Browser budgets: every entry point of every browser-safe package is bundled for browsers, with all its dependencies, and its
// compressed size must stay within the budget in `.size-limit.mjs`. An entry without a budget fails, so that none is forgotten.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, run, workspaceFolders } from '../workspace.mjs'
import { isPortable } from './install-script.mjs'

const entries = ({ folder, manifest }) =>
  Object.values(manifest.exports)
    // What has sources alone is for the workspace's own tests, and is not published.
    .filter((target) => typeof target === 'object' && target.default !== undefined)
    .map((target) => join(folder, target.default))

export const size = async () => {
  const budgets = (await import(pathToFileURL(join(root, '.size-limit.mjs')).href)).default
  const portable = workspaceFolders().filter(({ folder, manifest }) => manifest.private !== true && isPortable(folder))
  const missing = portable.flatMap(entries).filter((entry) => !budgets.some((budget) => budget.path === entry))
  if (missing.length > 0) return { ok: false, output: `No budget in .size-limit.mjs for ${missing.join(', ')}` }
  const { code, output } = await run('size-limit', [], { capture: true, env: { NO_COLOR: '1' } })
  return { ok: code === 0, output }
}
