import type { CommandDefinition } from '../../program/command.ts'

interface NodeRow {
  readonly node_name: string
  readonly status: 'running' | 'stopped'
  readonly is_default: boolean
  readonly pid: number | null
  readonly address: string | null
}

export const nodeList: CommandDefinition = {
  name: 'list',
  summary: 'List the nodes of this machine',
  examples: ['ockam node list', 'ockam node list --output json'],
  async run(_, { terminal, openState }) {
    const state = await openState()
    const rows = state.nodes.names().map((name): NodeRow => {
      const running = state.nodes.running(name)
      const status = running === undefined ? 'stopped' : 'running'
      return {
        node_name: name,
        status,
        is_default: state.defaults.get('node') === name,
        pid: running?.pid ?? null,
        address: running?.address ?? null,
      }
    })
    const columns = [
      { title: 'NAME', value: (row: NodeRow) => row.node_name },
      { title: 'STATUS', value: (row: NodeRow) => row.status },
      { title: 'PROCESS', value: (row: NodeRow) => String(row.pid ?? '') },
      { title: 'ADDRESS', value: (row: NodeRow) => row.address ?? '' },
      { title: 'DEFAULT', value: (row: NodeRow) => (row.is_default ? 'default' : '') },
    ]
    await terminal.table(rows, columns, (row) => row, 'There are no nodes yet: ockam node create')
  },
}
