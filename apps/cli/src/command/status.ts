/** `ockam status` */

import type { CommandDefinition } from '../program/command.ts'
import type { State } from '../state/state.ts'
import { ignored } from './rust-option.ts'

interface Overview {
  readonly home: string
  readonly default_identity: string | null
  readonly default_vault: string | null
  readonly default_node: string | null
  readonly identities: readonly { readonly name: string; readonly identifier: string }[]
  readonly vaults: readonly { readonly name: string; readonly protection: string }[]
  readonly nodes: readonly {
    readonly name: string
    readonly status: string
    readonly pid: number | null
    readonly address: string | null
  }[]
}

function overviewOf(state: State): Overview {
  return {
    home: state.path,
    default_identity: state.defaults.get('identity') ?? null,
    default_vault: state.defaults.get('vault') ?? null,
    default_node: state.defaults.get('node') ?? null,
    identities: state.identities.list().map(({ name, identifier }) => ({ name, identifier })),
    vaults: state.vaults.list().map(({ name, protection }) => ({ name, protection })),
    nodes: state.nodes.names().map((name) => {
      const running = state.nodes.running(name)
      return { name, status: running === undefined ? 'stopped' : 'running', pid: running?.pid ?? null, address: running?.address ?? null }
    }),
  }
}

export const status: CommandDefinition = {
  name: 'status',
  summary: 'Show what there is on this machine',
  options: [ignored('--timeout <duration>', 'nobody is asked')],
  examples: ['ockam status', 'ockam status --output json'],
  async run(_, { terminal, openState }) {
    const overview = overviewOf(await openState())
    await terminal.properties(overview, [
      ['home', overview.home],
      ...overview.nodes.map(
        ({ name, status: is, address }) => ['node', [name, is, address].filter((part) => part !== null).join(' ')] as const,
      ),
      ...overview.identities.map(({ name, identifier }) => ['identity', `${name} ${identifier}`] as const),
      ...overview.vaults.map(({ name, protection }) => ['vault', `${name} (protection: ${protection})`] as const),
      ['default node', overview.default_node ?? undefined],
      ['default identity', overview.default_identity ?? undefined],
      ['default vault', overview.default_vault ?? undefined],
    ])
  },
}
