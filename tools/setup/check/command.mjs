// The checks that are one command with a configuration file at the root: biome.json, .oxlintrc.json, .dependency-cruiser.mjs, knip.json.
import { run } from '../workspace.mjs'

const command = async (name, args) => {
  const { code, output } = await run(name, args, { capture: true, env: { NO_COLOR: '1' } })
  return { ok: code === 0, output }
}

export const format = () => command('biome', ['format', '--max-diagnostics=100'])
export const lint = () => command('oxlint', ['--type-aware', '--deny-warnings'])
export const boundaries = () => command('depcruise', ['packages', 'apps', 'tools', '--no-progress'])
export const unused = () => command('knip', ['--no-progress', '--no-config-hints'])
