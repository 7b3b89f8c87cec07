// The licences of what a bundled program has inside, as those licences ask for: one text in its `dist`, `third-party-licenses.txt`. A package without a
// licence text fails the build, so that none is passed on without.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** The folder of the package a file belongs to: the nearest one whose manifest has a name and a version. */
const packageFolderOf = (file) => {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, 'package.json'))) continue
    const { name, version } = manifestOf(folder)
    if (name !== undefined && version !== undefined) return folder
  }
  throw new Error(`${file} belongs to no package.`)
}

const entryOf = (folder) => {
  const { name, version, license } = manifestOf(folder)
  const file = readdirSync(folder).find((one) => /^(licen[cs]e|copying)\b/i.test(one))
  if (file === undefined) throw new Error(`${name} ${version} is bundled and has no licence text.`)
  const text = readFileSync(join(folder, file), 'utf8').trim()
  return { name, text: `${name} ${version} (${license})\n\n${text}\n` }
}

/** An esbuild plugin. Packages of this repository are left out: theirs is the licence of the program itself. */
export const licenseNotice = () => ({
  name: 'license-notice',
  setup(build) {
    build.initialOptions.metafile = true
    build.onEnd(({ metafile, errors }) => {
      if (errors.length > 0 || metafile === undefined) return
      const files = Object.keys(metafile.inputs).filter((path) => path.includes('node_modules/'))
      const folders = new Set(files.map((path) => packageFolderOf(resolve(path))))
      const entries = [...folders].map(entryOf).sort((a, b) => (a.name < b.name ? -1 : 1))
      const line = `\n${'-'.repeat(80)}\n\n`
      const { outdir } = build.initialOptions
      // The files of the bundle themselves are written later, in a fresh clone into a folder that is not there yet.
      mkdirSync(outdir, { recursive: true })
      writeFileSync(join(outdir, 'third-party-licenses.txt'), entries.map(({ text }) => text).join(line))
    })
  },
})
