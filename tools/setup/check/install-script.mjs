// A browser-safe package must not bring code that runs when it is installed. Walks the runtime dependencies (and theirs) of every
// package whose sources are checked without Node's types, and refuses install scripts and native builds.
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root, workspaceFolders } from '../workspace.mjs'

/**
 * Browser-safe is what is checked without Node's types: by its tsconfig.json, or, where a few files are for Node only, by a
 * tsconfig.portable.json that leaves those out.
 */
export const isPortable = (folder) =>
  ['tsconfig.json', 'tsconfig.portable.json']
    .map((name) => join(root, folder, name))
    .some((file) => existsSync(file) && readFileSync(file, 'utf8').includes('/tsconfig.portable.json'))

const find = (name, from) => {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate)
    if (folder === dirname(folder)) return undefined
  }
}

const walk = (folder, path, visited, problems) => {
  if (visited.has(folder)) return
  visited.add(folder)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const here = [...path, manifest.name]
  const isOurs = manifest.name.startsWith('@ockam/')
  for (const script of ['preinstall', 'install', 'postinstall'])
    if (manifest.scripts?.[script] !== undefined) problems.push(`${here.join(' > ')} has a script "${script}": ${manifest.scripts[script]}`)
  if (!isOurs && existsSync(join(folder, 'binding.gyp'))) problems.push(`${here.join(' > ')} compiles native code when installed`)
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    if (manifest.peerDependenciesMeta?.[name]?.optional === true) continue
    const dependency = find(name, folder)
    if (dependency === undefined) problems.push(`${here.join(' > ')} > ${name} is not installed`)
    else walk(dependency, here, visited, problems)
  }
}

export const installScripts = async () => {
  const problems = []
  const portable = workspaceFolders().filter(({ folder, manifest }) => manifest.private !== true && isPortable(folder))
  for (const { folder } of portable) walk(join(root, folder), [], new Set(), problems)
  return { ok: portable.length > 0 && problems.length === 0, output: problems.join('\n') }
}
