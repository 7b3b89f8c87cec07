// What `npm start`, `npm test`, `npm run check`, `npm run build` and `npm run bench` share: a checked Node version, an installed
// workspace and a way to run its tools. Plain JavaScript without dependencies, because it runs before anything is installed.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Where the set-up keeps its stamp and its reports; never committed. */
export const stateFolder = join(root, '.setup')

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Folders of the workspace, as in pnpm-workspace.yaml, each with its manifest. */
export const workspaceFolders = () =>
  ['packages', 'apps', 'apps/examples', 'tools']
    .filter((parent) => existsSync(join(root, parent)))
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(join(root, folder, 'package.json')))
    .sort()
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) }))

/** What a shell answers when there is no such program. */
const NOT_FOUND = 127

/**
 * Runs a command from the repository's root with the workspace's tools first in PATH.
 * Resolves with the exit code (1 when a signal ended it, 127 when it cannot be started) and, when `capture` is set, with what it wrote; otherwise that
 * is on the terminal, as is why it cannot be started.
 */
export const run = (command, args, { capture = false, env = {}, cwd = root } = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: capture ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      shell: process.platform === 'win32',
      env: {
        ...process.env,
        TURBO_TELEMETRY_DISABLED: '1',
        DO_NOT_TRACK: '1',
        PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
        ...env,
      },
    })
    let output = ''
    if (capture) for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    // A terminal sends SIGINT to the whole group; a supervisor sends SIGTERM only to us, so it is passed on.
    const passOn = () => child.kill('SIGTERM')
    const wait = () => {}
    process.on('SIGTERM', passOn).on('SIGINT', wait)
    const done = () => process.off('SIGTERM', passOn).off('SIGINT', wait)
    child.once('error', (error) => {
      done()
      const reason = whyNotStarted(command, error)
      if (!capture) console.error(reason)
      resolve({ code: NOT_FOUND, output: `${reason}\n` })
    })
    child.once('close', (code, signal) => {
      done()
      resolve({ code: signal === null ? code : 1, output })
    })
  })

const whyNotStarted = (command, { code, message }) => {
  if (code !== 'ENOENT') return `error: ${command} cannot be started: ${message}.`
  const hint =
    command === 'npx'
      ? 'npx comes with npm: install npm, or put it on the PATH.'
      : 'install it, or put it on the PATH; when it is a tool of this repository, remove node_modules and .setup, and try again.'
  return `error: ${command} cannot be started: there is no such program.\nhint: ${hint}`
}

/** Stops with a plain sentence when this Node is too old for the packages. */
export const requireNode = () => {
  const [floorMajor, floorMinor] = manifest.engines.node.match(/\d+/g).map(Number)
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > floorMajor || (major === floorMajor && minor >= floorMinor)) return
  console.error(`error: Node ${process.versions.node} is too old; this repository needs Node ${floorMajor}.${floorMinor} or newer.`)
  process.exit(1)
}

const installStamp = () => {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const file of [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    ...workspaceFolders().map(({ folder }) => `${folder}/package.json`),
  ])
    hash.update(`\n${file}\n`).update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

/** Installs exactly what pnpm-lock.yaml says, with the pinned pnpm; does nothing when that has been done already. */
export const install = async () => {
  requireNode()
  const stampFile = join(stateFolder, 'installed')
  const stamp = installStamp()
  if (existsSync(join(root, 'node_modules')) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  const version = manifest.devEngines.packageManager.version
  console.error(`Installing with pnpm ${version} ...`)
  const args = ['-y', `pnpm@${version}`, 'install', '--frozen-lockfile', '--config.confirm-modules-purge=false']
  // When we run inside `npx -p node@24 -c ...`, the inner npx must not inherit the outer one's own options.
  const { code } = await run('npx', args, { env: { npm_config_call: undefined, npm_config_package: undefined } })
  if (code === NOT_FOUND) process.exit(1)
  if (code !== 0) {
    console.error(`error: the installation failed (exit code ${code}).`)
    console.error(`hint: is the npm registry reachable? After editing a package.json, run \`npx pnpm@${version} install\` once.`)
    process.exit(1)
  }
  mkdirSync(stateFolder, { recursive: true })
  writeFileSync(stampFile, stamp)
}

/** Builds the workspace folders selected by turbo's filters (all when there are none). Only what changed is built again. */
export const build = async (...filters) => {
  const args = [
    'run',
    'build',
    '--output-logs=errors-only',
    '--log-order=grouped',
    '--continue=dependencies-successful',
    '--no-color',
    ...filters.map((filter) => `--filter=${filter}`),
  ]
  const { code, output } = await run('turbo', args, { capture: true })
  if (code !== 0) console.error(`${output}\nerror: the build failed.`)
  return code === 0
}
