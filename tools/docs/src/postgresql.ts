/**
 * A PostgreSQL server for one tutorial: a cluster of its own in a temporary folder, on a free port of 127.0.0.1, with a password. The server refuses to
 * run as root, so root starts it as another user.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PATIENCE_MS = 60_000
const READY = 'database system is ready to accept connections'

export interface PostgresqlServer {
  /** For programs that speak with it, under the names all of them know: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE. */
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** @param programs the folder with its programs. @throws {Error} with what the server says, when it does not come up. */
export async function startPostgresql(programs: string, port: number): Promise<PostgresqlServer> {
  const user = process.getuid?.() === 0 ? unprivileged() : {}
  const folder = mkdtempSync(join(tmpdir(), 'ockam-postgresql-'))
  let server: ChildProcess | undefined
  const stop = async (): Promise<void> => {
    if (server !== undefined) await end(server)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const password = randomBytes(16).toString('hex')
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
    if (user.uid !== undefined && user.gid !== undefined) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid)
    const data = join(folder, 'data')
    const options = { ...user, cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } }
    const cluster = ['--pgdata', data, '--username', 'postgres', '--pwfile', passwordFile, '--auth', 'scram-sha-256', '--no-sync']
    execFileSync(join(programs, 'initdb'), cluster, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'fsync=off', 'max_connections=20']
    const words = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
    server = spawn(join(programs, 'postgres'), words, { ...options, stdio: ['ignore', 'ignore', 'pipe'] })
    await ready(server)
    const environment = { PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGPASSWORD: password, PGDATABASE: 'postgres' }
    return { environment, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function ready(server: ChildProcess): Promise<void> {
  let said = ''
  let timer: NodeJS.Timeout | undefined
  const up = new Promise<void>((resolve, reject) => {
    const fail = (): void => reject(new Error(`PostgreSQL does not come up. It says:\n${said}`))
    timer = setTimeout(fail, PATIENCE_MS)
    server.once('error', reject).once('exit', fail)
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes(READY)) resolve()
    })
  })
  return up.finally(() => clearTimeout(timer))
}

/** SIGINT ends connections and shuts down in good order. */
async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return
  const ended = once(server, 'exit')
  server.kill('SIGINT')
  const timer = setTimeout(() => server.kill('SIGKILL'), PATIENCE_MS)
  await ended
  clearTimeout(timer)
}

/** The user that Debian's package makes for it, or nobody. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] })))
      if (uid !== undefined && gid !== undefined && uid > 0) return { uid, gid }
    } catch {
      // There is no such user.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user postgres and no user nobody.')
}
