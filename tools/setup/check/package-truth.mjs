// What a user would install: every published package is packed, and the tarball must satisfy publint and are-the-types-wrong, and
// carry nothing that means something only inside the workspace. The packages are ESM only, so the profile leaves out CommonJS and
// resolution from before `exports`.
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, stateFolder, workspaceFolders } from '../workspace.mjs'
import { inParallel } from './parallel.mjs'

const packFolder = join(stateFolder, 'packed')

const checkOne = async ({ folder, manifest }) => {
  const destination = join(packFolder, manifest.name.replace('/', '-'))
  mkdirSync(destination, { recursive: true })
  const packed = await run('pnpm', ['pack', '--pack-destination', destination], { capture: true, cwd: join(root, folder) })
  if (packed.code !== 0) return { ok: false, output: `${manifest.name}: packing failed\n${packed.output}\n` }
  const tarball = join(destination, readdirSync(destination)[0])
  const publint = await run('publint', [tarball, '--strict'], { capture: true, env: { NO_COLOR: '1' } })
  const attw = await run('attw', [tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color'], { capture: true })
  const inside = await run('tar', ['-xOf', tarball, 'package/package.json'], { capture: true })
  const leaked = ['@ockam/source', 'workspace:', 'catalog:'].filter((word) => inside.output.includes(word))
  const words = { code: leaked.length === 0 ? inside.code : 1, output: `the packed manifest still says ${leaked.join(', ')}` }
  const output = [publint, attw, words].filter(({ code }) => code !== 0).map((result) => `${manifest.name}:\n${result.output}\n`)
  return { ok: output.length === 0, output: output.join('') }
}

export const packageTruth = async () => {
  rmSync(packFolder, { recursive: true, force: true })
  const published = workspaceFolders().filter(({ manifest }) => manifest.private !== true)
  const results = await inParallel(published, checkOne)
  return { ok: published.length > 0 && results.every((result) => result.ok), output: results.map((result) => result.output).join('') }
}
