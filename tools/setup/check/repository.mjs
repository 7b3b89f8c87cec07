// Small promises about the files git tracks: every published package explains and licenses itself, its README names it and has what readers look for,
// ARCHITECTURE.md lists it, and no file carries a path of somebody's machine.
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root, run, workspaceFolders } from '../workspace.mjs'

const machinePath = /(?<![\w.~%-])(?:\/(?:home|root|Users|work|tmp)\/[\w.@-]|[A-Z]:\\Users\\)|registry\.npmjs\.org/

/** Licence texts and pnpm's lock file are not ours to edit; this file has to say what it looks for. */
const isExempt = (file) => /(^|\/)(LICENSE|pnpm-lock\.yaml)$/.test(file) || file === 'tools/setup/check/repository.mjs'

/** What readers look for in the README of every published package: how to get it, what may go wrong, what it promises and what not, what it brings along. */
const sections = [
  { what: 'Errors', heading: /^## (?:Errors|Exit codes)\b/m },
  { what: 'Security', heading: /^## Security\b/m },
  { what: 'Dependencies', heading: /^## Dependencies\b/m },
]

/** What a README lacks. */
export const missingSections = (readme, name) => [
  ...sections.filter(({ heading }) => !heading.test(readme)).map(({ what }) => `has no section "${what}"`),
  ...(new RegExp(`^npm install .*${name}(?![\\w/-])`, 'm').test(readme) ? [] : [`does not tell how to install ${name}`]),
]

/** How the table of packages in ARCHITECTURE.md differs from the packages there are. */
export const tableProblems = (architecture, names) => {
  const rows = [...architecture.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name)
  return [
    ...names.filter((name) => !rows.includes(name)).map((name) => `ARCHITECTURE.md has no row for ${name}`),
    ...rows.filter((name) => !names.includes(name)).map((name) => `ARCHITECTURE.md has a row for ${name}, which is no published package`),
  ]
}

export const repository = async () => {
  const problems = []
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8')
  for (const { folder, manifest } of workspaceFolders()) {
    const read = (name) => (existsSync(join(root, folder, name)) ? readFileSync(join(root, folder, name), 'utf8') : undefined)
    if (!read('README.md')?.includes(manifest.name)) problems.push(`${folder}/README.md is missing or does not name ${manifest.name}`)
    if (manifest.private !== true)
      problems.push(...missingSections(read('README.md') ?? '', manifest.name).map((what) => `${folder}/README.md ${what}`))
    if (manifest.private !== true && read('LICENSE') !== licence) problems.push(`${folder}/LICENSE is missing or differs from the root's`)
    if (manifest.license !== 'Apache-2.0') problems.push(`${folder}/package.json does not say "license": "Apache-2.0"`)
  }
  const published = workspaceFolders().filter(({ manifest }) => manifest.private !== true)
  problems.push(
    ...tableProblems(
      readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'),
      published.map(({ folder }) => basename(folder)),
    ),
  )
  const { code, output } = await run('git', ['ls-files', '-z'], { capture: true })
  if (code !== 0) return { ok: false, output: `git could not list the tracked files: ${output}` }
  for (const file of output.split('\0').filter((name) => name !== '' && !isExempt(name) && existsSync(join(root, name)))) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n')
    for (const [index, line] of lines.entries())
      if (machinePath.test(line)) problems.push(`${file}:${index + 1} names a path or host of one machine: ${line.trim().slice(0, 120)}`)
  }
  return { ok: problems.length === 0, output: problems.join('\n') }
}
