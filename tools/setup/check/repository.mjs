// Small promises about the files git tracks: every published package explains and licenses itself, its README names it, and no file
// carries a path of somebody's machine.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, workspaceFolders } from '../workspace.mjs'

const machinePath = /(?<![\w.~%-])(?:\/(?:home|root|Users|work|tmp)\/[\w.@-]|[A-Z]:\\Users\\)|registry\.npmjs\.org/

/** Licence texts and pnpm's lock file are not ours to edit; this file has to say what it looks for. */
const isExempt = (file) => /(^|\/)(LICENSE|pnpm-lock\.yaml)$/.test(file) || file === 'tools/setup/check/repository.mjs'

export const repository = async () => {
  const problems = []
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8')
  for (const { folder, manifest } of workspaceFolders()) {
    const read = (name) => (existsSync(join(root, folder, name)) ? readFileSync(join(root, folder, name), 'utf8') : undefined)
    if (!read('README.md')?.includes(manifest.name)) problems.push(`${folder}/README.md is missing or does not name ${manifest.name}`)
    if (manifest.private !== true && read('LICENSE') !== licence) problems.push(`${folder}/LICENSE is missing or differs from the root's`)
    if (manifest.license !== 'Apache-2.0') problems.push(`${folder}/package.json does not say "license": "Apache-2.0"`)
  }
  const { code, output } = await run('git', ['ls-files', '-z'], { capture: true })
  if (code !== 0) return { ok: false, output: `git could not list the tracked files: ${output}` }
  for (const file of output.split('\0').filter((name) => name !== '' && !isExempt(name) && existsSync(join(root, name)))) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    for (const [index, line] of lines.entries())
      if (machinePath.test(line)) problems.push(`${file}:${index + 1} names a path or host of one machine: ${line.trim().slice(0, 120)}`)
  }
  return { ok: problems.length === 0, output: problems.join('\n') }
}
