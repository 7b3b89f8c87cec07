/** Installs the peers on first use, apart from the workspace and without running their install scripts. When it cannot, the peers are absent and the race goes on. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('../peers/', import.meta.url))
const LOCK = `${FOLDER}package-lock.json`
const STAMP = `${FOLDER}node_modules/.lock-installed`
const INSTALL_MS = 180_000

const isCurrent = () => existsSync(STAMP) && readFileSync(STAMP, 'utf8') === readFileSync(LOCK, 'utf8')

/** @returns `{ absence }`, undefined when the peers are ready, else the reason in a sentence. */
export function installPeers(say) {
  if (isCurrent()) return {}
  say('Installing the peers this benchmark races against into tools/bench/peers (first use only) …')
  const { status, error, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: FOLDER,
    encoding: 'utf8',
    timeout: INSTALL_MS,
    shell: process.platform === 'win32',
  })
  if (status === 0) {
    copyFileSync(LOCK, STAMP)
    return {}
  }
  const reason =
    error?.message ??
    stderr.split('\n').find((line) => !line.startsWith('npm error code') && line.trim() !== 'npm error' && line !== '') ??
    `exit code ${status}`
  return { absence: `npm ci in tools/bench/peers failed: ${reason.replace(/^npm error /, '')}` }
}
