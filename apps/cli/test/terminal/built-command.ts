/**
 * The built command, as a shell finds it: a folder with `ockam` in it for PATH, a state folder and a working folder that are gone after the test, and
 * with them every node that a test has started.
 */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The file that `npm run build` makes. */
export const BUILT: string = fileURLToPath(new URL('../../dist/ockam.js', import.meta.url))

/** Connects to 127.0.0.1, sends a line, prints the line that comes back: a client of whatever listens at a port. */
const TALK = `
const [port, text] = process.argv.slice(2)
const socket = require('node:net').connect(Number(port), '127.0.0.1', () => socket.write(text + '\\n'))
const fail = (why) => { console.error('talk: ' + why); process.exit(1) }
socket.setTimeout(20000, () => fail('no answer'))
let answer = ''
socket.setEncoding('utf8').on('data', (chunk) => { answer += chunk; if (answer.endsWith('\\n')) { process.stdout.write(answer); process.exit(0) } })
socket.on('error', (error) => fail(error.message)).on('close', () => fail('closed without an answer'))
`

export interface Finished {
  readonly stdout: string
  readonly stderr: string
  /** 128 and the number of the signal, as shells count, for a process that a signal ended. */
  readonly code: number
}

export interface CommandHome {
  /** What `OCKAM_HOME` says. */
  readonly home: string
  /** The working folder. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** Runs text as bash does; a pipe fails with any of its commands. */
  readonly run: (script: string) => Promise<Finished>
  /** Stops the nodes and deletes the folders. */
  readonly close: () => Promise<void>
}

/** @throws when the command has not been built. */
export async function commandHome(): Promise<CommandHome> {
  if (!existsSync(BUILT)) throw new Error('apps/cli/dist/ockam.js is missing: build it first with npm run build, or run npm test.')
  const root = await realpath(await mkdtemp(join(tmpdir(), 'ockam-')))
  const [home, folder, programs] = [join(root, 'home'), join(root, 'work'), join(root, 'bin')]
  await Promise.all([folder, programs].map((path) => mkdir(path)))
  await writeProgram(join(programs, 'ockam'), `exec '${process.execPath}' '${BUILT}' "$@"`)
  await writeFile(join(root, 'talk.cjs'), TALK)
  await writeProgram(join(programs, 'talk'), `exec '${process.execPath}' '${join(root, 'talk.cjs')}' "$@"`)
  const environment = { PATH: `${programs}:${process.env['PATH']}`, HOME: root, OCKAM_HOME: home, LC_ALL: 'C.UTF-8' }
  const run = (script: string): Promise<Finished> => bash(script, folder, environment)
  return {
    home,
    folder,
    environment,
    run,
    close: async () => {
      const { code, stderr } = await run('ockam reset --yes --force')
      await rm(root, { recursive: true, force: true })
      if (code !== 0) throw new Error(`The nodes of ${home} could not be stopped: ${stderr}`)
    },
  }
}

async function writeProgram(path: string, line: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${line}\n`)
  await chmod(path, 0o755)
}

function bash(script: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-o', 'pipefail', '-c', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk))
    child.once('error', reject).once('close', (code) => resolve({ stdout, stderr, code: code ?? -1 }))
  })
}
