// Type-checks every tsconfig of the workspace: sources with only what their platform has (no Node types in browser-safe packages),
// tests with Node's types. Works on sources, so nothing needs to be built.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, workspaceFolders } from '../workspace.mjs'
import { inParallel } from './parallel.mjs'

const hasSources = (folder) =>
  existsSync(join(root, folder)) &&
  readdirSync(join(root, folder), { recursive: true }).some((name) => /^(?!.*node_modules).*\.ts$/.test(name))

const configurations = () => [
  'tsconfig.json',
  ...workspaceFolders().flatMap(({ folder }) => [
    ...readdirSync(join(root, folder))
      .filter((name) => /^tsconfig.*\.json$/.test(name))
      .filter(() => hasSources(`${folder}/src`) || hasSources(`${folder}/test`))
      .map((name) => `${folder}/${name}`),
    ...(existsSync(join(root, folder, 'test/tsconfig.json')) && hasSources(`${folder}/test`) ? [`${folder}/test/tsconfig.json`] : []),
  ]),
]

export const types = async () => {
  const results = await inParallel(configurations(), async (configuration) => {
    // Files of a referenced project are not checked by the referring one, so a browser-safe file could use Node unseen.
    if (/"references"\s*:/.test(readFileSync(join(root, configuration), 'utf8')))
      return { ok: false, output: `${configuration}: has "references", which exempts files from its checks\n` }
    const { code, output } = await run('tsc', ['-p', configuration, '--noEmit', '--pretty', 'false'], { capture: true })
    return { ok: code === 0, output: code === 0 ? '' : `${configuration}:\n${output}` }
  })
  return { ok: results.every((result) => result.ok), output: results.map((result) => result.output).join('') }
}
