/** What `ockam doctor` looks at. Every examination says what it found, whether that is well, and what to do if not. */

import { existsSync, lstatSync } from 'node:fs'
import { control } from '../control/control-client.ts'
import { explain } from '../program/explain.ts'
import type { State } from '../state/state.ts'
import type { SecretSources } from '../state/vault-secret.ts'
import { withIdentities } from './own-identity.ts'

export interface Finding {
  readonly what: string
  readonly status: 'ok' | 'warning' | 'problem'
  readonly found: string
  readonly advice: string | null
}

const OLDEST_NODE = [20, 19] as const
const EARLIEST_CLOCK_MS = Date.UTC(2024, 0, 1)
const ASK_TIMEOUT_MS = 5000

const ok = (what: string, found: string): Finding => ({ what, status: 'ok', found, advice: null })
const warning = (what: string, found: string, advice: string): Finding => ({ what, status: 'warning', found, advice })
const problem = (what: string, found: string, advice: string): Finding => ({ what, status: 'problem', found, advice })

/** @param path of the state folder, which is not made if there is none. */
export async function examine(path: string, openState: () => Promise<State>, secrets: SecretSources): Promise<readonly Finding[]> {
  const findings = [runtime(), clock()]
  if (!existsSync(path)) return [...findings, ok('state folder', `none yet at ${path}`)]
  let state: State
  try {
    state = await openState()
  } catch (error) {
    const { message, hint } = explain(error)
    return [...findings, problem('state folder', message, hint ?? 'Set OCKAM_HOME to a folder of your own.')]
  }
  findings.push(folder(state))
  for (const { name } of state.vaults.list()) findings.push(await vault(state, secrets, name))
  findings.push(...identities(state))
  for (const name of state.nodes.names()) findings.push(await node(state, name))
  return findings
}

function runtime(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isOld = major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])
  const found = `Node ${process.versions.node}, OpenSSL ${process.versions.openssl}`
  return isOld ? problem('runtime', found, `Use Node ${OLDEST_NODE.join('.')} or newer.`) : ok('runtime', found)
}

/** Attestations and credentials are valid in time: a clock that is far off makes every handshake fail. */
function clock(): Finding {
  const found = new Date().toISOString()
  return Date.now() < EARLIEST_CLOCK_MS ? problem('clock', found, 'Set the clock: no peer will accept this time.') : ok('clock', found)
}

function folder(state: State): Finding {
  const mode = lstatSync(state.path).mode & 0o777
  return ok('state folder', `${state.path}, mode ${mode.toString(8)}`)
}

async function vault(state: State, secrets: SecretSources, name: string): Promise<Finding> {
  const what = `vault ${name}`
  try {
    const count = (await withIdentities(state, secrets, name, (all) => all.list())).length
    return ok(what, `opens; ${count} ${count === 1 ? 'identity' : 'identities'}`)
  } catch (error) {
    const { code, message, hint } = explain(error)
    if (code === 'cli/refused') return warning(what, message, hint ?? 'Give what opens it.')
    return problem(what, message, hint ?? 'Restore the vault from a copy.')
  }
}

function identities(state: State): readonly Finding[] {
  const all = state.identities.list()
  if (all.length === 0) return [warning('identities', 'none', 'The first one is made when it is needed, or now: ockam identity create')]
  return all.map(({ name, vault: where }) =>
    state.vaults.find(where) === undefined
      ? problem(`identity ${name}`, `its vault "${where}" is gone`, `Delete it: ockam identity delete ${name}`)
      : ok(`identity ${name}`, `in vault ${where}`),
  )
}

async function node(state: State, name: string): Promise<Finding> {
  const what = `node ${name}`
  const running = state.nodes.running(name)
  if (running === undefined) return ok(what, 'stopped')
  try {
    await control({ name, socketPath: state.nodes.controlPath(name) }, 'node.show', {}, { timeoutMs: ASK_TIMEOUT_MS })
    return ok(what, `process ${running.pid} answers, listening at ${running.address ?? 'no address'}`)
  } catch (error) {
    return problem(what, `process ${running.pid} runs, but: ${explain(error).message}`, `End it by force: ockam node stop ${name} --force`)
  }
}
