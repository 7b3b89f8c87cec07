/** Programs of the system that some tutorials need, and finding out whether they are there. `.ci/install-system-parts` installs them. */

import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** Debian keeps the server's programs outside of PATH, by version. */
const POSTGRESQL = '/usr/lib/postgresql'
const WANTED_OF_POSTGRESQL = ['initdb', 'postgres', 'psql']

/** A folder that has all programs of PostgreSQL, server and client; undefined when none has. */
export function postgresqlFolder(): string | undefined {
  const versions = existsSync(POSTGRESQL) ? readdirSync(POSTGRESQL).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map((version) => join(POSTGRESQL, version, 'bin')), ...(process.env.PATH ?? '').split(delimiter)]
  return folders.find((folder) => WANTED_OF_POSTGRESQL.every((name) => isProgram(join(folder, name))))
}

/**
 * What a program is started with so that networks, processes and names of network namespaces are its own and end with it: whatever it makes there,
 * nobody else sees, and nothing can be left behind. Root is not needed where users may have such namespaces.
 */
const ALONE = ['unshare', '--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
/** Names of network namespaces are files there; loopback is down at first. */
const PREPARE = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'

/** @returns undefined when that cannot be had, or iproute2 or nftables are missing. */
export async function networkOfItsOwn(): Promise<readonly string[] | undefined> {
  const isRoot = process.getuid?.() === 0
  const prefix = [...ALONE, ...(isRoot ? [] : ['--map-root-user']), 'sh', '-c', PREPARE, 'sh']
  try {
    await promisify(execFile)('env', [...prefix, 'sh', '-ec', PROBE], { timeout: 20_000 })
    return prefix
  } catch {
    return undefined
  }
}

/** All that the tutorial asks of the system: a namespace in a namespace, a pair of interfaces, a bridge, address translation. */
const PROBE = `
ip netns add probe
ip link add probe-link netns probe type veth peer name probe-peer
ip link add probe-bridge type bridge
ip netns exec probe nft add table ip probe
ip netns exec probe nft add chain ip probe out '{ type nat hook postrouting priority srcnat; }'
ip netns exec probe nft add rule ip probe out masquerade
`

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
