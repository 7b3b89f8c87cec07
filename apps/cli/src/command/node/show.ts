import type { NodeInfo } from '../../node/method/node.ts'
import type { CommandDefinition } from '../../program/command.ts'
import { askNode, chosenNode } from '../node-choice.ts'

export const nodeShow: CommandDefinition = {
  name: 'show',
  summary: 'Show a node and everything on it',
  parameters: [{ name: 'name', description: 'name of the node (default: the default node)' }],
  examples: ['ockam node show n1', 'ockam node show n1 --output json'],
  async run(input, { terminal, openState }) {
    const state = await openState()
    const name = chosenNode(state, input.argument(0))
    const isDefault = state.defaults.get('node') === name
    if (state.nodes.running(name) === undefined) {
      const json = { name, status: 'stopped', is_default: isDefault }
      return terminal.properties(json, [
        ['name', name],
        ['status', 'stopped'],
        ['default', isDefault ? 'yes' : 'no'],
      ])
    }
    const info = (await askNode(state, name, 'node.show', {})) as NodeInfo
    await terminal.properties({ ...info, status: 'running', is_default: isDefault }, [
      ['name', info.name],
      ['status', 'running'],
      ['default', isDefault ? 'yes' : 'no'],
      ['process', String(info.pid)],
      ['started at', info.started_at],
      ['identity', `${info.identity.name ?? ''} ${info.identity.identifier}`.trim()],
      ['status endpoint', info.status_endpoint_address === null ? undefined : `http://${info.status_endpoint_address}/show`],
      ...info.listeners.map((listener) => ['tcp-listener', listener.multiaddr] as const),
      ...info.connections.map((connection) => ['tcp-connection', `${connection.multiaddr} to ${connection.to}`] as const),
      ...info.services.map((service) => ['service', `${service.addr} (${service.type})`] as const),
      ...info.secure_channels.map((channel) => ['secure-channel', `${channel.multiaddr} to ${channel.peer_identifier}`] as const),
      ...info.outlets.map((outlet) => ['tcp-outlet', `${outlet.worker_address} to ${outlet.to}`] as const),
      ...info.inlets.map(
        (inlet) => ['tcp-inlet', `${inlet.alias}: ${inlet.bind_addr} to ${inlet.outlet_addr.join(' ')}, ${inlet.status}`] as const,
      ),
      ...info.relays.map((relay) => ['relay', `${relay.remote_address} at ${relay.at}`] as const),
    ])
  },
}
